"""Plans, reports and diagnostics as one HTML file: no scripts, nothing loaded from anywhere, light and dark."""

from collections.abc import Iterable, Sequence
from html import escape

from omnictl.model.address import id_of
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ApplyReport, Fate, Outcome
from omnictl.model.plan import GuardFinding, Plan
from omnictl.render.apply_words import command_that_goes_on, say_apply_counts, say_what_next, shown_outcomes
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
from omnictl.render.style import Style, sanitize
from omnictl.render.words import short_key

_STYLE = Style(arrow="→")
_LOOK = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #ffffff; --soft: #59636e; --line: #d1d9e0; --box: #f6f8fa;
  --create: #1a7f37; --update: #9a6700; --rename: #0969da; --remove: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1; --line: #3d444d;
  --box: #151b23; --create: #3fb950; --update: #d29922; --rename: #4493f8; --remove: #f85149; } }
body { margin: 2rem auto; padding: 0 1rem; max-width: 72rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin-bottom: 0; } p.where { color: var(--soft); margin-top: .25rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem .45rem 0; border-top: 1px solid var(--line); }
th { color: var(--soft); font-weight: normal; } td:first-child, td:nth-child(2) { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: .25rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; unicode-bidi: isolate; }
b.word { color: var(--update); } b.create, b.adopt, b.done { color: var(--create); } b.rename { color: var(--rename); }
b.forget, b.retire, b.default, b.failed, b.unknown { color: var(--remove); } b.not { color: var(--soft); }
code, pre { font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
bdi { unicode-bidi: isolate; } small { color: var(--soft); }
pre { background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow: auto; }
section { border: 1px solid var(--line); border-left: 4px solid var(--rename); border-radius: 6px; padding: 0 1rem;
  margin: 1rem 0; } section.risk { border-left-color: var(--remove); }
""".strip()


def render_plan_html(plan: Plan) -> str:
    """Return the plan as a page."""
    told = [describe(each, _STYLE) for each in shown_changes(plan)]
    title = f"omnictl plan: {plan.environment}"
    parts = [_head(title, ", ".join(header_parts(plan)), sandbox=plan.sandbox), *_guards(plan)]
    parts += _diagnostics(plan.diagnostics)
    if not told and not plan.guards and not plan.settled:
        return _page(title, [*parts, _paragraph(say_no_changes(plan))])
    first = say_first_default(plan, _STYLE)
    parts += [f'<section class="note">{_paragraph(first)}</section>'] if first else []
    parts.append(f"<p><strong>{_text(say_counts(plan))}</strong><br>{_text(say_time(plan))}</p>")
    rows = [_settled(id_of(each.address), each.key) for each in plan.settled] + [_change(each) for each in told]
    parts += _table(("Action", "Scenario", "What changes"), rows)
    return _page(title, [*parts, *_unmanaged(plan)])


def render_report_html(report: ApplyReport) -> str:
    """Return the report of an apply as a page."""
    title = f"omnictl apply: {report.environment}"
    when = f", {report.finished_at:%Y-%m-%d %H:%M:%SZ}" if report.finished_at else ""
    parts = [_head(title, f"plan {report.plan_id}, {report.ending.value}{when}", sandbox=report.sandbox)]
    parts += _diagnostics(report.diagnostics)
    parts.append(f"<p><strong>{_text(say_apply_counts(report))}</strong></p>")
    parts += [_paragraph(each) for each in say_what_next(report)]
    parts += [_commands([again])] if (again := command_that_goes_on(report)) else []
    parts += _table(("Outcome", "Scenario", "Change"), [_outcome(each) for each in shown_outcomes(report)])
    return _page(title, parts)


def render_diagnostics_html(diagnostics: Sequence[Diagnostic], *, title: str = "omnictl", summary: str = "") -> str:
    """Return diagnostics as a page."""
    return _page(title, [_head(title, summary, sandbox=False), *_diagnostics(diagnostics)])


def _page(title: str, parts: Iterable[str]) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        f"<title>{_text(title)}</title>\n<style>\n{_LOOK}\n</style>\n</head>\n<body>",
    ]
    return "\n".join([*head, *parts, "</body>\n</html>"]) + "\n"


def _head(title: str, where: str, *, sandbox: bool) -> str:
    banner = '<p class="where">SANDBOX: nothing leaves this machine</p>\n' if sandbox else ""
    return f'<h1>{_text(title)}</h1>\n{banner}<p class="where">{_text(where)}</p>'


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
    return f"<li><strong>{_text(finding.guard.value)}</strong>, {said}: {_text(finding.message)}{commands}</li>"


def _change(told: Described) -> tuple[str, str, str]:
    details = "".join(f"<dt>{_text(name)}</dt><dd>{_text(text)}</dd>" for name, text in told.details)
    place = f"<br><small>{_text(f'{told.source.path}:{told.source.line}')}</small>" if told.source else ""
    what = f"{_isolated(told.head)}{f'<dl>{details}</dl>' if details else ''}"
    return _word(told.action.value), f"<code>{_text(told.scenario_id)}</code>{place}", what


def _settled(scenario_id: str, key: str | None) -> tuple[str, str, str]:
    found = f"found on the account, key {short_key(key, _STYLE)}" if key else "not found (yet)"
    return _word("unknown"), f"<code>{_text(scenario_id)}</code>", _text(f"an earlier create, {found}")


def _outcome(each: Outcome) -> tuple[str, str, str]:
    key = f", key <code>{_text(each.key)}</code>" if each.key and each.fate is Fate.DONE else ""
    why = "".join(_diagnostics([each.diagnostic])) if each.diagnostic else ""
    return _word(each.fate.value), f"<code>{_text(id_of(each.address))}</code>", f"{each.action.value}{key}{why}"


def _diagnostics(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [_diagnostic(each) for each in diagnostics]


def _diagnostic(each: Diagnostic) -> str:
    source = each.source
    parts = [str(part) for part in (source.path, source.line, source.column) if part is not None] if source else []
    place = f" <small>{_text(':'.join(parts))}</small>" if parts else ""
    kind = "note" if each.severity.value == "note" else "risk"
    title = f"<p><strong>{_text(f'{each.severity.value}[{each.code}]: {each.summary}')}</strong>{place}</p>"
    told = [_paragraph(text) for text in (each.detail, each.label, each.hint) if text]
    commands = [_commands(each.commands)] if each.commands else []
    return f'<section class="{kind}">{"".join([title, *told, *commands])}</section>'


def _unmanaged(plan: Plan) -> list[str]:
    said = say_unmanaged(plan, "")
    if said is None:
        return []
    rows = [(f"<code>{_text(key)}</code>", _isolated(name)) for key, name in plan.unmanaged.items()]
    return [f"<details><summary>{_text(said)}</summary>", *_table(("Key", "Name"), rows), "</details>"]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if not body:
        return []
    return ["<table>", "<tr>" + "".join(f"<th>{each}</th>" for each in heads) + "</tr>", *body, "</table>"]


def _isolated(text: str) -> str:
    """A name written from right to left does not turn what stands around it."""
    return f'<bdi dir="ltr">{_text(text)}</bdi>'


def _word(word: str) -> str:
    return f'<b class="word {word}">{word}</b>'


def _paragraph(text: str) -> str:
    return "<p>" + "<br>".join(_text(line) for line in text.splitlines()) + "</p>"


def _commands(commands: Iterable[str]) -> str:
    return "<pre>" + "\n".join(_text(line) for each in commands for line in each.split("\n")) + "</pre>"


def _text(text: str) -> str:
    return escape(sanitize(text).replace(" -> ", " → "))
