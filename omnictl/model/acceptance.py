"""What is accepted of an account: what the file is to declare, and where each of its steps comes from."""

from msgspec import Struct

from omnictl.model.address import Address
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.scenario import Attributes, Step


class PlacedStep(Struct, frozen=True):
    """A step of the flow to be written; ``origin`` is its index in the file's flow, None where it is new there."""

    step: Step
    origin: int | None = None


class Acceptance(Struct, frozen=True):
    """What of one scenario is taken over: what the file is to declare, and which fields that are.

    ``flow`` is all of the flow to be written, also where none of it changes. Without ``fields`` nothing is taken, and
    with a ``refusal`` nothing may be.
    """

    address: Address
    attributes: Attributes
    flow: tuple[PlacedStep, ...]
    fields: tuple[str, ...] = ()
    refusal: Diagnostic | None = None
