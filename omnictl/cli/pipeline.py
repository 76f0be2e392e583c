"""The run of a pipeline that this is, in the words of GitHub, GitLab and Jenkins."""

from collections.abc import Mapping

_RUN_NUMBERS = ("GITHUB_RUN_NUMBER", "CI_PIPELINE_IID", "BUILD_NUMBER")
"""What GitHub, GitLab and Jenkins number a run with."""


def name_run(environ: Mapping[str, str]) -> str:
    """Return what people call the run, such as ``CI run 8790``; "" where it has no number."""
    numbers = (environ.get(name, "") for name in _RUN_NUMBERS)
    return next((f"CI run {each}" for each in numbers if _is_number(each)), "")


def link_to_run(environ: Mapping[str, str]) -> str:
    """Return where the run can be looked at, and the pull request that it is for; "" where neither is known."""
    return " for ".join(each for each in (_run(environ), _pull_request(environ)) if each)


def _run(environ: Mapping[str, str]) -> str:
    link = environ.get("CI_JOB_URL") or environ.get("BUILD_URL", "")
    run = environ.get("GITHUB_RUN_ID", "")
    return link or (f"{_repository(environ)}/actions/runs/{run}" if run else "")


def _pull_request(environ: Mapping[str, str]) -> str:
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    if _is_number(number):
        return f"{environ.get('CI_MERGE_REQUEST_PROJECT_URL', '')}/-/merge_requests/{number}"
    kind, _, rest = environ.get("GITHUB_REF", "").partition("/pull/")
    number = rest.partition("/")[0]
    return f"{_repository(environ)}/pull/{number}" if kind == "refs" and _is_number(number) else ""


def _repository(environ: Mapping[str, str]) -> str:
    return "/".join(environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
