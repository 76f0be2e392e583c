"""Applying: under the lock, settle what is open, compare or resume, refuse or execute, remember after every step."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import finish_plan, plan_mark, record_default, start_plan
from omnictl.engine.cost import count_left
from omnictl.engine.order import arrange
from omnictl.engine.resume import Resumption, resume
from omnictl.engine.view import Circumstances
from omnictl.errors import OmnictlError, RefusalKind, RefusedError, StateWriteError
from omnictl.model.change import Action, Change, Create, Refresh, SetDefault
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import (
    ApplyReport,
    ApplyStarted,
    ApplyStopped,
    Ending,
    Event,
    Fate,
    Outcome,
    WaitingForLock,
)
from omnictl.model.plan import Plan, describe_guard
from omnictl.model.scenario import Configuration, Remote
from omnictl.model.shell import quote_word
from omnictl.model.state import State
from omnictl.operations.keeper import Keeper
from omnictl.operations.plan import Reading, plan_from_reading
from omnictl.operations.run import Tally, Tools, action_of
from omnictl.operations.settling import settle_intents
from omnictl.operations.stages import Stages, default_not_taken
from omnictl.provider.base import Operation, Provider, StopSignal
from omnictl.state.base import LockHolder, StateBackend


class Request(Struct, frozen=True):
    """What an apply is asked to do. ``approve`` shows the plan and raises RefusedError where nobody says yes.

    ``look_around`` says what the plan depends on beside files, state and account.
    """

    look_around: Callable[[Provider, State], Circumstances]
    approve: Callable[[Plan], None]
    new_state: State
    stop_after_seconds: float | None = None
    lock_timeout_seconds: float = 0.0
    saved_plan: Plan | None = None
    configuration: Configuration = Configuration()


class Workshop(Struct, frozen=True):
    """What an apply works with, before there is a state to keep.

    The provider is opened under the lock, with the state that knows what recent runs used of the budgets.
    """

    open_provider: Callable[[State], Provider]
    backend: StateBackend
    stop: StopSignal
    observe: Callable[[Event], None]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    workers: int
    holder: LockHolder


LOCK_LOST = "the lock of the state was lost"


def run_apply(request: Request, workshop: Workshop) -> ApplyReport:
    """Apply the configuration, or the saved plan, under the lock of the state.

    Raises before the first write: refusals, unreadable state or account, a lock held by somebody else. After it the
    report says all.
    """
    if request.saved_plan is not None:
        refuse_guarded(request.saved_plan)
    lock = workshop.backend.lock(
        workshop.holder,
        timeout_seconds=request.lock_timeout_seconds,
        on_wait=lambda holder: workshop.observe(WaitingForLock(describe_holder(holder))),
    )
    with lock as hold:
        hold.when_lost(workshop.stop.request)
        workshop.stop.watch(lambda: "" if hold.is_held else LOCK_LOST)
        stored = workshop.backend.read()
        state = stored or request.new_state
        keeper = Keeper(
            workshop.backend,
            state,
            workshop.holder,
            exists=stored is not None,
            monotonic=workshop.monotonic,
            clock=workshop.clock,
        )
        tools = Tools(
            workshop.open_provider(state),
            keeper,
            workshop.stop,
            workshop.observe,
            workshop.clock,
            workshop.monotonic,
            workshop.workers,
            workshop.holder.run,
            hold.has_ended,
        )
        wanted = _compare(request, tools)
        ends_at = tools.clock() + timedelta(seconds=wanted.plan.cost.seconds)
        return execute(wanted, tools, stop_after_seconds=request.stop_after_seconds, ends_at=ends_at)


def describe_holder(holder: LockHolder | None) -> str:
    """Return who holds a lock, for people."""
    if holder is None:
        return "another omnictl"
    link = f", {holder.link}" if holder.link else ""
    return f"{holder.operation} since {holder.since:%Y-%m-%d %H:%M:%SZ} ({holder.process or holder.run}{link})"


def _compare(request: Request, tools: Tools) -> "Wanted":
    """Settle, read, and make the plan or hold the saved one against the present."""
    circumstances = request.look_around(tools.provider, tools.keeper.state)
    if request.saved_plan is not None:
        _refuse_other_account(request.saved_plan, circumstances)  # before anything is settled against it
    settlements = settle_intents(tools, circumstances.account, circumstances.elsewhere)
    if request.saved_plan is not None:
        return check_resumption(request.saved_plan, tools, settlements.remotes, circumstances.elsewhere)
    reading = Reading(tools.keeper.state, settlements.remotes, settlements.settled)
    plan = plan_from_reading(reading, request.configuration, circumstances)
    request.approve(plan)
    refuse_guarded(plan)
    return Wanted(plan, Resumption(plan.changes, (), ()), settlements.remotes, circumstances.elsewhere)


class Wanted(Struct, frozen=True):
    """A plan to execute against a reading of the account: what is pending, and what an earlier run did."""

    plan: Plan
    resumption: Resumption
    remotes: Mapping[str, Remote]
    elsewhere: Mapping[str, str]


def check_resumption(plan: Plan, tools: Tools, remotes: Mapping[str, Remote], elsewhere: Mapping[str, str]) -> Wanted:
    """Compare a saved plan with the present. Raises RefusedError (stale) with everything that moved."""
    resumption = resume(plan, tools.keeper.state, remotes, elsewhere)
    if resumption.moved:
        raise RefusedError(RefusalKind.STALE, *resumption.moved)
    return Wanted(plan, resumption, remotes, elsewhere)


def refuse_guarded(plan: Plan) -> None:
    """Refuse a plan with guards that are not allowed."""
    if plan.open_guards:
        raise RefusedError(RefusalKind.GUARD, *(describe_guard(each) for each in plan.open_guards))


def _refuse_other_account(plan: Plan, circumstances: Circumstances) -> None:
    """Refuse a plan that was made against another account."""
    made, now = plan.account, circumstances.account
    if made == now:
        return
    raise RefusedError(
        RefusalKind.STALE,
        Diagnostic(
            "other-account",
            Severity.ERROR,
            "The plan was made against another account",
            f"Made against {made.host}{f' ({made.name})' if made.name else ''}; this is "
            f"{now.host}{f' ({now.name})' if now.name else ''}.",
            hint="check the base URL and the environment, or make a new plan",
        ),
    )


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
    if plan.changes:
        tools.keeper.advance(lambda state: start_plan(state, plan.plan_id, started_at))
        tools.keeper.flush()
    problem = _run_stages(wanted, tools, tally)
    _remember_default(tools, plan)
    _leave_untried(tally, resumption.pending)
    if tally.all_done and problem is None:
        now = tools.clock()
        tools.keeper.advance(lambda state: finish_plan(state, plan.plan_id, now))
    saved = _save(tools, tally)
    notes = (*tally.notes, *(problem.diagnostics if problem else ()), *((saved,) if saved else ()))
    tally.notes[:] = notes
    report = _report(tally, Ending.STOPPED if tools.stop.is_set else Ending.FINISHED, started_at)
    _announce_stop(report, tools)
    return report


def _run_stages(wanted: Wanted, tools: Tools, tally: Tally) -> OmnictlError | None:
    """Run the stages; an error of ours ends them and is part of the report."""
    pending = set(map(id, wanted.resumption.pending))
    stages = Stages(tools, tally, wanted.remotes, wanted.elsewhere)
    try:
        stages.run(arrange(tuple(each for each in wanted.plan.changes if id(each) in pending)))
    except OmnictlError as error:
        return error
    return None


def _leave_untried(tally: Tally, pending: tuple[Change, ...]) -> None:
    for change in pending:
        if tally.fate_of(change) is None:
            tally.note(change, Fate.NOT_TRIED)


def _save(tools: Tools, tally: Tally) -> Diagnostic | None:
    """Make the last of it durable; where the backend refuses, save it beside the user and say how to go on.

    Where nothing was sent there is nothing to save: the stored state is as good.
    """
    try:
        tools.keeper.flush()
    except StateWriteError as error:
        if not tally.writes_sent:
            return error.diagnostics[0]
        cause = error.diagnostics[0].detail if error.diagnostics else ""
        try:
            path = tools.keeper.rescue()
        except StateWriteError:
            return _state_lost(cause)
        return Diagnostic(
            "state-not-saved",
            Severity.ERROR,
            "The state could not be written; it was saved beside you",
            f"{cause} The state with every key is in {path}.",
            hint="mend the cause, then put the state back before anything else",
            commands=(f"omnictl state push {quote_word(path)}",),
        )
    return None


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
        numbers = (report.count(fate) for fate in (Fate.DONE, Fate.FAILED, Fate.UNKNOWN, Fate.NOT_TRIED))
        tools.observe(ApplyStopped(report.stop_reason, *numbers))


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
    "other-account": "A saved plan names the account that it was made against: the host of the API, and the name that "
    "the environment gives. It is applied to that account alone.",
    "state-lost": "Neither the state nor a copy of it could be written after requests had been sent. The intents in "
    "the stored state say which creates may have happened; the next apply looks for them, and nothing is made twice.",
    "state-not-saved": "The state could not be written after requests had been sent. Nothing more was sent, and the "
    "state with every key was saved beside you. Put it back with state push before the next apply.",
}
