"""Drift: what somebody changed on the account since it was recorded, and what on the account nobody manages."""

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from omnictl.model.address import Address
from omnictl.model.change import FieldChange
from omnictl.model.diagnostic import Diagnostic, Source
from omnictl.model.plan import Selection, Settled
from omnictl.model.scenario import IgnoredField, Step
from omnictl.model.state import Account


class Kind(StrEnum):
    """What is to be said of a scenario, the worst first."""

    CONFLICT = "conflict"
    VANISHED = "vanished"
    DRIFT = "drift"
    IGNORED = "ignored"


class Verdict(StrEnum):
    """Who changed a field since it was recorded: both, to different values, or one side."""

    CONFLICT = "conflict"
    FILES = "files only"
    ACCOUNT = "account only"


# --- Rows: one field as it was recorded, as the account has it, as the files have it ----------------------------


class NameRow(Struct, frozen=True):
    """The name differs; ``files`` is None where no file declares the scenario."""

    recorded: str
    account: str
    files: str | None
    verdict: Verdict

    @property
    def field(self) -> str:
        """What ``accept --field`` calls it."""
        return "name"

    @property
    def acceptable(self) -> bool:
        """Whether the field names this difference between file and account."""
        return self.files is not None and self.account != self.files


class Placed(Struct, frozen=True):
    """A step and where it stands in its flow, counted from 1; ``moved`` where it was taken there from elsewhere."""

    step: Step
    position: int
    moved: bool = False


class StepRow(Struct, frozen=True):
    """A step differs; None where a flow does not have it, and in ``files`` also where no file declares the scenario.

    ``field`` is what ``accept --field`` calls it: N counts from 0 in the file, on the account where the file lacks it;
    ``acceptable`` where it names this difference between file and account, and no other.
    """

    recorded: Placed | None
    account: Placed | None
    files: Placed | None
    verdict: Verdict
    field: str
    acceptable: bool = False

    @property
    def is_sender(self) -> bool:
        """Whether the step is there on all sides, at its place, and only its sender differs."""
        there = (self.recorded, self.account, self.files)
        return self.recorded is not None and all(
            each is not None and each.step.channel == self.recorded.step.channel and not each.moved for each in there
        )


Row: TypeAlias = NameRow | StepRow


class Item(Struct, frozen=True):
    """One scenario that differs. ``changes`` lead from what was recorded to what the account has.

    ``recorded_as`` is its recorded address where the files gave it another; ``declared`` is false where its file is
    gone, ``observed`` true where it is only watched.
    """

    kind: Kind
    address: Address
    key: str
    name: str
    rows: tuple[Row, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    ignored: tuple[IgnoredField, ...] = ()
    recorded_as: Address | None = None
    declared: bool = True
    observed: bool = False
    source: Source | None = None


class DefaultMoved(Struct, frozen=True):
    """The account default is not where it was recorded: ``address`` had it, and ``key`` has it now (None: nobody)."""

    address: Address
    recorded_key: str
    key: str | None = None
    name: str = ""
    now: Address | None = None
    source: Source | None = None


class Unmanaged(Struct, frozen=True):
    """A scenario of the account that nobody manages; ``ignored`` where .omnictlignore names it."""

    key: str
    name: str
    ignored: bool = False


class IgnoreLine(Struct, frozen=True):
    """One line of .omnictlignore: a key as it is, or a glob over names."""

    text: str
    source: Source


class Counts(Struct, frozen=True):
    """How many of the recorded scenarios that were looked at are what.

    ``edited`` are among those as recorded: their files say something else, which is not applied yet. ``as_declared``
    moved on the account to what their files say. ``unlike`` are only observed, as recorded, and not as their files say.
    """

    managed: int = 0
    as_recorded: int = 0
    as_declared: int = 0
    conflict: int = 0
    vanished: int = 0
    drift: int = 0
    ignored: int = 0
    edited: int = 0
    unlike: int = 0


class Drift(Struct, frozen=True):
    """The recorded scenarios against the account. ``elsewhere`` maps keys to the environments that manage them.

    ``on_account`` is how many recorded scenarios the account has, whatever was selected. ``guards`` are those, as
    GUARD=ID, that would hold back an apply of the files as they are.
    """

    environment: str
    account: Account
    checked_at: datetime
    recorded_at: datetime | None = None
    recorded_by: str = ""
    items: tuple[Item, ...] = ()
    default: DefaultMoved | None = None
    counts: Counts = Counts()
    unmanaged: tuple[Unmanaged, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    on_account: int = 0
    selection: Selection = Selection()
    settled: tuple[Settled, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    guards: tuple[str, ...] = ()
    sandbox: bool = False

    @property
    def differing(self) -> int:
        """How many differences there are that make the exit code: those of scenarios, and the default."""
        counts = self.counts
        return counts.drift + counts.conflict + counts.vanished + (self.default is not None)

    @property
    def not_managed(self) -> tuple[Unmanaged, ...]:
        """What nobody manages and nobody ignores."""
        return tuple(each for each in self.unmanaged if not each.ignored)

    @property
    def coverage(self) -> float:
        """Return the managed share of the account, here or elsewhere; cut, so that only all of it is 1."""
        managed = self.on_account + len(self.elsewhere)
        whole = managed + len(self.not_managed)
        return math.floor(managed * 10_000 / whole) / 10_000 if whole else 1.0
