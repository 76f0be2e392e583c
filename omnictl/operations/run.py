"""One run of an apply: what every step of it needs, and the outcomes that it gathers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from omnictl.errors import OmnictlError
from omnictl.model.address import Address
from omnictl.model.change import Action, Adopt, Change, Create, Forget, Refresh, Rename, Retire, SetDefault, Update
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.outcome import ChangeEnded, Event, Fate, KeyReceived, Outcome
from omnictl.model.plan import Plan
from omnictl.operations.keeper import Keeper
from omnictl.provider.base import Provider, StopSignal

INTENT_SECONDS = 60.0
"""How long after its intent a create may still leave."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with. Clock and monotonic are arguments, so that tests can move them."""

    provider: Provider
    keeper: Keeper
    stop: StopSignal
    observe: Callable[[Event], None]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    workers: int
    run_id: str

    def intent_deadline(self, now: datetime) -> datetime:
        """Return until when a create with an intent of ``now`` may leave."""
        return now + timedelta(seconds=INTENT_SECONDS)


@dataclass(slots=True)
class Tally:
    """The outcomes so far, by address and action, and how many writes have left the process.

    ``halted`` when nothing more can succeed: the credentials were refused, or something unforeseen happened.
    ``is_resumed`` where an earlier run began the same plan. ``default_may_return`` where a lost update may be taken
    late and carries the default.
    """

    plan: Plan
    tools: Tools
    outcomes: dict[tuple[Address, Action], Outcome] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)
    writes_sent: int = 0
    halted: bool = False
    is_resumed: bool = False
    default_may_return: bool = False

    @property
    def total(self) -> int:
        """How many changes people are told about."""
        return sum(1 for each in self.plan.changes if not isinstance(each, Refresh))

    @property
    def all_done(self) -> bool:
        """Whether every change so far ended well."""
        return all(each.fate is Fate.DONE for each in self.outcomes.values())

    def end(
        self, change: Change, fate: Fate, *, key: str | None = None, problem: OmnictlError | Diagnostic | None = None
    ) -> None:
        """Note how a change ended, and tell it."""
        outcome = Outcome(change.address, action_of(change), fate, key, _first(problem))
        self.outcomes[change.address, outcome.action] = outcome
        if not isinstance(change, Refresh):
            self.tools.observe(ChangeEnded(outcome, self._ended(), self.total))

    def received(self, address: Address, key: str) -> None:
        """Say a new key aloud at once: a log can rebuild a lost state."""
        self.tools.observe(KeyReceived(address, key))

    def fate_of(self, change: Change) -> Fate | None:
        """Return how a change ended; None while it has not."""
        outcome = self.outcomes.get((change.address, action_of(change)))
        return outcome.fate if outcome else None

    def _ended(self) -> int:
        return sum(1 for each in self.outcomes.values() if each.action is not Action.NO_OP)


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
