"""The report of an apply as text: what is done, what is not, and what to do next."""

from omnictl.model.address import id_of
from omnictl.model.change import SIGNS, Action
from omnictl.model.outcome import ApplyReport, Ending, Fate
from omnictl.render.style import Style, pad, sanitize
from omnictl.render.words import short_key

_ROLES = {Fate.DONE: "added", Fate.FAILED: "error", Fate.UNKNOWN: "warning", Fate.NOT_TRIED: "dim"}


def render_apply_report(report: ApplyReport, style: Style) -> str:
    """Return the report as text."""
    banner = ["SANDBOX: nothing leaves this machine"] if report.sandbox else []
    if report.ending is Ending.ALREADY_APPLIED:
        return "\n".join([*banner, f"Already applied: plan {report.plan_id[:4]} is finished; nothing was sent."]) + "\n"
    shown = [each for each in report.outcomes if each.action is not Action.NO_OP]
    if not shown:
        return "\n".join([*banner, "Nothing to do: everything is as declared."]) + "\n"
    lines = list(banner)
    for each in shown:
        key = f"key {short_key(each.key, style)}" if each.key else ""
        why = sanitize(each.diagnostic.summary) if each.diagnostic else key
        fate = style.paint(_ROLES[each.fate], pad(each.fate.value, 9))
        lines.append(
            f"{SIGNS[each.action]} {pad(each.action.value, 8)} {pad(id_of(each.address), 20)} {fate} {why}".rstrip()
        )
    lines += ["", _counts(report), *_what_next(report)]
    return "\n".join(lines) + "\n"


def _counts(report: ApplyReport) -> str:
    counted = [each for each in report.outcomes if each.action is not Action.NO_OP]
    numbers = {fate: sum(1 for each in counted if each.fate is fate) for fate in Fate}
    parts = [f"{numbers[fate]} {fate.value}" for fate in Fate if numbers[fate] or fate is Fate.DONE]
    return f"Apply: {', '.join(parts)}."


def _what_next(report: ApplyReport) -> list[str]:
    if all(each.fate is Fate.DONE for each in report.outcomes):
        return []
    stopped = report.ending in (Ending.STOPPED, Ending.INTERRUPTED)
    why = f"Stopped in good order ({report.stop_reason})." if stopped else "Not everything is done."
    return ["", f"{why} Go on with the same command; nothing is done twice."]
