"""What a run of a pipeline is called, and where it and its pull request can be looked at."""

from collections.abc import Mapping

import pytest

from omnictl.cli.pipeline import link_to_run, name_run

GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/m", "GITHUB_RUN_ID": "77"}


@pytest.mark.parametrize(
    ("environ", "name", "link"),
    [
        ({}, "", ""),
        ({**GITHUB, "GITHUB_RUN_NUMBER": "8790"}, "CI run 8790", "https://github.com/acme/m/actions/runs/77"),
        (
            {**GITHUB, "GITHUB_REF": "refs/pull/12/merge"},
            "",
            "https://github.com/acme/m/actions/runs/77 for https://github.com/acme/m/pull/12",
        ),
        ({**GITHUB, "GITHUB_REF": "refs/heads/pull/12"}, "", "https://github.com/acme/m/actions/runs/77"),
        ({"CI_PIPELINE_IID": "5", "CI_JOB_URL": "https://gl/acme/-/jobs/9"}, "CI run 5", "https://gl/acme/-/jobs/9"),
        (
            {
                "CI_JOB_URL": "https://gl/acme/-/jobs/9",
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_PROJECT_URL": "https://gl/acme",
            },
            "",
            "https://gl/acme/-/jobs/9 for https://gl/acme/-/merge_requests/3",
        ),
        ({"BUILD_NUMBER": "41", "BUILD_URL": "https://ci/job/41/"}, "CI run 41", "https://ci/job/41/"),
        ({"BUILD_NUMBER": "4 1"}, "", ""),
    ],
)
def test_a_run_is_named_and_linked(environ: Mapping[str, str], name: str, link: str) -> None:
    assert (name_run(environ), link_to_run(environ)) == (name, link)
