"""What the report of an apply says, in words: for the text, Markdown and HTML alike."""

from collections import Counter
from collections.abc import Iterable

from omnictl.model.change import Action
from omnictl.model.diagnostic import has_errors
from omnictl.model.outcome import ApplyReport, Ending, Fate, Outcome
from omnictl.render.plan_words import noun_of
from omnictl.render.risk_words import say_stays
from omnictl.render.style import sanitize
from omnictl.render.words import count, duration

FATES = (Fate.FAILED, Fate.UNKNOWN, Fate.NOT_TRIED, Fate.DONE)
"""The order in which outcomes are shown: what went wrong first."""


def shown_outcomes(report: ApplyReport) -> tuple[Outcome, ...]:
    """Return the outcomes that people are shown, failures first."""
    shown = (each for each in report.outcomes if each.action is not Action.NO_OP)
    return tuple(sorted(shown, key=lambda each: FATES.index(each.fate)))


def say_apply_counts(report: ApplyReport) -> str:
    """Return how many changes ended in each way, the done ones by their kind; or that nothing was to do."""
    if report.ending is Ending.ALREADY_APPLIED:
        return f"Already applied: plan {sanitize(report.plan_id)[:4]} is finished; nothing was sent."
    shown = shown_outcomes(report)
    if not shown and not report.diagnostics:
        return "Nothing to do: everything is as declared."
    fates = Counter(each.fate for each in shown)
    done = say_kinds(each for each in shown if each.fate is Fate.DONE)
    parts = [f"{fates[Fate.DONE]} done{f' ({done})' if done else ''}"]
    parts += [f"{fates[fate]} {fate.value}" for fate in FATES if fate is not Fate.DONE and fates[fate]]
    return f"Apply: {', '.join(parts)}."


def say_report(report: ApplyReport) -> str:
    """Return a report in one line."""
    return " ".join((say_apply_counts(report), *say_what_next(report), command_that_goes_on(report))).rstrip()


def say_kinds(outcomes: Iterable[Outcome]) -> str:
    """Return how many changes of each kind these are, in words: ``40 creates, 3 updates``."""
    kinds = Counter(each.action for each in outcomes)
    return ", ".join(count(number, noun_of(action)) for action, number in kinds.items())


def say_what_next(report: ApplyReport) -> tuple[str, ...]:
    """Return why not everything is done, what is left, and how to go on; nothing where everything is done."""
    if all(each.fate is Fate.DONE for each in report.outcomes):
        in_order = not has_errors(report.diagnostics) or report.ending is Ending.ALREADY_APPLIED
        return () if in_order else ("Every change is done, but something went wrong beside it; see the messages.",)
    why = f"{_why(report)} {_left(report)}".rstrip()
    go_on = "Go on with the same command"
    if any(each.code == "state-not-saved" for each in report.diagnostics):
        go_on = "First put the state back, as the message says; then go on with the same command"
    if report.has_moved:
        go_on = "Somebody changed what the plan saw. Look at a new plan before anything of it is written over"
        return why, go_on + (":" if report.again else ".")
    return why, f"{go_on}; nothing is done twice" + (":" if report.again else ".")


def say_left_behind(report: ApplyReport) -> str | None:
    """Return that what was forgotten or retired stays on the account; what vanished has no key, and does not."""
    left = [each for each in report.outcomes if each.action in (Action.FORGET, Action.RETIRE)]
    return say_stays(sum(1 for each in left if each.fate is Fate.DONE and each.key is not None))


def command_that_goes_on(report: ApplyReport) -> str:
    """Return the command to repeat where something is left; "" where nothing is, or where it is not known."""
    return "" if all(each.fate is Fate.DONE for each in report.outcomes) else sanitize(report.again)


def _why(report: ApplyReport) -> str:
    if report.ending is Ending.INTERRUPTED and has_errors(report.diagnostics):
        number = 128 + (report.signal or 0)
        why = sanitize(report.stop_reason)
        return f"Ended by a signal, but not in good order (exit {number}, {why}); see the messages."
    if report.ending is Ending.INTERRUPTED:
        return f"Ended by {sanitize(report.stop_reason)} in good order (exit {128 + (report.signal or 0)})."
    if report.ending is Ending.STOPPED and not report.count(Fate.FAILED) and not report.count(Fate.UNKNOWN):
        if has_errors(report.diagnostics):
            return f"Stopped, but not in good order ({sanitize(report.stop_reason)}); see the messages."
        return f"Stopped in good order (exit 6, {sanitize(report.stop_reason)})."
    return "Not everything is done."


def _left(report: ApplyReport) -> str:
    left = [each for each in shown_outcomes(report) if each.fate is Fate.NOT_TRIED]
    if not left:
        return ""
    are = "is" if len(left) == 1 else "are"
    seconds = report.next_seconds
    when = f", the next one in {duration(seconds)}" if seconds is not None and seconds >= 1 else ""
    return f"{say_kinds(left)} {are} left{when}."
