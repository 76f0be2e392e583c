"""Metrics: every line is of the text format, whatever the environment is called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.model.drift import Drift
from omnictl.model.state import Account
from omnictl.render.prometheus import escape_label, render_prometheus, render_prometheus_failure
from omnictl.render.style import sanitize
from tests.builders import NOW, problem

_SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} ([0-9]+(?:\.[0-9]+)?)')
_LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\[\\"n])*)"')
EMPTY = Drift("production", Account("host"), NOW)


def read(text: str) -> dict[str, list[tuple[dict[str, str], str]]]:
    """Return the samples of each metric; what is not of the format is an error."""
    samples: dict[str, list[tuple[dict[str, str], str]]] = {}
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in samples
            samples[name] = []
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2:] == [name, "gauge"]
        else:
            match = _SAMPLE.fullmatch(line)
            assert match is not None, line
            assert match[1] == name
            labels = dict(_LABEL.findall(match[2]))
            samples[name].append((labels, match[3]))
    return samples


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_of_an_environment_stays_in_its_label(name: str) -> None:
    for text in (
        render_prometheus(replace(EMPTY, environment=name)),
        render_prometheus_failure((), name, sandbox=False),
    ):
        for samples in read(text).values():
            for labels, _ in samples:
                unescaped = re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), labels["environment"])
                assert unescaped == sanitize(name)


@pytest.mark.parametrize(
    ("text", "escaped"), [('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("a\nb", r"a\nb"), ("a\\n", r"a\\n")]
)
def test_escapes(text: str, escaped: str) -> None:
    assert escape_label(text) == escaped


def test_the_metrics_of_nothing() -> None:
    found = read(render_prometheus(EMPTY))
    assert {labels["kind"] for labels, _ in found["omnictl_drift_scenarios"]} == {
        "conflict",
        "drift",
        "ignored",
        "vanished",
    }
    assert found["omnictl_drift_check_success"] == [({"environment": "production"}, "1")]
    assert found["omnictl_drift_last_check_timestamp_seconds"] == [
        ({"environment": "production"}, str(int(NOW.timestamp())))
    ]
    assert found["omnictl_coverage_ratio"] == [({"environment": "production"}, "1.0")]


def test_a_failure_claims_nothing_but_itself() -> None:
    problems = (problem("one-code", summary="It is\nwrong"), problem("two-code"))
    why, also, rest = render_prometheus_failure(problems, "test", sandbox=False).split("\n", 2)
    assert (why, also) == (r"# one-code: It is\x0awrong", "# two-code: Something is wrong")
    assert read(rest) == {"omnictl_drift_check_success": [({"environment": "test"}, "0")]}


def test_the_sandbox_is_told() -> None:
    text = render_prometheus(replace(EMPTY, sandbox=True))
    banner, rest = text.split("\n", 1)
    assert banner == "# SANDBOX: nothing leaves this machine"
    assert all(labels["sandbox"] == "true" for samples in read(rest).values() for labels, _ in samples)
