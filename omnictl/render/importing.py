"""What an import did as text: a line for each scenario, then files, state, default and what the plan says now."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from omnictl.model.adoption import ImportReport, LeftOut, Told
from omnictl.model.change import SIGNS, Action
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.shell import join_words
from omnictl.render.plan_words import count_changes, describe
from omnictl.render.style import Style, pad, sanitize, truncate, width_of
from omnictl.render.words import count, quote, wrap

_LEAST_ID_COLUMNS, _MOST_ID_COLUMNS = 12, 28
_MOST_NAME_COLUMNS = 40
_NAMES_TOLD = 10
_COMMANDS_TOLD = 6
_SIGN_COLUMNS = 11


def render_import(report: ImportReport, style: Style, *, verbose: bool = False) -> str:
    """Return what was imported, and what the next plan has to say of it; ``verbose`` shows the new files too."""
    lines = [style.paint("bold", _header(report, style)), ""]
    lines += [*_rows(report, style), ""] if report.rows else []
    for row in report.rows if verbose else ():
        lines += [style.paint("path", sanitize(row.file)), *_indented(row.text), ""] if row.written else []
    lines += [wrap(each, style.width, "", "    ") for each in _summary(report)]
    lines += _plan(report, style)
    return "\n".join(lines) + "\n"


def _header(report: ImportReport, style: Style) -> str:
    where = f"{sanitize(report.environment)} ({sanitize(report.host)})"
    return f" {style.dot} ".join([where, *(["marked production"] if report.production else []), _counted(report)])


def _counted(report: ImportReport) -> str:
    left = f", {len(report.left_out)} left out" if report.left_out else ""
    return f"{count(len(report.rows), 'scenario')} to import{left}"


def _rows(report: ImportReport, style: Style) -> Iterator[str]:
    names = [truncate(quote(each.name), _MOST_NAME_COLUMNS, style.ellipsis) for each in report.rows]
    columns = min(_MOST_ID_COLUMNS, max(_LEAST_ID_COLUMNS, *(len(each.scenario_id) for each in report.rows)))
    room = max(map(width_of, names))
    sign = style.paint("added", f"{SIGNS[Action.ADOPT]} {pad(Action.ADOPT, 8)}")
    for row, name in zip(report.rows, names, strict=True):
        there = "new  " if row.written else "there"
        told = "  ".join([pad(row.scenario_id, columns), pad(name, room), there, sanitize(row.file)])
        yield f"{sign} {truncate(told, style.width - _SIGN_COLUMNS, style.ellipsis) if style.cuts else told}"


def _indented(text: str) -> Iterator[str]:
    return (f"    {sanitize(line)}" for line in text.split("\n")[:-1])


def _summary(report: ImportReport) -> Iterator[str]:
    scenarios, total = count(len(report.rows), "scenario"), len(report.rows)
    there = total - report.written
    files = f"{count(report.written, 'file')} {'to write' if report.dry_run else 'written'}"
    files += f", {there} {'is' if there == 1 else 'are'} there" if there else ""
    if not report.rows:
        yield "Nothing is left to import." if not report.left_out else "Nothing was imported."
    elif report.dry_run:
        yield f"Would import {scenarios}: {files}. Nothing was written."
    elif report.files_only:
        yield f"For {scenarios}: {files}, with the key as import:. The state is as it was."
    else:
        yield f"Imported {scenarios}: {files}; state serial {report.serial}."
    if report.ignored:
        yield f".omnictlignore names {count(report.ignored, 'more scenario')}."
    if report.default is not None:
        says = "will say" if report.dry_run else "says"
        yield f"Account default: {report.default}; its file {says} default: true."
    if report.observed:
        yield _say_observed(report.observed)
    if report.only_in is not None and report.written:
        yield (
            f"The new files say only_in: [{report.only_in}], since other environments read their folder too and would "
            "create the scenarios."
        )


def _say_observed(observed: Mapping[str, bool]) -> str:
    unlike = [each for each, differs in observed.items() if differs]
    told = f" The account differs from the {'file' if len(unlike) == 1 else 'files'} of {', '.join(unlike)}."
    verb, them = ("is", "it") if len(observed) == 1 else ("are", "them")
    return f"{', '.join(observed)} {verb} only observed: no plan sends anything for {them}.{told if unlike else ''}"


def _plan(report: ImportReport, style: Style) -> list[str]:
    if report.differing is None:
        return ["The plan could not be made."]
    them = "it" if len(report.rows) == 1 else "them"
    if report.differing:
        said = _differing(report, style)
    elif report.files_only and report.rows:
        said = [f"The plan adopts {them} and sends nothing{' for ' + them if report.others else ''}."]
    elif report.others:
        said = [f"The plan is not empty{f', though nothing differs for {them}' if report.rows else ''}."]
    else:
        nothing_differs = bool(report.rows) and not any(report.observed.values())
        said = [f"The plan is empty{f': nothing differs for {them}' if nothing_differs else ''}."]
    return [*said, *_others(report)]


def _others(report: ImportReport) -> Iterator[str]:
    if report.others:
        yield f"Other scenarios: {count_changes(report.others)}."


def _differing(report: ImportReport, style: Style) -> list[str]:
    """The files were there and say something else: the next apply sends that."""
    changes = report.differing or ()
    them = " for what was imported" if report.others else ""
    lines = [f"The plan is not empty: the next apply sends {count(len(changes), 'change')}{them}."]
    for change in changes:
        told = describe(change, style)
        lines.append(f"{SIGNS[told.action]} {pad(told.action, 8)} {told.scenario_id}  {told.head}")
        lines += [wrap(f"{pad(name, 10)} {text}", style.width, " " * 13, " " * 24) for name, text in told.details]
    return lines


def tell_left_out(left_out: tuple[LeftOut, ...], command_if: Callable[[Told], str]) -> tuple[Diagnostic, ...]:
    """Return a warning for each reason for which scenarios were left out.

    ``command_if`` returns the command that imports, with what a person knows, what is left out without it.
    """
    alike: dict[tuple[str, str], list[LeftOut]] = {}
    for each in left_out:
        reason = "" if each.if_told is Told.NEARLY_EQUAL else each.reason
        alike.setdefault((reason, each.hint), []).append(each)
    return tuple(_tell_group(group, hint, command_if) for (_, hint), group in alike.items())


def _tell_group(group: Sequence[LeftOut], hint: str, command_if: Callable[[Told], str]) -> Diagnostic:
    commands = tuple(dict.fromkeys(line for each in group for line in each.commands))
    hints = [hint]
    if len(commands) > _COMMANDS_TOLD:
        hints.append("KEY is one of those above")
        commands = tuple(dict.fromkeys(_with_any_key(line, each.key) for each in group for line in each.commands))
    if group[0].if_told is not None:
        commands = (command_if(group[0].if_told), *commands)
    if len(commands) > _COMMANDS_TOLD:
        hints.append("the commands for the others are alike")
    return Diagnostic(
        "left-out",
        Severity.WARNING,
        "A scenario was not imported" if len(group) == 1 else "Scenarios were not imported",
        _say_near(group) if len({each.reason for each in group}) > 1 else _say_alike(group),
        hint="; ".join(filter(None, hints)),
        commands=commands[:_COMMANDS_TOLD],
    )


def _say_alike(group: Sequence[LeftOut]) -> str:
    return f"{_named(group)}: {group[0].reason}.".replace("..", ".")


def _say_near(group: Sequence[LeftOut]) -> str:
    """Say of several that each has a file that nearly equals it, and no other."""
    more = len(group) - _NAMES_TOLD
    named = [f"{quote(each.name)} ({sanitize(each.key)}) and {each.ids[0]}" for each in group[:_NAMES_TOLD]]
    rest = f"; and {more} more" if more > 0 else ""
    return f"A scenario and a file without a key nearly equal each other, and nothing else: {'; '.join(named)}{rest}."


def _with_any_key(line: str, key: str) -> str:
    """Return a command with a word that stands for any of the keys that are named above it."""
    return re.sub(rf"(?<!\S){re.escape(join_words([key]))}(?!\S)", "KEY", line)


def _named(group: Sequence[LeftOut]) -> str:
    more = len(group) - _NAMES_TOLD
    names = ", ".join(f"{quote(each.name)} ({sanitize(each.key)})" for each in group[:_NAMES_TOLD])
    return names + (f" and {more} more" if more > 0 else "")


CODES = {
    "left-out": "import left a scenario where it is: no file can hold it, or one that waits for a key may be its own. "
    "The others were imported; mend the cause, and the same command takes the rest.",
}
