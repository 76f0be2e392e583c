"""Scenarios as values: what files declare (Resource), what the API shows (Remote), both in canonical attributes."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import astuple

from omnictl.model.address import Address
from omnictl.model.diagnostic import Source

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

CHANNELS: tuple[str, ...] = (
    "EMAIL",
    "KAKAO_ALIM",
    "KAKAO_CHINGU",
    "LINE",
    "PUSH",
    "SMS",
    "VIBER",
    "VKONTAKTE",
    "VOICE",
    "WHATSAPP",
)
"""The channels that the API documents today (source: its published OpenAPI description)."""

OLD_CHANNELS: tuple[str, ...] = ("FACEBOOK", "PARSECO")
"""Channels of older documents: read, and allowed in files, but not offered."""

NEED_SENDER = frozenset(("EMAIL", "KAKAO_ALIM", "KAKAO_CHINGU", "LINE", "PUSH", "SMS", "VIBER", "VOICE", "WHATSAPP"))
"""Channels that send in somebody's name."""


class Step(Struct, frozen=True):
    """One step of a flow: the channel in capitals, the sender or None where the service chooses it."""

    channel: str
    sender: str | None = None


class Attributes(Struct, frozen=True):
    """What is compared of a scenario: the name ("" when absent) and the flow, both canonical."""

    name: str
    flow: tuple[Step, ...]


class Remote(Struct, frozen=True):
    """A scenario of the account, as just read.

    ``extra`` and ``step_extra`` (one mapping per step) hold fields that omnictl does not know; a PUT gives
    them back as they were, and they do not count in a comparison.
    """

    key: str
    attributes: Attributes
    is_default: bool = False
    extra: Mapping[str, Json] = field(default_factory=dict)
    step_extra: tuple[Mapping[str, Json], ...] = ()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Remote)
            and self.key == other.key
            and self.attributes == other.attributes
            and self.is_default == other.is_default
        )

    def __hash__(self) -> int:
        return hash(self.key)


class Protection(StrEnum):
    """What ``lifecycle.protected`` guards: nothing, removal and loss of the default, or every write."""

    NONE = "none"
    REMOVAL = "removal"
    ALL = "all"

    @property
    def strength(self) -> int:
        """How much it guards, to be compared with another."""
        return tuple(Protection).index(self)

    def forbids(self, *, loses: bool) -> bool:
        """Tell whether a change is guarded; ``loses`` where the scenario loses its place or the default by it."""
        return self is Protection.ALL or (self is Protection.REMOVAL and loses)


class Manage(StrEnum):
    """Whether omnictl writes the scenario or only watches it."""

    APPLY = "apply"
    OBSERVE = "observe"


class OnRemoval(StrEnum):
    """What happens to a scenario that left the configuration."""

    FORGET = "forget"
    RETIRE = "retire"


class IgnoredField(Struct, frozen=True):
    """A field whose differences are left alone: ``name``, ``flow`` or ``flow[N].from``; ``until`` is YYYY-MM-DD,
    its last day, in UTC.
    """

    field: str
    reason: str = ""
    until: str | None = None

    def has_ended(self, today: date) -> bool:
        """Tell whether the last day on which it holds is over."""
        return self.until is not None and self.until < today.isoformat()


class Lifecycle(Struct, frozen=True):
    """How a scenario is to be treated; ``protected`` and ``on_removal`` are remembered in the state."""

    protected: Protection = Protection.NONE
    manage: Manage = Manage.APPLY
    on_removal: OnRemoval = OnRemoval.FORGET
    ignore_changes: tuple[IgnoredField, ...] = ()


class Resource(Struct, frozen=True):
    """A declared scenario, variables resolved.

    ``default`` is what the file says (None: it says nothing). ``sources`` maps a field path (``""`` for the
    document, ``name``, ``default``, ``flow``, ``flow[0]``, ``flow[0].from`` …) to its place; neither it nor
    ``in_braces`` (the keys stand in ``{…}``, as in JSON) counts in a comparison, nor do ``imports``: the keys of all
    environments that the file names.
    """

    address: Address
    attributes: Attributes
    default: bool | None = None
    description: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    lifecycle: Lifecycle = Lifecycle()
    previous_ids: tuple[str, ...] = ()
    import_key: str | None = None
    message_file: str | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)
    in_braces: bool = False
    imports: Mapping[str, str] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and astuple(self)[:-3] == astuple(other)[:-3]

    def __hash__(self) -> int:
        return hash(self.address)

    @property
    def source(self) -> Source | None:
        """The place where the document starts."""
        return self.sources.get("")


class Configuration(Struct, frozen=True):
    """All that the files declare for one environment, in the order of the addresses."""

    resources: Mapping[Address, Resource] = field(default_factory=dict)

    @property
    def declared_default(self) -> Resource | None:
        """The one resource that says ``default: true``, if exactly one does."""
        declared = [each for each in self.resources.values() if each.default]
        return declared[0] if len(declared) == 1 else None
