"""What programs read: XML that parses, JSON of the right shape, commands that end where they should."""

import json
import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab, render_gitlab_codequality
from omnictl.render.html import render_diagnostics_html, render_plan_html
from omnictl.render.junit import render_failure_junit, render_files_junit, render_plan_junit
from omnictl.render.sarif import render_sarif
from tests.builders import Scene, example_scene, problem

TEXTS = st.text(max_size=30)
FINDINGS = st.lists(
    st.builds(
        Diagnostic,
        st.sampled_from(["one-code", "two-code"]),
        st.sampled_from(Severity),
        TEXTS,
        TEXTS,
        st.none() | st.builds(Source, TEXTS, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9), st.none()),
        TEXTS,
        TEXTS,
        st.lists(TEXTS, max_size=2).map(tuple),
    ),
    max_size=4,
)


@given(FINDINGS)
def test_junit_parses_whatever_it_holds(findings: list[Diagnostic]) -> None:
    for text in (render_failure_junit(findings), render_files_junit([("a.yaml", "a")], findings)):
        suite = ET.fromstring(text.encode("utf-8"))[0]
        assert int(suite.attrib["tests"]) == len(suite)
        failed = [case for case in suite if case.find("failure") is not None]
        assert int(suite.attrib["failures"]) == len(failed)


@given(FINDINGS)
def test_every_workflow_command_is_one_line(findings: list[Diagnostic]) -> None:
    lines = render_github(findings, title="a: b, c", summary="d").split("\n")
    assert lines[-1] == ""
    assert len(lines) == len(findings) + 2
    for line in lines[:-1]:
        assert re.match(r"::(error|warning|notice) (\w+=[^:,]*)(,\w+=[^:,]*)*::", line)
    assert lines[-2] == "::notice title=a%3A b%2C c::d"


@given(FINDINGS)
def test_sarif_has_what_code_scanning_needs(findings: list[Diagnostic]) -> None:
    text = render_sarif(findings, version="1.0.0", category="validate", explanations={}, exit_code=1)
    document = json.loads(text.encode("utf-8"))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == len(findings)
    for result, finding in zip(run["results"], findings, strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == finding.code
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert re.fullmatch(r"[A-Za-z0-9._~%/:-]*", place["artifactLocation"]["uri"])


@given(FINDINGS)
def test_code_quality_has_what_gitlab_needs(findings: list[Diagnostic]) -> None:
    items = json.loads(render_gitlab_codequality(findings).encode("utf-8"))
    assert len({item["fingerprint"] for item in items}) == len(items) == len(findings)
    for item in items:
        assert item["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert item["location"]["lines"]["begin"] >= 1
        assert item["description"]


@given(TEXTS)
def test_html_holds_no_markup_of_others(name: str) -> None:
    page = render_plan_html(Scene().declare("a", f"<script>{name}</script>", "SMS").plan())
    told = render_diagnostics_html([problem(detail=f"<img src=x onerror={name}>")])
    for text in (page, told):
        assert "<script" not in text
        assert "<img" not in text
    outside = re.sub(r"<[^>]*>", "", page)
    assert "<" not in outside.split("</style>")[-1]


def test_html_loads_nothing() -> None:
    page = render_plan_html(example_scene().plan())
    assert not re.search(r"(?:src|href)=|@import|url\(", page)


def test_counts_for_gitlab_never_pretend_to_delete() -> None:
    assert json.loads(render_gitlab(example_scene().plan())) == {"create": 1, "update": 4, "delete": 0}


def test_a_plan_without_changes_is_one_test_that_passes() -> None:
    (case,) = ET.fromstring(render_plan_junit(Scene().both("a").plan()).encode())[0]
    assert case.attrib["name"] == "no changes"
    assert len(case) == 0
