"""Applying: under the lock, settle what is open, compare or resume, refuse or have it executed."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from omnictl.engine.resume import Resumption, resume
from omnictl.engine.view import Circumstances
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import ApplyReport, Event, WaitingForLock
from omnictl.model.plan import Plan, describe_guard
from omnictl.model.scenario import Configuration, Remote
from omnictl.model.state import State
from omnictl.operations.executing import Wanted, execute
from omnictl.operations.keeper import Keeper
from omnictl.operations.plan import Reading, plan_from_reading
from omnictl.operations.run import Tools
from omnictl.operations.settling import settle_intents
from omnictl.provider.base import Provider, StopSignal
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
    sleep: Callable[[float], None] = time.sleep


LONG_SECONDS = 5.0
"""A run that is expected to take so long says in its lock until when: who waits may want to know."""
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
            sleep=workshop.sleep,
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
            hold,
        )
        wanted = _compare(request, tools)
        ends_at = tools.clock() + timedelta(seconds=wanted.plan.cost.seconds)
        if wanted.plan.cost.seconds >= LONG_SECONDS:
            hold.expect(min(filter(None, (ends_at, workshop.holder.expected_end))))
        return execute(wanted, tools, stop_after_seconds=request.stop_after_seconds, ends_at=ends_at)


def describe_holder(holder: LockHolder | None) -> str:
    """Return who holds a lock, for people."""
    if holder is None:
        return "another omnictl"
    link = f", {holder.link}" if holder.link else ""
    until = f", expected until {holder.expected_end:%H:%M:%SZ}" if holder.expected_end else ""
    since = f" since {holder.since:%Y-%m-%d %H:%M:%SZ}" if holder.since.timestamp() > 0 else ""
    who = holder.process or holder.run
    return f"{holder.operation}{since}{until}{f' ({who}{link})' if who else ''}"


def _compare(request: Request, tools: Tools) -> Wanted:
    """Settle, read, and make the plan or hold the saved one against the present."""
    circumstances = request.look_around(tools.provider, tools.keeper.state)
    if request.saved_plan is not None:
        _refuse_other_account(request.saved_plan, circumstances)  # before anything is settled against it
    settlements = settle_intents(tools, circumstances.account, circumstances.elsewhere)
    if request.saved_plan is not None:
        return check_resumption(request.saved_plan, tools, settlements.remotes, circumstances.elsewhere)
    reading = Reading(tools.keeper.state, settlements.remotes, settlements.settled)
    plan = plan_from_reading(reading, request.configuration, circumstances)
    if plan.open_guards:  # what another run made since would look like what nobody manages
        tools.keeper.refuse_if_moved()
    request.approve(plan)
    refuse_guarded(plan)
    return Wanted(plan, Resumption(plan.changes, (), ()), settlements.remotes, circumstances.elsewhere)


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


CODES = {
    "other-account": "A saved plan names the account that it was made against: the host of the API, and the name that "
    "the environment gives. It is applied to that account alone.",
}
