"""What a plan is made of: the three views of every address, and the circumstances."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from omnictl.model.address import Address
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.drift import IgnoreLine
from omnictl.model.plan import Guard
from omnictl.model.scenario import Configuration, Remote, Resource
from omnictl.model.state import Account, State


class View(Struct, frozen=True):
    """Desired, recorded and actual, in this order. ``remotes`` is a complete reading, by key."""

    configuration: Configuration
    state: State
    remotes: Mapping[str, Remote]

    @property
    def default_keys(self) -> tuple[str, ...]:
        """The keys that the account shows as default: one, unless something is odd."""
        return tuple(key for key, remote in self.remotes.items() if remote.is_default)


class Thresholds(Struct, frozen=True):
    """When ``mass-change`` fires: at least ``count`` changes of existing scenarios and more than ``share`` of them."""

    share: float = 0.3
    count: int = 10


class RemovalRules(Struct, frozen=True):
    """How a scenario is retired: what its name begins with then, and how long a name may get by it."""

    marker: str = "[retired] "
    longest_name: int = 255


class BudgetUse(Struct, frozen=True):
    """A throttle as a plan sees it: ``used_ages`` are the seconds since the requests of recent runs."""

    limit: int | None = None
    window_seconds: float = 600.0
    used_ages: tuple[float, ...] = ()


class Neighbour(Struct, frozen=True):
    """Another environment of the same account: its name, what it remembers, and what its files declare.

    ``declared`` is None where nobody read the files; in it None stands for a scenario with a mistake.
    """

    name: str
    state: State
    declared: Mapping[Address, Resource | None] | None = None


class Circumstances(Struct, frozen=True):
    """All that a plan depends on beside the three views. ``ignored`` says what of the account the project lets be.

    ``retire`` are the ids of ``--retire``. ``lint`` and ``warnings`` are what is odd about the files, whatever the
    plan does.
    """

    plan_id: str
    created_at: datetime
    environment: str
    account: Account
    state_digest: str = ""
    omnictl_version: str = ""
    production: bool = False
    sandbox: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allowed: frozenset[tuple[Guard, str]] = frozenset()
    thresholds: Thresholds = Thresholds()
    creates: BudgetUse = BudgetUse(20)
    updates: BudgetUse = BudgetUse(40)
    page_size: int = 100
    removal: RemovalRules = RemovalRules()
    retire: tuple[str, ...] = ()
    lint: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    ignored: tuple[IgnoreLine, ...] = ()

    @property
    def elsewhere(self) -> dict[str, str]:
        """The keys that neighbours manage, with the names of these."""
        return {record.key: each.name for each in self.neighbours for record in each.state.records.values()}
