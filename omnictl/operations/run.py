"""One run of an apply: what every step of it needs, and the outcomes that it gathers."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct, field

from omnictl.errors import OmnictlError
from omnictl.model.address import Address
from omnictl.model.change import Action, Adopt, Change, Create, Forget, Refresh, Rename, Retire, SetDefault, Update
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ChangeEnded, Event, Fate, KeyReceived, Outcome
from omnictl.model.plan import Plan
from omnictl.operations.keeper import Keeper
from omnictl.provider.base import Provider, StopSignal
from omnictl.state.base import Hold

INTENT_SECONDS = 60.0
"""How long after its intent a create may still leave."""


class Tools(Struct, frozen=True):
    """What a run works with. Clock and monotonic are arguments, so that tests can move them.

    ``hold`` is the lock of the state, which this run holds.
    """

    provider: Provider
    keeper: Keeper
    stop: StopSignal
    observe: Callable[[Event], None]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    workers: int
    run_id: str
    hold: Hold

    def intent_deadline(self, now: datetime) -> datetime:
        """Return until when a create with an intent of ``now`` may leave."""
        return now + timedelta(seconds=INTENT_SECONDS)


class Tally(Struct):
    """The outcomes so far, by address and action, and how many writes have left the process.

    ``halted`` when nothing more can succeed: the credentials were refused, or something unforeseen happened.
    ``lost_at`` is when an outcome became unknown for the last time, by the monotonic clock, ``default_may_return``
    where a lost update may be taken late and carries the default.
    ``is_resumed`` where an earlier run began the same plan. Of the changes that people are told about there are
    ``total``, and ``ended`` have an outcome.
    """

    plan: Plan
    tools: Tools
    outcomes: dict[tuple[Address, Action], Outcome] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)
    writes_sent: int = 0
    halted: bool = False
    is_resumed: bool = False
    lost_at: float = -math.inf
    default_may_return: bool = False
    total: int = 0
    ended: int = 0

    def __post_init__(self) -> None:
        self.total = sum(1 for each in self.plan.changes if not isinstance(each, Refresh))

    @property
    def all_done(self) -> bool:
        """Whether every change so far ended well."""
        return all(each.fate is Fate.DONE for each in self.outcomes.values())

    def end(
        self, change: Change, fate: Fate, *, key: str | None = None, problem: OmnictlError | Diagnostic | None = None
    ) -> None:
        """Note how a change ended, and tell it; what was adopted has a key that is new to a log, as a create has."""
        if isinstance(change, Adopt) and fate is Fate.DONE and key is not None:
            self.received(change.address, key)
        outcome = self.note(change, fate, key, _first(problem))
        if fate is Fate.UNKNOWN:
            self.lost_at = self.tools.monotonic()
        if not isinstance(change, Refresh):
            self.tools.observe(ChangeEnded(outcome, self.ended, self.total))

    def note(self, change: Change, fate: Fate, key: str | None = None, diagnostic: Diagnostic | None = None) -> Outcome:
        """Note how a change ended, and return it; nobody is told."""
        outcome = Outcome(change.address, action_of(change), fate, key, diagnostic)
        place = (outcome.address, outcome.action)
        if place not in self.outcomes and outcome.action is not Action.NO_OP:
            self.ended += 1
        self.outcomes[place] = outcome
        return outcome

    def received(self, address: Address, key: str) -> None:
        """Say a new key aloud at once: a log can rebuild a lost state."""
        self.tools.observe(KeyReceived(address, key))

    def fate_of(self, change: Change) -> Fate | None:
        """Return how a change ended; None while it has not."""
        outcome = self.outcomes.get((change.address, action_of(change)))
        return outcome.fate if outcome else None


def action_of(change: Change) -> Action:
    """Return the word for a change."""
    match change:
        case Create():
            return Action.CREATE
        case Update():
            return Action.UPDATE
        case Adopt():
            return Action.ADOPT
        case Rename():
            return Action.RENAME
        case Forget():
            return Action.FORGET
        case Retire():
            return Action.RETIRE
        case SetDefault():
            return Action.DEFAULT
        case Refresh():
            return Action.NO_OP


def _first(problem: OmnictlError | Diagnostic | None) -> Diagnostic | None:
    if isinstance(problem, OmnictlError):
        return problem.diagnostics[0] if problem.diagnostics else None
    return problem
