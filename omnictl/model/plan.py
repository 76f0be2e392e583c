"""A plan: everything that an apply will do, as one value that can be saved, shown, reviewed and checked."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from omnictl.model.address import Address
from omnictl.model.change import Change
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Attributes
from omnictl.model.state import Account


class Guard(StrEnum):
    """The kinds of change that a plan refuses until they are allowed by name."""

    DEFAULT_CHANGE = "default-change"
    PROTECTED = "protected"
    CHANNEL_REMOVAL = "channel-removal"
    MASS_CHANGE = "mass-change"
    EMPTY_CONFIGURATION = "empty-configuration"
    UNMANAGED_TWIN = "unmanaged-twin"
    VANISHED = "vanished"
    LIKELY_RENAME = "likely-rename"


class GuardFinding(Struct, frozen=True):
    """One guard that fired. ``subject`` is the id that ``--allow GUARD=ID`` names ("all" for the whole plan)."""

    guard: Guard
    subject: str
    message: str
    allowed: bool = False
    source: Source | None = None
    commands: tuple[str, ...] = ()


class RiskKind(StrEnum):
    """Where a reason comes from: a guard, a rule of lint, or a warning about files, state or account."""

    GUARD = "guard"
    LINT = "lint"
    WARNING = "warning"


class RiskReason(Struct, frozen=True):
    """One reason to look at a plan: the guard, rule or code, and what it says. ``subject`` is that of a guard."""

    kind: RiskKind
    code: str
    message: str
    source: Source | None = None
    subject: str | None = None


class Risk(Struct, frozen=True):
    """Why a plan is not to be applied unseen; without a reason it is safe."""

    reasons: tuple[RiskReason, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Whether no guard fired, allowed or not, and nothing was warned of."""
        return not self.reasons


class Selection(Struct, frozen=True):
    """What ``--only`` and ``--exclude`` left: the words as given, and how many addresses they select."""

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selected: int = 0
    total: int = 0


class Settled(Struct, frozen=True):
    """What became of an intent that an earlier run left: found under a key, or to be sent again."""

    address: Address
    key: str | None
    near: bool = False


class Cost(Struct, frozen=True):
    """What an apply of the plan takes: requests, and seconds under the budgets (None: no budget is known)."""

    creates: int = 0
    updates: int = 0
    reads: int = 0
    seconds: float = 0.0
    create_limit: int | None = None
    update_limit: int | None = None
    create_window_seconds: float = 600.0
    update_window_seconds: float = 600.0


class DefaultMemory(Struct, frozen=True):
    """The account default before and after: keys and, where managed, addresses; None is "no default"."""

    before_key: str | None = None
    before: Address | None = None
    after: Address | None = None
    managed: bool = False
    released: bool = False


class Plan(Struct, frozen=True):
    """The whole truth about one apply.

    ``changes`` stand in the order in which they are shown; ``engine.order`` says in which they are done.
    ``twins`` names, per create, the keys that already looked alike when the plan was made (bound: none may be
    added). ``unmanaged`` maps the key of each scenario that nobody here manages to its name. ``retire`` are the words
    of ``--retire``. ``risk`` is None in a plan that was saved before plans said it.
    """

    plan_id: str
    created_at: datetime
    environment: str
    account: Account
    lineage: str
    serial: int
    state_digest: str
    changes: tuple[Change, ...] = ()
    guards: tuple[GuardFinding, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    settled: tuple[Settled, ...] = ()
    default: DefaultMemory = DefaultMemory()
    selection: Selection = Selection()
    cost: Cost = Cost()
    total: int = 0
    unchanged: int = 0
    refreshed: int = 0
    unmanaged: Mapping[str, str] = field(default_factory=dict)
    twins: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    retire: tuple[str, ...] = ()
    risk: Risk | None = None
    production: bool = False
    sandbox: bool = False
    omnictl_version: str = ""

    @property
    def open_guards(self) -> tuple[GuardFinding, ...]:
        """The guards that still refuse the plan."""
        return tuple(each for each in self.guards if not each.allowed)


class Near(Struct, frozen=True):
    """A scenario of the account that resembles a wanted one: its key and attributes, ``exact`` or nearly so."""

    key: str
    attributes: Attributes
    exact: bool


_HINTS = {
    Guard.UNMANAGED_TWIN: "adopt it with the command, or with the line in its file",
    Guard.LIKELY_RENAME: "write this line into the file",
}
"""What to do with the commands of a finding."""


def describe_guard(finding: GuardFinding) -> Diagnostic:
    """Return a guard that fired as a diagnostic: an error with what allows it, or a note where it is allowed."""
    if finding.allowed:
        told = "A guard that was allowed"
        return Diagnostic(finding.guard.value, Severity.NOTE, told, finding.message, finding.source)
    allow = f"--allow {finding.guard.value}={finding.subject}"
    return Diagnostic(
        finding.guard.value,
        Severity.ERROR,
        "A guard refuses this plan",
        finding.message,
        finding.source,
        hint=_HINTS.get(finding.guard, "to allow it, make the plan with this option"),
        commands=(*finding.commands, "# or, to allow it, make the plan with this option", allow)
        if finding.commands
        else (allow,),
    )
