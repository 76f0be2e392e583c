"""Plans for reviewers and programs: Markdown, HTML, JSON, and what GitHub, GitLab and test reports show."""

import json
from collections.abc import Callable

import pytest

from omnictl.codec.plan import encode_plan
from omnictl.model.plan import Plan
from omnictl.render.findings import plan_findings
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab, render_gitlab_codequality
from omnictl.render.html import render_plan_html
from omnictl.render.junit import render_plan_junit
from omnictl.render.markdown import render_plan_markdown
from omnictl.render.plan_words import say_plan
from omnictl.render.sarif import render_sarif
from tests.builders import example_scene
from tests.golden.golden import check_golden
from tests.golden.test_plans import (
    PLANS,
    allowed_guard,
    every_guard,
    hostile_names,
    no_changes,
    noted,
    rare_changes,
    removals,
    risky,
    settled,
)


def example() -> Plan:
    return example_scene().plan()


def name_of(make: Callable[[], Plan]) -> str:
    return make.__name__.replace("_", "-")


@pytest.mark.parametrize("make", [example, *PLANS], ids=name_of)
def test_plan_as_markdown(make: Callable[[], Plan]) -> None:
    check_golden(f"plan-{name_of(make)}.md", render_plan_markdown(make()))


def test_saved_plan_as_markdown() -> None:
    check_golden("plan-saved.md", render_plan_markdown(allowed_guard(), saved_as="plan.json"))
    check_golden("plan-saved-for-production.md", render_plan_markdown(risky(), saved_as="plan.json"))


@pytest.mark.parametrize(
    "make",
    [example, hostile_names, no_changes, allowed_guard, every_guard, rare_changes, settled, noted, risky],
    ids=name_of,
)
def test_plan_as_html(make: Callable[[], Plan]) -> None:
    check_golden(f"plan-{name_of(make)}.html", render_plan_html(make()))


@pytest.mark.parametrize("make", [example, hostile_names, no_changes, risky, removals], ids=name_of)
def test_plan_as_json(make: Callable[[], Plan]) -> None:
    check_golden(f"plan-{name_of(make)}.json", json.dumps(encode_plan(make()), indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("make", [example, allowed_guard, no_changes], ids=name_of)
def test_plan_for_pipelines(make: Callable[[], Plan]) -> None:
    plan, name = make(), name_of(make)
    findings = plan_findings(plan)
    check_golden(f"plan-{name}.junit.xml", render_plan_junit(plan))
    check_golden(f"plan-{name}.github.txt", render_github(findings, title="omnictl plan", summary=say_plan(plan)))
    check_golden(f"plan-{name}.gitlab.json", render_gitlab(plan))
    check_golden(f"plan-{name}.gitlab-codequality.json", render_gitlab_codequality(findings))
    sarif = render_sarif(
        findings, version="1.0.0", category="plan/production", explanations={"default-change": "Why."}, exit_code=0
    )
    check_golden(f"plan-{name}.sarif", sarif)
