"""The report of an apply as text: what is done, what is not, and what to do next."""

from collections import Counter

from omnictl.model.address import id_of
from omnictl.model.change import SIGNS, Action
from omnictl.model.outcome import ApplyReport, Ending, Fate, Outcome
from omnictl.render.style import Style, pad, sanitize
from omnictl.render.words import count, duration, short_key, wrap

_ROLES = {Fate.DONE: "added", Fate.FAILED: "error", Fate.UNKNOWN: "warning", Fate.NOT_TRIED: "dim"}
_NOUNS = {Action.DEFAULT: "default change"}
_LEAST_ID_COLUMNS, _MOST_ID_COLUMNS = 12, 28


def render_apply_report(report: ApplyReport, style: Style) -> str:
    """Return the report as text."""
    banner = ["SANDBOX: nothing leaves this machine"] if report.sandbox else []
    if report.ending is Ending.ALREADY_APPLIED:
        return "\n".join([*banner, f"Already applied: plan {report.plan_id[:4]} is finished; nothing was sent."]) + "\n"
    shown = [each for each in report.outcomes if each.action is not Action.NO_OP]
    if not shown and not report.diagnostics:
        return "\n".join([*banner, "Nothing to do: everything is as declared."]) + "\n"
    columns = min(_MOST_ID_COLUMNS, max([_LEAST_ID_COLUMNS, *(len(id_of(each.address)) for each in shown)]))
    lines = [*banner, *(_line(each, columns, style) for each in shown)]
    lines += ["", f"Apply: {_counts(shown)}.", *_what_next(report, shown, style)]
    return "\n".join(lines) + "\n"


def _line(each: Outcome, columns: int, style: Style) -> str:
    key = f"key {short_key(each.key, style)}" if each.key else ""
    why = sanitize(each.diagnostic.summary) if each.diagnostic else key
    fate = style.paint(_ROLES[each.fate], pad(each.fate.value, 9))
    name = pad(id_of(each.address), columns)
    return f"{SIGNS[each.action]} {pad(each.action.value, 8)} {name} {fate} {why}".rstrip()


def _counts(shown: list[Outcome]) -> str:
    """Say how many changes ended in each way, the done ones by their kind."""
    fates = Counter(each.fate for each in shown)
    kinds = Counter(each.action for each in shown if each.fate is Fate.DONE)
    done = ", ".join(count(number, _NOUNS.get(action, action.value)) for action, number in kinds.items())
    parts = [f"{fates[Fate.DONE]} done{f' ({done})' if done else ''}"]
    parts += [f"{fates[fate]} {fate.value}" for fate in Fate if fate is not Fate.DONE and fates[fate]]
    return ", ".join(parts)


def _what_next(report: ApplyReport, shown: list[Outcome], style: Style) -> list[str]:
    if not report.diagnostics and all(each.fate is Fate.DONE for each in report.outcomes):
        return []
    lines = [f"{_why(report)} {_left(report, shown)}".rstrip()]
    lines.append("Go on with the same command; nothing is done twice" + (":" if report.again else "."))
    wrapped = [wrap(each, style.width) for each in lines]
    return ["", *wrapped, *([f"    {sanitize(report.again)}"] if report.again else [])]


def _why(report: ApplyReport) -> str:
    if report.ending is Ending.INTERRUPTED:
        return f"Ended by {sanitize(report.stop_reason)} in good order (exit {128 + (report.signal or 0)})."
    if report.ending is Ending.STOPPED and not report.count(Fate.FAILED) and not report.count(Fate.UNKNOWN):
        return f"Stopped in good order (exit 6, {sanitize(report.stop_reason)})."
    return "Not everything is done."


def _left(report: ApplyReport, shown: list[Outcome]) -> str:
    kinds = Counter(each.action for each in shown if each.fate is Fate.NOT_TRIED)
    if not kinds:
        return ""
    left = ", ".join(count(number, _NOUNS.get(action, action.value)) for action, number in kinds.items())
    are = "is" if kinds.total() == 1 else "are"
    when = (
        f", the next one in {duration(report.next_seconds)}" if report.next_seconds and report.next_seconds >= 1 else ""
    )
    return f"{left} {are} left{when}."
