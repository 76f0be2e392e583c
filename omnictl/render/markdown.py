"""Plans, reports and diagnostics in Markdown, for comments on pull requests. Words, not signs: signs are markup there.

What is too long for a comment is cut between two pieces, never inside one, and the cut is said.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from omnictl.model.address import id_of
from omnictl.model.change import Action
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ApplyReport, Fate, Outcome
from omnictl.model.plan import GuardFinding, Plan, Settled
from omnictl.render.apply_words import command_that_goes_on, say_apply_counts, say_what_next, shown_outcomes
from omnictl.render.markup import COMMENT_UNITS, alert, block, code, fitting, fold, prose, units
from omnictl.render.plan_words import (
    Described,
    allowing_command,
    applying_command,
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
_ROOM_FOR_NOTES = 600
_FOLDED = ("before", "after")


def render_plan_markdown(plan: Plan, *, saved_as: str | None = None, most_units: int = COMMENT_UNITS) -> str:
    """Return the plan: guards first, then counts, changes, and details that open on a click.

    ``saved_as`` names the file of the saved plan, for the command that applies it.
    """
    heading = _heading("plan", plan.environment, sandbox=plan.sandbox)
    told = [describe(each, _STYLE) for each in shown_changes(plan)]
    if not told and not plan.guards and not plan.settled:
        return "\n\n".join([heading, *told_diagnostics(plan.diagnostics, 20_000), prose(say_no_changes(plan))]) + "\n"
    head = [heading, *_guards(plan, most_units // 3), *_first_default(plan)]
    head += told_diagnostics(plan.diagnostics, most_units // 6)
    head += [f"**{prose(say_counts(plan))}** {prose(say_time(plan))}", prose(", ".join(header_parts(plan)))]
    unmanaged = say_unmanaged(plan, ".")
    foot = [*([prose(unmanaged)] if unmanaged else []), *_how_to_apply(plan, saved_as)]
    room = most_units - units("\n\n".join([*head, *foot])) - _ROOM_FOR_NOTES
    return "\n\n".join([*head, *_changes(plan, told, room), *foot]) + "\n"


def render_report_markdown(report: ApplyReport, *, most_units: int = COMMENT_UNITS) -> str:
    """Return the report of an apply: what went wrong first and whole, then what is left, then what is done."""
    heading = f"{_heading('apply', report.environment, sandbox=report.sandbox)}, {report.ending.value}"
    shown = shown_outcomes(report)
    head = [heading, *told_diagnostics(report.diagnostics, most_units // 4)]
    head.append(f"**{prose(say_apply_counts(report))}**")
    next_lines = say_what_next(report)
    foot = [prose(" ".join(next_lines))] if next_lines else []
    foot += [block([again], "sh")] if (again := command_that_goes_on(report)) else []
    room = most_units - units("\n\n".join([*head, *foot])) - _ROOM_FOR_NOTES
    lines = [_outcome(each) for each in shown]
    taken = fitting(lines, room)
    outcomes = ["\n".join(taken)] if taken else []
    return "\n\n".join([*head, *outcomes, *left_out(len(lines) - len(taken), "outcome"), *foot]) + "\n"


def render_diagnostics_markdown(
    diagnostics: Sequence[Diagnostic], *, title: str = "omnictl", summary: str = "", most_units: int = COMMENT_UNITS
) -> str:
    """Return diagnostics, the summary line after the heading."""
    blocks = [_diagnostic(each) for each in diagnostics]
    taken = fitting([f"{each}\n" for each in blocks], most_units - _ROOM_FOR_NOTES - units(summary))
    left = left_out(len(blocks) - len(taken), "diagnostic")
    head = [f"### {prose(title)}", *([f"**{prose(summary)}**"] if summary else [])]
    return "\n\n".join([*head, *blocks[: len(taken)], *left]) + "\n"


def _heading(command: str, environment: str, *, sandbox: bool) -> str:
    return f"### omnictl {command}: {prose(environment)}{' (SANDBOX)' if sandbox else ''}"


def _guards(plan: Plan, room: int) -> list[str]:
    if not plan.guards:
        return []
    guards = sorted(plan.guards, key=lambda each: each.allowed)
    lines = [_guard(each) for each in guards]
    taken = fitting(lines, room)
    text = "\n".join([*taken, *([""] if len(taken) < len(lines) else []), *left_out(len(lines) - len(taken), "guard")])
    if not plan.open_guards:
        return [alert("WARNING", f"**Guards that were allowed:**\n\n{text}")]
    command = " \\\n    ".join(sanitize(each) for each in allowing_command(plan))
    if units(command) > room:
        command = "omnictl plan --help"
    how = f"To allow it:\n\n{block([command], 'sh')}"
    return [alert("CAUTION", f"**{prose(say_refusal(plan))}**\n\n{text}\n\n{how}")]


def _guard(finding: GuardFinding) -> str:
    said = "allowed" if finding.allowed else "**not allowed yet**"
    place = f" ({code(f'{finding.source.path}:{finding.source.line}')})" if finding.source else ""
    commands = "".join(f" {code(each)}" for each in finding.commands)
    return f"- **{finding.guard.value}**, {said}: {prose(finding.message)}{commands}{place}"


def _first_default(plan: Plan) -> list[str]:
    first = say_first_default(plan, _STYLE)
    return [alert("NOTE", prose(first))] if first else []


def _changes(plan: Plan, told: Sequence[Described], room: int) -> list[str]:
    lines = [_change(each) for each in told] + [_settled(each) for each in plan.settled]
    taken = fitting(lines, room)
    room -= sum(units(each) + 1 for each in taken)
    folded = [each for each in map(_before_and_after, told) if each]
    shown = fitting([f"{each}\n" for each in folded], room)
    notes = left_out(len(lines) - len(taken), "change")
    notes += [] if notes else left_out(len(folded) - len(shown), "flow", "before and after of ")
    return [*(["\n".join(taken)] if taken else []), *folded[: len(shown)], *notes]


def _change(told: Described) -> str:
    """One line: the word, the id, what changes, and where it is declared."""
    head = code(told.head) if told.action is Action.CREATE else prose(told.head)
    details = ((name, _squeezed(text)) for name, text in told.details if name not in _FOLDED)
    parts = [text if name == told.action.value else f"{name} {text}" for name, text in details]
    place = f" ({code(f'{told.source.path}:{told.source.line}')})" if told.source else ""
    return f"- **{told.action.value}** {code(told.scenario_id)} {', '.join([head, *parts])}{place}"


def _squeezed(text: str) -> str:
    """Return a detail without the spaces that align it elsewhere."""
    return code(re.sub("  +", " ", text))


def _settled(each: Settled) -> str:
    found = f"found on the account, key {code(short_key(each.key, _STYLE))}" if each.key else "not found (yet)"
    return f"- **unknown** {code(id_of(each.address))} an earlier create, {found}"


def _before_and_after(told: Described) -> str:
    rows = "\n".join(f"- {name}: {_squeezed(text)}" for name, text in told.details if name in _FOLDED)
    return fold(f"{told.scenario_id}: before and after", rows) if rows else ""


def _how_to_apply(plan: Plan, saved_as: str | None) -> list[str]:
    if plan.open_guards:
        return []
    how = "Apply with" if saved_as is None else "Apply exactly this plan with"
    return [how, block([applying_command(plan, saved_as)], "sh")]


def _outcome(each: Outcome) -> str:
    key = f", key {code(each.key)}" if each.key and each.fate is Fate.DONE else ""
    fate = each.fate.value if each.fate in (Fate.DONE, Fate.NOT_TRIED) else f"**{each.fate.value}**"
    line = f"- {fate}: {each.action.value} {code(id_of(each.address))}{key}"
    return line if each.diagnostic is None else f"{line}: {_sentences(each.diagnostic)}"


def told_diagnostics(diagnostics: Iterable[Diagnostic], room: int) -> list[str]:
    """Return diagnostics as blocks, as many as have room, and that there are more."""
    blocks = [_diagnostic(each) for each in diagnostics]
    taken = fitting(blocks, room)
    return [*taken, *left_out(len(blocks) - len(taken), "diagnostic")]


def _diagnostic(each: Diagnostic) -> str:
    source = each.source
    parts = [str(part) for part in (source.path, source.line, source.column) if part is not None] if source else []
    place = f" ({code(':'.join(parts))})" if parts else ""
    lead = f"**{each.severity.value}** {code(each.code)}{place}:"
    if "\n" not in each.detail.strip():
        told = [f"{lead} {_sentences(each)}"]
    else:  # a table, or a list of candidates
        told = [f"{lead} {prose(_ended(each.summary))}", block(each.detail.splitlines())]
        told += [_sentences(replace(each, summary="", detail=""))] if each.label or each.hint else []
    return "\n\n".join([*told, *([block(each.commands)] if each.commands else [])])


def _sentences(each: Diagnostic) -> str:
    """The summary, the detail, what stands under the marked text, and the hint."""
    parts = (each.summary, each.detail, each.label, f"Hint: {each.hint}" if each.hint else "")
    return " ".join(prose(" ".join(_ended(part).splitlines())) for part in parts if part)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", ":")) else f"{text}."


def left_out(number: int, noun: str, what: str = "") -> list[str]:
    """Return the note about what had no room; nothing where all had."""
    if number == 0:
        return []
    are = f"{noun} is" if number == 1 else f"{noun}s are"
    return [f"_{what.capitalize()}{number} more {are} not shown here: a comment has no more room._"]
