"""Executing a plan: its stages in their order, what is remembered after them, and the report that says it all."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import finish_plan, plan_mark, record_default, start_plan
from omnictl.engine.cost import count_left
from omnictl.engine.order import arrange
from omnictl.engine.resume import Resumption
from omnictl.errors import OmnictlError, StateWriteError
from omnictl.model.change import Action, Change, Create, Refresh, SetDefault
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import ApplyReport, ApplyStarted, ApplyStopped, Ending, Fate, Outcome
from omnictl.model.plan import Plan
from omnictl.model.scenario import Remote
from omnictl.model.shell import quote_word
from omnictl.operations.run import Tally, Tools, action_of
from omnictl.operations.stages import Stages, default_not_taken
from omnictl.provider.base import Operation, Provider
from omnictl.state.base import Leftover


class Wanted(Struct, frozen=True):
    """A plan to execute against a reading of the account: what is pending, and what an earlier run did."""

    plan: Plan
    resumption: Resumption
    remotes: Mapping[str, Remote]
    elsewhere: Mapping[str, str]


def execute(wanted: Wanted, tools: Tools, *, stop_after_seconds: float | None, ends_at: datetime) -> ApplyReport:
    """Do what is pending. Never raises once a write may have left: the report says what happened."""
    plan, resumption = wanted.plan, wanted.resumption
    started_at = tools.clock()
    tally = Tally(plan, tools, is_resumed=plan_mark(tools.keeper.state, plan.plan_id) is not None)
    if resumption.finished:
        return _report(tally, Ending.ALREADY_APPLIED, started_at)
    for change in resumption.done:
        tally.note(change, Fate.DONE)
        _remember_moved_default(change, wanted, tools, tally)
    _announce(plan, tools, stop_after_seconds, ends_at)
    stages = _arrange_pending(wanted, tools, tally)
    if plan.changes:
        tools.keeper.advance(lambda state: start_plan(state, plan.plan_id, started_at))
    stages.begin()
    if plan.changes:
        tools.keeper.flush()
    problem = _run_stages(stages)
    _remember_default(tools, plan)
    _leave_untried(tally, resumption.pending)
    if tally.all_done and problem is None:
        now, is_whole = tools.clock(), not (plan.selection.only or plan.selection.exclude)
        tools.keeper.advance(lambda state: finish_plan(state, plan.plan_id, now, is_whole=is_whole))
    tally.notes += problem.diagnostics if problem else ()
    tally.notes[:] = _give_one_advice((*tally.notes, *_save(tools, tally, told=problem)))
    report = _report(tally, Ending.STOPPED if tools.stop.is_set else Ending.FINISHED, started_at)
    _announce_stop(report, tools)
    return report


def _arrange_pending(wanted: Wanted, tools: Tools, tally: Tally) -> Stages:
    """Return the stages of what is pending."""
    pending = set(map(id, wanted.resumption.pending))
    stages = arrange(tuple(each for each in wanted.plan.changes if id(each) in pending))
    return Stages(tools, tally, wanted.remotes, wanted.elsewhere, stages)


def _run_stages(stages: Stages) -> OmnictlError | None:
    """Run the stages; an error of ours ends them and is part of the report."""
    try:
        stages.run()
    except OmnictlError as error:
        return error
    return None


def _leave_untried(tally: Tally, pending: tuple[Change, ...]) -> None:
    for change in pending:
        if tally.fate_of(change) is None:
            tally.note(change, Fate.NOT_TRIED)


def _save(tools: Tools, tally: Tally, *, told: OmnictlError | None) -> tuple[Diagnostic, ...]:
    """Make the last of it durable; where the backend refuses, save it beside the user and say how to go on.

    Where nothing was sent there is nothing to save: the stored state is as good. Why it refuses is said unless it is
    ``told`` already.
    """
    try:
        tools.keeper.flush()
    except StateWriteError as error:
        why = () if error is told else error.diagnostics
        if not tally.writes_sent:
            return why
        cause = error.diagnostics[0].detail if error.diagnostics else ""
        try:
            path = tools.keeper.rescue()
        except StateWriteError:
            return (*why, _state_lost(cause))
        return (*why, _state_not_saved(error, cause, path, tools.hold.leftover))
    return ()


_OVERTAKEN = frozenset({"state-moved", "database-lock-lost", "lock-cleared", "lock-lost"})
"""Why a state is not written: another run works with it by now, or may."""
_SPARE_SECONDS = 30


def _state_not_saved(error: StateWriteError, cause: str, path: str, leftover: Leftover) -> Diagnostic:
    is_overtaken = any(each.code in _OVERTAKEN for each in error.diagnostics)
    hint = "mend the cause, then put the state back before anything else"
    if is_overtaken:
        hint = "put back what only this run knows (what another run did stays), then run the same command"
    if leftover.lock_id:
        hint += ". The server may still keep the lock of this run: the first command clears it"
    unlock = f"omnictl state unlock --force {quote_word(leftover.lock_id)}"
    wait = _patience(leftover, is_overtaken=is_overtaken)
    return Diagnostic(
        "state-not-saved",
        Severity.ERROR,
        "The state could not be written; it was saved beside you",
        f"{cause} The state with every key is in {path}.",
        hint=hint,
        commands=(*((unlock,) if leftover.lock_id else ()), f"omnictl state push {wait}{quote_word(path)}"),
    )


def _patience(leftover: Leftover, *, is_overtaken: bool) -> str:
    """Return the option that waits for the lock: for our own until it has run out, or for that of another run."""
    if leftover.seconds == 0 or leftover.lock_id:
        return ""
    if leftover.seconds is None or is_overtaken:
        return "--lock-timeout 10m "
    return f"--lock-timeout {math.ceil((leftover.seconds + _SPARE_SECONDS) / 60)}m "


def _give_one_advice(notes: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Return what is told; why a state was not written gives no advice of its own beside the one that puts it back."""
    if all(each.code != "state-not-saved" for each in notes):
        return notes
    return tuple(dataclasses.replace(each, hint="", commands=()) if each.code in _OVERTAKEN else each for each in notes)


def _state_lost(cause: str) -> Diagnostic:
    return Diagnostic(
        "state-lost",
        Severity.ERROR,
        "The state could be written nowhere",
        f"{cause} It could not be saved beside you either. The stored state has the intents of all creates.",
        hint="mend the cause, then run the same command: it looks for what these creates made. The keys were also told "
        "as they arrived",
    )


def _announce(plan: Plan, tools: Tools, stop_after_seconds: float | None, ends_at: datetime) -> None:
    visible = sum(1 for each in plan.changes if not isinstance(each, Refresh))
    if not visible:
        return
    cost, budgets = plan.cost, tools.provider.capabilities.budgets
    wanted = ((Operation.CREATE, cost.creates), (Operation.UPDATE, cost.updates))
    left = 0
    if stop_after_seconds is not None and cost.seconds > stop_after_seconds:
        for operation, number in wanted:
            budget, now = budgets.get(operation), tools.provider.permits(operation)
            if budget is not None:
                left += count_left(number, stop_after_seconds, budget.limit, budget.window_seconds, permits_now=now)
    tools.observe(
        ApplyStarted(
            plan.plan_id,
            plan.environment,
            cost.creates,
            cost.updates,
            visible,
            cost.seconds,
            ends_at,
            stop_after_seconds,
            left,
        )
    )


def _announce_stop(report: ApplyReport, tools: Tools) -> None:
    if report.ending is Ending.STOPPED and report.count(Fate.NOT_TRIED):
        done, failed, unknown, left = map(report.count, (Fate.DONE, Fate.FAILED, Fate.UNKNOWN, Fate.NOT_TRIED))
        is_saved = tools.keeper.failure is None
        tools.observe(ApplyStopped(report.stop_reason, done, failed, unknown, left, is_saved=is_saved))


def _next_seconds(outcomes: Iterable[Outcome], provider: Provider) -> float | None:
    """Return when the next request of what is left may leave; None where nothing is left that sends one."""
    left = {each.action for each in outcomes if each.fate is Fate.NOT_TRIED}
    operations = {Operation.CREATE if action is Action.CREATE else Operation.UPDATE for action in left}
    return min((provider.seconds_until_permit(each) for each in operations), default=None)


def _report(tally: Tally, ending: Ending, started_at: datetime) -> ApplyReport:
    plan, tools = tally.plan, tally.tools
    found = (tally.outcomes.get((each.address, action_of(each))) for each in plan.changes)
    outcomes = tuple(each for each in found if each is not None)
    return ApplyReport(
        plan_id=plan.plan_id,
        environment=plan.environment,
        ending=ending,
        outcomes=outcomes,
        diagnostics=tuple(tally.notes),
        requests_sent=tools.provider.requests_sent,
        writes_sent=tally.writes_sent,
        started_at=started_at,
        finished_at=tools.clock(),
        stop_reason=tools.stop.reason,
        sandbox=plan.sandbox,
        next_seconds=_next_seconds(outcomes, tools.provider),
    )


def _remember_moved_default(change: Change, wanted: Wanted, tools: Tools, tally: Tally) -> None:
    """An earlier run moved the default, and was cut before it read that back: this reading of the account shows it."""
    moves = change.becomes_default if isinstance(change, Create) else isinstance(change, SetDefault)
    record = tools.keeper.state.records.get(change.address)
    if not moves or record is None:
        return
    remote = wanted.remotes.get(record.key)
    if remote is not None and remote.is_default:
        address = change.address if wanted.plan.default.managed else None
        tools.keeper.advance(lambda state: record_default(state, address, remote.key))
    else:
        tally.notes.append(default_not_taken(record.key))


def _remember_default(tools: Tools, plan: Plan) -> None:
    """Remember who holds the default after the plan, where it did not move."""
    memory = plan.default
    address = memory.before if memory.managed and memory.before == memory.after else None
    if memory.managed and address is not None:
        tools.keeper.advance(lambda state: record_default(state, address, memory.before_key))
    elif memory.released:
        tools.keeper.advance(lambda state: record_default(state, None, memory.before_key))


def mark_interrupted(report: ApplyReport, signal: int) -> ApplyReport:
    """Return the report of a run that a signal ended."""
    return replace(report, ending=Ending.INTERRUPTED, signal=signal)


CODES = {
    "state-lost": "Neither the state nor a copy of it could be written after requests had been sent. The intents in "
    "the stored state say which creates may have happened; the next apply looks for them, and nothing is made twice.",
    "state-not-saved": "The state could not be written after requests had been sent. Nothing more was sent, and the "
    "state with every key was saved beside you. Put it back with state push before the next apply.",
}
