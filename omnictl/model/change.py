"""What can happen to a scenario: a closed union of small values, one per action, and the field changes under them."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from omnictl.model.address import Address
from omnictl.model.diagnostic import Source
from omnictl.model.scenario import Attributes, Lifecycle, Step
from omnictl.model.state import Record


class Action(StrEnum):
    """The word of each action; its sign stands in ``SIGNS``."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    RENAME = "rename"
    FORGET = "forget"
    RETIRE = "retire"
    DEFAULT = "default"
    NO_OP = "no-op"


SIGNS: dict[Action, str] = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.ADOPT: "<",
    Action.RENAME: ">",
    Action.FORGET: ".",
    Action.RETIRE: "x",
    Action.DEFAULT: "*",
    Action.NO_OP: " ",
}


class Cause(StrEnum):
    """Why an update is needed: the files were edited, somebody changed the account, or both disagree."""

    EDITED = "edited"
    DRIFT = "drift"
    CONFLICT = "conflict"


# --- Field changes; positions count from 1 -------------------------------------------------------------------


class NameChanged(Struct, frozen=True):
    """The name differs."""

    before: str
    after: str


class StepInserted(Struct, frozen=True):
    """A step is new, at ``position`` of the flow afterwards."""

    position: int
    step: Step


class StepRemoved(Struct, frozen=True):
    """A step is gone, from ``position`` of the flow before."""

    position: int
    step: Step


class StepMoved(Struct, frozen=True):
    """The same step stands elsewhere: from ``before`` (old flow) to ``after`` (new flow)."""

    step: Step
    before: int
    after: int


class SenderChanged(Struct, frozen=True):
    """A step keeps its channel and changes its sender; ``before``/``after`` are senders, positions old and new."""

    channel: str
    before: str | None
    after: str | None
    position_before: int
    position_after: int


StepEdit: TypeAlias = StepInserted | StepRemoved | StepMoved | SenderChanged


class FlowChanged(Struct, frozen=True):
    """The flow differs: both flows, and the edit script that leads from one to the other."""

    before: tuple[Step, ...]
    after: tuple[Step, ...]
    edits: tuple[StepEdit, ...]


FieldChange: TypeAlias = NameChanged | FlowChanged


# --- Changes ---------------------------------------------------------------------------------------------------


class Create(Struct, frozen=True):
    """POST a new scenario. ``replaces`` is the key of one that vanished; ``becomes_default`` on an empty account."""

    address: Address
    desired: Attributes
    lifecycle: Lifecycle = Lifecycle()
    becomes_default: bool = False
    replaces: str | None = None
    source: Source | None = None


class Update(Struct, frozen=True):
    """PUT a scenario that differs from its file. ``actual`` is what the plan saw on the account.

    ``declared``, here and below, is what the file says where that is not desired: of fields that it ignores.
    """

    address: Address
    key: str
    desired: Attributes
    recorded: Record
    actual: Attributes
    cause: Cause
    fields: tuple[FieldChange, ...]
    lifecycle: Lifecycle = Lifecycle()
    source: Source | None = None
    declared: Attributes | None = None


class Adopt(Struct, frozen=True):
    """Take an existing scenario into the state, and PUT it if it differs. ``from_tombstone``: it was ours before."""

    address: Address
    key: str
    desired: Attributes
    actual: Attributes
    fields: tuple[FieldChange, ...]
    from_tombstone: bool = False
    lifecycle: Lifecycle = Lifecycle()
    source: Source | None = None
    declared: Attributes | None = None


class Rename(Struct, frozen=True):
    """The same key under a new address, and a PUT if something else differs; ``cause`` says why it does, then."""

    address: Address
    previous: Address
    key: str
    desired: Attributes
    recorded: Record
    actual: Attributes
    fields: tuple[FieldChange, ...]
    lifecycle: Lifecycle = Lifecycle()
    source: Source | None = None
    cause: Cause | None = None
    declared: Attributes | None = None


class Forget(Struct, frozen=True):
    """Drop the record and leave a tombstone; the scenario stays on the account (unless it ``vanished``)."""

    address: Address
    recorded: Record
    vanished: bool = False


class Retire(Struct, frozen=True):
    """PUT the scenario with the retire marker in its name, then forget it.

    ``named`` is its name before that, where ``actual`` has the marker already; None: it is that of ``actual``.
    """

    address: Address
    recorded: Record
    actual: Attributes
    desired: Attributes
    named: str | None = None


class SetDefault(Struct, frozen=True):
    """Make this scenario the account default. ``key`` is None while its create is in the same plan.

    ``previous_key`` (with ``previous`` where we manage it) is the one that loses it.
    """

    address: Address
    key: str | None
    attributes: Attributes
    previous_key: str | None = None
    previous: Address | None = None
    previous_attributes: Attributes | None = None
    source: Source | None = None


class Refresh(Struct, frozen=True):
    """Nothing to send: the account is as declared but the record is older; it is brought up to date."""

    address: Address
    recorded: Record
    actual: Attributes
    desired: Attributes
    lifecycle: Lifecycle = Lifecycle()
    declared: Attributes | None = None


Change: TypeAlias = Create | Update | Adopt | Rename | Forget | Retire | SetDefault | Refresh

Writing: TypeAlias = Create | Update | Adopt | Rename | Retire | SetDefault
"""The changes that may send a request."""
