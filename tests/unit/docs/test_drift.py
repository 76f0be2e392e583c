"""The recipes of the page about drift do what it says: one issue is opened, updated, closed; a failure touches none."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from omnictl.render.prometheus import METRICS
from tests.unit.docs.pages import first_cells, read, section

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the recipes are lines of a POSIX shell")

_RECIPE = re.compile(r"<!-- recipe (\w+) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OMNICTL = """#!/bin/sh
echo "omnictl $*" >> calls
echo "### omnictl drift" > drift.md
exit $CODE
"""
_GH = """#!/bin/sh
echo "gh $*" >> calls
case "$1 $2" in "issue list") printf '%s' "$NUMBER";; esac
"""
_CURL = """#!/bin/sh
echo "curl $*" >> calls
case "$*" in *state=opened*) printf '%s' "$FOUND";; esac
"""


def recipe(name: str) -> Any:
    return yaml.safe_load(dict(_RECIPE.findall(read("drift.md")))[name])


def run(script: str, folder: Path, variables: Mapping[str, str]) -> tuple[int, list[str]]:
    """Run a script as a runner does, among commands that only write down how they are called."""
    programs = folder / "programs"
    programs.mkdir()
    for name, text in (("omnictl", _OMNICTL), ("gh", _GH), ("curl", _CURL), ("pip", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": path, "GITHUB_STEP_SUMMARY": str(folder / "summary"), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    calls = (folder / "calls").read_text().splitlines()
    assert calls[0] == "omnictl drift --env production --report markdown=drift.md"
    return done.returncode, [each for each in calls[1:] if "label create" not in each and "list" not in each]


@pytest.mark.parametrize(
    ("code", "number", "ended", "expected"),
    [
        (0, "", 0, []),
        (0, "17", 0, ["gh issue close 17 --comment The drift is gone."]),
        (2, "17", 0, ["gh issue edit 17 --body-file drift.md"]),
        (
            2,
            "",
            0,
            ["gh issue create --label omnictl-drift-production --title omnictl drift: production --body-file drift.md"],
        ),
        (1, "17", 1, []),
        (5, "", 5, []),
        (70, "17", 70, []),
    ],
)
def test_the_workflow_of_github(tmp_path: Path, code: int, number: str, ended: int, expected: list[str]) -> None:
    (job,) = recipe("github")["jobs"].values()
    variables = {name: job["env"][name] for name in ("LABEL", "TITLE")}
    script = job["steps"][-1]["run"]
    assert run(script, tmp_path, {**variables, "CODE": str(code), "NUMBER": number}) == (ended, expected)
    assert (tmp_path / "summary").read_text() == "### omnictl drift\n"


_ISSUES = "https://gitlab.example/api/v4/projects/1/issues"
_LABELS, _TEXT = "labels=omnictl-drift-production", "description@drift.md"
_TITLE = "title=omnictl drift: production"
_PUT = "--output /dev/null --request PUT"


@pytest.mark.parametrize(
    ("code", "found", "ended", "expected"),
    [
        (0, [], 0, []),
        (0, [17], 0, [f"{_PUT} {_ISSUES}/17 --data state_event=close"]),
        (2, [17, 3], 0, [f"{_PUT} {_ISSUES}/17 --data-urlencode description@drift.md"]),
        (
            2,
            [],
            0,
            [
                f"--output /dev/null {_ISSUES} --data {_LABELS} --data-urlencode {_TITLE} --data-urlencode {_TEXT}",
            ],
        ),
        (6, [17], 6, []),
    ],
)
def test_the_job_of_gitlab(tmp_path: Path, code: int, found: list[int], ended: int, expected: list[str]) -> None:
    job = recipe("gitlab")["drift"]
    around = {"CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_PROJECT_ID": "1", "DRIFT_TOKEN": "token"}
    issues = json.dumps([{"iid": each} for each in found])
    variables = {**job["variables"], **around, "CODE": str(code), "FOUND": issues}
    code_of_script, calls = run("\n".join(job["script"]), tmp_path, variables)
    lead = "curl --silent --show-error --fail --header PRIVATE-TOKEN: token "
    changing = [each.removeprefix(lead) for each in calls if "state=opened" not in each]
    assert (code_of_script, changing) == (ended, expected)


def test_every_metric_has_its_row_and_the_alerts_use_no_other() -> None:
    text = section(read("drift.md"), "Metrics")
    assert first_cells(text) == list(METRICS)
    assert set(re.findall(r"\bomnictl_\w+", text)) == set(METRICS)
