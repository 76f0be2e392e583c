"""Commands to copy: they work where the run works that printed them, and keep what they say themselves."""

import pytest

from omnictl.cli.globals import GlobalOptions
from omnictl.model.shell import complete_command
from omnictl.render.style import Style
from omnictl.render.words import command

_ALL = GlobalOptions(chdir="my project", env="staging", state="s.json", variables={"A": "1 2"}, sandbox=True).here


@pytest.mark.parametrize(
    ("here", "line", "completed"),
    [
        ((), "omnictl plan", "omnictl plan"),
        (_ALL, "omnictl plan", "omnictl plan -C 'my project' --env staging --state s.json --var 'A=1 2' --sandbox"),
        (
            _ALL,
            "omnictl plan --sandbox --env staging -C x",
            "omnictl plan --sandbox --env staging -C x --state s.json --var 'A=1 2'",
        ),
        ((("--env", "staging"),), "omnictl apply -e staging --yes", "omnictl apply -e staging --yes"),
        (_ALL, "omnictl apply -e production --chdir x", "omnictl apply -e production --chdir x"),
        (_ALL, "omnictl apply --env production", "omnictl apply --env production -C 'my project'"),
        (
            _ALL,
            "omnictl sandbox reset",
            "omnictl sandbox reset -C 'my project' --env staging --state s.json --var 'A=1 2'",
        ),
        (_ALL, "omnictl explain no-api", "omnictl explain no-api"),
        (_ALL, "export INFOBIP_API_KEY=...", "export INFOBIP_API_KEY=..."),
        (_ALL, "environments: {test: {state_in_git: true}}", "environments: {test: {state_in_git: true}}"),
        ((("--state", "s.json"),), "omnictl plan --env production", "omnictl plan --env production --state s.json"),
        ((("--var", "A=1"), ("--var", "B=2")), "omnictl plan --var A=1", "omnictl plan --var A=1 --var B=2"),
    ],
)
def test_a_command_is_completed(here: tuple[tuple[str, str], ...], line: str, completed: str) -> None:
    assert complete_command(line, here) == completed
    assert complete_command(completed, here) == completed


def test_a_long_command_is_continued_with_what_completes_it() -> None:
    style = Style(width=40, here=(("--state", "a folder/s.json"),))

    assert command(["omnictl plan --env test", "--out plan.json"], style) == (
        "    omnictl plan --env test \\\n        --out plan.json \\\n        --state 'a folder/s.json'"
    )


@pytest.mark.parametrize(
    "state",
    [
        "s3://u:a-password@b/x",
        "git+http:/u:a-password@h/a.git//x",
        "u:a-password@h:x",
        "s3://b/x?endpoint=https://u:p@h",
    ],
)
def test_a_place_that_is_refused_unseen_completes_no_command(state: str) -> None:
    assert GlobalOptions(state=state, env="test").here == (("--env", "test"),)
    assert GlobalOptions(state="s3://b/x/").here == (("--state", "s3://b/x/"),)
