"""Results as JUnit XML, which every pipeline shows as tests: a file, a change or a guard is one case."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from msgspec import Struct

from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ApplyReport, Fate
from omnictl.model.plan import Plan
from omnictl.render.apply_words import shown_outcomes
from omnictl.render.findings import failures, message_lines, plan_findings
from omnictl.render.plan_words import describe, shown_changes
from omnictl.render.style import Style, sanitize


class Case(Struct, frozen=True):
    """One test case; ``kind`` is "" where it passed, else failure, error or skipped."""

    name: str
    group: str
    kind: str = ""
    message: str = ""
    text: str = ""
    code: str = ""


def render_plan_junit(plan: Plan) -> str:
    """Return a case for each change, which passes, and one for each guard, which fails while it is not allowed."""
    group = f"omnictl.plan.{plan.environment}"
    told = (describe(each, Style()) for each in shown_changes(plan))
    cases = [Case(f"{each.action.value} {each.scenario_id}", group, text=sanitize(each.head)) for each in told]
    findings = plan_findings(plan)
    guards = [_case(f"{each.code} {i}", group, (each,)) for i, each in enumerate(findings, 1)]
    return _render("omnictl plan", [*guards, *cases] or [Case("no changes", group)])


def render_report_junit(report: ApplyReport) -> str:
    """Return a case for each change: a failed one is a failure, an unknown one an error, an untried one skipped."""
    group = f"omnictl.apply.{report.environment}"
    kinds = {Fate.DONE: "", Fate.FAILED: "failure", Fate.UNKNOWN: "error", Fate.NOT_TRIED: "skipped"}
    cases = []
    for each in shown_outcomes(report):
        why = each.diagnostic
        text = "\n".join(message_lines(why)) if why else ""
        name = f"{each.action.value} {id_of(each.address)}"
        message = why.summary if why else each.fate.value
        cases.append(Case(name, group, kinds[each.fate], message, text, why.code if why else ""))
    cases += [_case(f"{each.code} {i}", group, (each,)) for i, each in enumerate(report.diagnostics, 1)]
    return _render("omnictl apply", cases or [Case(report.ending.value, group)])


def render_files_junit(files: Sequence[tuple[str, str]], findings: Sequence[Diagnostic]) -> str:
    """Return a case for each scenario, given as (path, id), and for each other place that has a finding.

    A finding belongs to the file it is in; JUnit has no warnings, so these stand as text in a case that passes.
    """
    cases = []
    seen = {path for path, _ in files}
    for path, scenario_id in files:
        cases.append(_case(scenario_id, path, _in_file(findings, path)))
    elsewhere = dict.fromkeys(each.source.path if each.source else "omnictl" for each in findings)
    cases += [_case(path, path, _in_file(findings, path)) for path in elsewhere if path not in seen]
    return _render("omnictl validate", cases or [Case("no scenarios", "omnictl")])


def render_failure_junit(findings: Sequence[Diagnostic]) -> str:
    """Return what ended a run as cases that fail."""
    return _render("omnictl", [_case(each.code, "omnictl", (each,)) for each in findings])


def _in_file(findings: Sequence[Diagnostic], path: str) -> tuple[Diagnostic, ...]:
    return tuple(each for each in findings if (each.source.path if each.source else "omnictl") == path)


def _case(name: str, group: str, findings: Sequence[Diagnostic]) -> Case:
    """One case with all its findings; the first error gives it its message."""
    wrong = failures(findings)
    text = "\n\n".join("\n".join((_title(each), *message_lines(each))) for each in findings)
    if not wrong:
        return Case(name, group, text=text)
    return Case(name, group, "failure", wrong[0].summary, text, wrong[0].code)


def _title(each: Diagnostic) -> str:
    parts = (each.source.path, each.source.line, each.source.column) if each.source else ()
    place = ":".join(str(part) for part in parts if part is not None)
    return f"{each.severity.value}[{each.code}]: {sanitize(each.summary)}{f' ({sanitize(place)})' if place else ''}"


def _render(name: str, cases: Sequence[Case]) -> str:
    numbers = {
        "tests": str(len(cases)),
        "failures": str(sum(1 for each in cases if each.kind == "failure")),
        "errors": str(sum(1 for each in cases if each.kind == "error")),
        "skipped": str(sum(1 for each in cases if each.kind == "skipped")),
    }
    root = ET.Element("testsuites", {"name": name, **numbers})
    suite = ET.SubElement(root, "testsuite", {"name": name, **numbers})
    for each in cases:
        _add(suite, each)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(suite: ET.Element, each: Case) -> None:
    attributes = {"name": sanitize(each.name), "classname": sanitize(each.group), "time": "0"}
    case = ET.SubElement(suite, "testcase", attributes)
    if each.kind:
        more = {"type": each.code} if each.code else {}
        ET.SubElement(case, each.kind, {"message": sanitize(each.message), **more}).text = each.text or None
    elif each.text:
        ET.SubElement(case, "system-out").text = each.text
