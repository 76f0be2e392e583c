"""Settling unknown creates against the account: look, wait until absence may be believed, look twice more."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from omnictl.engine.advance import note_reading, record_absent, record_created
from omnictl.engine.recover import Absent, Found, Settlement, believe_absence_at, settle
from omnictl.errors import RefusalKind, RefusedError, StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import KeyReceived, Settling, Waiting
from omnictl.model.plan import Settled
from omnictl.model.scenario import Remote
from omnictl.model.state import Account, Intent
from omnictl.operations.account import read_account
from omnictl.operations.plan import describe_ambiguity
from omnictl.operations.run import INTENT_SECONDS, Tools


class Settlements(Struct, frozen=True):
    """What became of the open intents, and the last complete reading of the account."""

    remotes: Mapping[str, Remote]
    found: tuple[Found, ...]
    absent: tuple[Intent, ...]

    @property
    def settled(self) -> tuple[Settled, ...]:
        """The settlements as a plan shows them."""
        return (
            *(Settled(each.intent.address, each.remote.key) for each in self.found),
            *(Settled(each.address, None) for each in self.absent),
        )


def settle_intents(
    tools: Tools,
    account: Account,
    elsewhere: Mapping[str, str],
    *,
    lost_at: float = -math.inf,
) -> Settlements:
    """Read the account, and settle every open intent; the state is advanced and durable when it returns.

    Each is of this run or of one before, which may still live, and send until then, where it has not surely ended.
    ``lost_at`` is when this run lost sight of the last of its own, by the monotonic clock: no wall clock that jumps
    can make that long ago. Raises RefusedError where a person has to choose, StoppedError when asked to stop.
    """
    began_at = tools.clock()
    found: list[Found] = []
    remotes, settlement = _look(tools, account, elsewhere, found)
    if settlement.absent:
        _wait_until_absence_counts(tools, settlement.absent, began_at, lost_at)
        _look(tools, account, elsewhere, found)
        remotes, settlement = _look(tools, account, elsewhere, found)
    absent = tuple(each.intent for each in settlement.absent)
    now = tools.clock()
    for intent in absent:
        tools.keeper.advance(partial(record_absent, intent=intent, now=now))
    if found or absent:
        tools.keeper.flush()
    return Settlements(remotes, tuple(found), absent)


def _look(
    tools: Tools, account: Account, elsewhere: Mapping[str, str], found: list[Found]
) -> tuple[Mapping[str, Remote], Settlement]:
    """One complete reading; what it finds is recorded at once."""
    keeper = tools.keeper
    remotes = read_account(tools.provider, keeper.state, workers=tools.workers, observe=tools.observe, stop=tools.stop)
    settlement = settle(keeper.state, remotes, elsewhere)
    for each in settlement.found:
        found.append(each)
        tools.observe(KeyReceived(each.intent.address, each.remote.key))
        keeper.advance(partial(record_created, intent=each.intent, remote=each.remote, now=each.intent.created_at))
    now = tools.clock()
    keeper.advance(lambda state: note_reading(state, account, len(remotes), now))
    if settlement.ambiguous:
        keeper.flush()
        raise RefusedError(RefusalKind.POLICY, *map(describe_ambiguity, settlement.ambiguous))
    return remotes, settlement


def _wait_until_absence_counts(tools: Tools, absent: tuple[Absent, ...], began_at: datetime, lost_at: float) -> None:
    tools.observe(Settling(tuple(each.intent.address for each in absent)))
    seconds = max(_seconds_to_believe(tools, each.intent, began_at) for each in absent)
    since_it_was_lost = lost_at + tools.provider.capabilities.settle_seconds - tools.monotonic()
    if not has_waited(tools, max(seconds, since_it_was_lost)):
        raise StoppedError(_stopped(tools))


def _seconds_to_believe(tools: Tools, intent: Intent, began_at: datetime) -> float:
    """Return for how long the absence of a create is not to be believed yet; who has ended had before ``began_at``."""
    capabilities = tools.provider.capabilities
    settle_seconds = longest = capabilities.settle_seconds
    has_ended = intent.run == tools.run_id or tools.hold.has_ended(intent.run)
    if not has_ended:
        settle_seconds += capabilities.request_timeout_seconds
        longest = settle_seconds + INTENT_SECONDS
    until = believe_absence_at(intent, sender_ended_at=began_at if has_ended else None, settle_seconds=settle_seconds)
    # Times are to the second: the sender may have ended almost a second after its time. A clock that was set back must
    # not make this wait for ever.
    return min(max((until - tools.clock()).total_seconds() + 1.0, 0.0), longest)


def has_waited(tools: Tools, seconds: float) -> bool:
    """Wait until what was sent must have appeared; return False when asked to stop before."""
    deadline = tools.monotonic() + seconds
    while (left := deadline - tools.monotonic()) > 0.0:
        tools.observe(Waiting("settle", "settle", left, tools.clock() + timedelta(seconds=left)))
        if tools.stop.wait(min(left, 30.0)):
            return False
    return True


def _stopped(tools: Tools) -> Diagnostic:
    return Diagnostic(
        "stopped-settling",
        Severity.ERROR,
        "Stopped while an unknown create was looked for",
        f"{tools.stop.reason}. The intent is kept; the next run looks for it again.",
        hint="run the same command again",
    )


CODES = {
    "stopped-settling": "A create of an earlier run has an unknown outcome, and the run was stopped before its absence "
    "could be believed. Nothing is lost: run the same command again.",
}
