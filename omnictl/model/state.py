"""What omnictl remembers of an environment: records, tombstones, intents, the default, the plans it applied."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace

from omnictl.model.address import Address
from omnictl.model.scenario import Attributes, Lifecycle


class Account(Struct, frozen=True):
    """Which account this is: the host of the API and, where several share a host, a name. Never a credential."""

    host: str
    name: str | None = None


class Record(Struct, frozen=True):
    """What is remembered of one managed scenario. Times are UTC.

    ``applied`` is what was last sent, ``observed`` what the API last answered; ``declared`` is what the file said
    then, where it said something else of fields that it ignores.
    """

    address: Address
    key: str
    applied: Attributes
    observed: Attributes
    created_at: datetime | None = None
    updated_at: datetime | None = None
    lifecycle: Lifecycle = Lifecycle()
    declared: Attributes | None = None


class Tombstone(Struct, frozen=True):
    """A scenario that is no longer managed but still exists; ``retired`` if it was renamed with the marker.

    ``named`` and ``retired_as`` are its names on the account before and after that; the marker may change since.
    ``observed`` is what the API last answered, where that is not what was sent.
    """

    address: Address
    key: str
    applied: Attributes
    removed_at: datetime
    retired: bool = False
    named: str | None = None
    retired_as: str | None = None
    observed: Attributes | None = None


class Intent(Struct, frozen=True):
    """A create that is about to happen or whose outcome is unknown.

    ``body`` and ``default`` are what is sent; ``known_keys`` are the keys that matched or nearly matched before
    it was sent; nothing of it is sent after ``not_after``. ``replaces`` is the key of a vanished scenario.
    """

    address: Address
    body: Attributes
    default: bool
    run: str
    created_at: datetime
    not_after: datetime
    known_keys: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    replaces: str | None = None


class RepeatedCreate(Struct, frozen=True):
    """A create that is sent again after two readings showed nothing; watched for 30 days for a late twin.

    ``known_keys`` are the keys that looked alike before the first of the two was sent: none of them is a twin.
    """

    address: Address
    body: Attributes
    repeated_at: datetime
    known_keys: tuple[str, ...] = ()


class PlanMark(Struct, frozen=True):
    """A saved or live plan that was started, and when it was finished."""

    plan_id: str
    started_at: datetime
    finished_at: datetime | None = None


class AccountDefault(Struct, frozen=True):
    """The account default as last seen: the declared address (None: not managed) and the key that held it."""

    address: Address | None = None
    key: str | None = None


class Writing(Struct, frozen=True):
    """When a state was written (UTC), and by which run of a pipeline: ``CI run 8790``, or nothing."""

    at: datetime
    by: str = ""


class State(Struct, frozen=True):
    """The memory of one environment. ``serial`` rises only when the content changes.

    ``listed`` is how many scenarios the last complete reading of the account showed, ``moved_to`` the place to which
    it was taken: what is here is what it was then. ``knows_files``: all files were applied once, so that one without a
    record is new; a state that was lost and built again does not know what its files were.
    """

    lineage: str
    environment: str
    serial: int = 0
    account: Account | None = None
    records: Mapping[Address, Record] = field(default_factory=dict)
    tombstones: tuple[Tombstone, ...] = ()
    intents: tuple[Intent, ...] = ()
    repeated_creates: tuple[RepeatedCreate, ...] = ()
    account_default: AccountDefault = AccountDefault()
    plans: tuple[PlanMark, ...] = ()
    listed: int = 0
    written: Writing | None = None
    moved_to: str | None = None
    knows_files: bool = False

    @property
    def content(self) -> "State":
        """What it says, whichever of its writings this is."""
        return replace(self, serial=0, written=None, moved_to=None)
