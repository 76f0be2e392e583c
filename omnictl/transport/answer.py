"""What can come of a request: a reply, surely nothing sent, or nobody knows. Values, no HTTP library."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field


class Request(Struct, frozen=True):
    """A request below the base URL: the path begins with a slash and is percent-encoded, the body is JSON.

    What has several values in the query is named several times; ``headers`` are those beside the usual ones.
    """

    method: str
    path: str
    query: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Reply(Struct, frozen=True):
    """An answer of the service; names of headers are in small letters.

    ``flaw`` says why the body is not to be believed (cut, too long, too slow); the body is empty then.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    flaw: str = ""


class Unsent(Struct, frozen=True):
    """The request surely did not reach the service.

    ``tls`` where there was a connection that could not be encrypted, ``untrusted`` where that is for its certificate.
    """

    why: str
    tls: bool = False
    untrusted: bool = False


class Lost(Struct, frozen=True):
    """The request may have reached the service; its answer did not reach us."""

    why: str


Answer: TypeAlias = Reply | Unsent | Lost
