"""Why a request was not taken."""

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """The status of an answer that says no, and why, in words that hold nothing of the request."""

    status: int
    why: str
