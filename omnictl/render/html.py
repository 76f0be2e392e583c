"""Plans, reports and diagnostics as one HTML file: no scripts, nothing loaded from anywhere, light and dark."""

from collections.abc import Iterable, Sequence

from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ApplyReport, Fate, Outcome
from omnictl.model.plan import GuardFinding, Plan
from omnictl.render import apply_words
from omnictl.render.apply_words import command_that_goes_on, say_apply_counts, say_what_next, shown_outcomes
from omnictl.render.page import isolated, make_page, page_text
from omnictl.render.plan_words import (
    Described,
    allowing_command,
    describe,
    header_parts,
    say_counts,
    say_first_default,
    say_no_changes,
    say_refusal,
    say_time,
    say_unmanaged,
    shown_changes,
)
from omnictl.render.risk_words import say_left_behind, say_risk
from omnictl.render.style import Style
from omnictl.render.words import short_key

_STYLE = Style(arrow="→")


def render_plan_html(plan: Plan) -> str:
    """Return the plan as a page."""
    told = [describe(each, _STYLE) for each in shown_changes(plan)]
    title = f"omnictl plan: {plan.environment}"
    parts = [_head(title, ", ".join(header_parts(plan)), sandbox=plan.sandbox), *_guards(plan)]
    parts += _diagnostics(plan.diagnostics)
    if not told and not plan.guards and not plan.settled:
        return make_page(title, [*parts, _paragraph(say_no_changes(plan))])
    first = say_first_default(plan, _STYLE)
    parts += [f'<section class="note">{_paragraph(first)}</section>'] if first else []
    parts.append(f"<p><strong>{page_text(say_counts(plan))}</strong><br>{page_text(say_time(plan))}</p>")
    parts += [_paragraph(each) for each in (say_left_behind(plan), say_risk(plan)) if each]
    rows = [_settled(id_of(each.address), each.key) for each in plan.settled] + [_change(each) for each in told]
    parts += _table(("Action", "Scenario", "What changes"), rows)
    return make_page(title, [*parts, *_unmanaged(plan)])


def render_report_html(report: ApplyReport) -> str:
    """Return the report of an apply as a page."""
    title = f"omnictl apply: {report.environment}"
    when = f", {report.finished_at:%Y-%m-%d %H:%M:%SZ}" if report.finished_at else ""
    parts = [_head(title, f"plan {report.plan_id}, {report.ending.value}{when}", sandbox=report.sandbox)]
    parts += _diagnostics(report.diagnostics)
    parts.append(f"<p><strong>{page_text(say_apply_counts(report))}</strong></p>")
    left = apply_words.say_left_behind(report)
    parts += [_paragraph(each) for each in (*([left] if left else []), *say_what_next(report))]
    parts += [_commands([again])] if (again := command_that_goes_on(report)) else []
    parts += _table(("Outcome", "Scenario", "Change"), [_outcome(each) for each in shown_outcomes(report)])
    return make_page(title, parts)


def render_diagnostics_html(diagnostics: Sequence[Diagnostic], *, title: str = "omnictl", summary: str = "") -> str:
    """Return diagnostics as a page."""
    return make_page(title, [_head(title, summary, sandbox=False), *_diagnostics(diagnostics)])


def _head(title: str, where: str, *, sandbox: bool) -> str:
    banner = '<p class="where">SANDBOX: nothing leaves this machine</p>\n' if sandbox else ""
    return f'<h1>{page_text(title)}</h1>\n{banner}<p class="where">{page_text(where)}</p>'


def _guards(plan: Plan) -> list[str]:
    if not plan.guards:
        return []
    items = "\n".join(_guard(each) for each in plan.guards)
    if not plan.open_guards:
        return [f'<section class="note"><p>Guards that were allowed:</p><ul>{items}</ul></section>']
    command = " \\\n    ".join(allowing_command(plan))
    how = f"<p>To allow it:</p>\n{_commands([command])}"
    return [f'<section class="risk">{_paragraph(say_refusal(plan))}<ul>{items}</ul>{how}</section>']


def _guard(finding: GuardFinding) -> str:
    said = "allowed" if finding.allowed else "not allowed yet"
    commands = _commands(finding.commands) if finding.commands else ""
    return f"<li><strong>{page_text(finding.guard.value)}</strong>, {said}: {page_text(finding.message)}{commands}</li>"


def _change(told: Described) -> tuple[str, str, str]:
    details = "".join(f"<dt>{page_text(name)}</dt><dd>{page_text(text)}</dd>" for name, text in told.details)
    place = f"<br><small>{page_text(f'{told.source.path}:{told.source.line}')}</small>" if told.source else ""
    what = f"{isolated(told.head)}{f'<dl>{details}</dl>' if details else ''}"
    return _word(told.action.value), f"<code>{page_text(told.scenario_id)}</code>{place}", what


def _settled(scenario_id: str, key: str | None) -> tuple[str, str, str]:
    found = f"found on the account, key {short_key(key, _STYLE)}" if key else "not found (yet)"
    return _word("unknown"), f"<code>{page_text(scenario_id)}</code>", page_text(f"an earlier create, {found}")


def _outcome(each: Outcome) -> tuple[str, str, str]:
    key = f", key <code>{page_text(each.key)}</code>" if each.key and each.fate is Fate.DONE else ""
    why = "".join(_diagnostics([each.diagnostic])) if each.diagnostic else ""
    return _word(each.fate.value), f"<code>{page_text(id_of(each.address))}</code>", f"{each.action.value}{key}{why}"


def _diagnostics(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [_diagnostic(each) for each in diagnostics]


def _diagnostic(each: Diagnostic) -> str:
    source = each.source
    parts = [str(part) for part in (source.path, source.line, source.column) if part is not None] if source else []
    place = f" <small>{page_text(':'.join(parts))}</small>" if parts else ""
    kind = "note" if each.severity.value == "note" else "risk"
    title = f"<p><strong>{page_text(f'{each.severity.value}[{each.code}]: {each.summary}')}</strong>{place}</p>"
    told = [_paragraph(text) for text in (each.detail, each.label, each.hint) if text]
    commands = [_commands(each.commands)] if each.commands else []
    return f'<section class="{kind}">{"".join([title, *told, *commands])}</section>'


def _unmanaged(plan: Plan) -> list[str]:
    said = say_unmanaged(plan, "")
    if said is None:
        return []
    rows = [(f"<code>{page_text(key)}</code>", isolated(name)) for key, name in plan.unmanaged.items()]
    return [f"<details><summary>{page_text(said)}</summary>", *_table(("Key", "Name"), rows), "</details>"]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if not body:
        return []
    return ["<table>", "<tr>" + "".join(f"<th>{each}</th>" for each in heads) + "</tr>", *body, "</table>"]


def _word(word: str) -> str:
    return f'<b class="word {word}">{word}</b>'


def _paragraph(text: str) -> str:
    return "<p>" + "<br>".join(page_text(line) for line in text.splitlines()) + "</p>"


def _commands(commands: Iterable[str]) -> str:
    return "<pre>" + "\n".join(page_text(line) for each in commands for line in each.split("\n")) + "</pre>"
