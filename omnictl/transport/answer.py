"""What can come of a request: a reply, surely nothing sent, or nobody knows. Values, no HTTP library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Request:
    """A request below the base URL: the path begins with a slash and is percent-encoded, the body is JSON."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the service; names of headers are in small letters.

    ``flaw`` says why the body is not to be believed (cut, too long, too slow); the body is empty then.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Unsent:
    """The request surely did not reach the service.

    ``tls`` where there was a connection that could not be encrypted, ``untrusted`` where that is for its certificate.
    """

    why: str
    tls: bool = False
    untrusted: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have reached the service; its answer did not reach us."""

    why: str


Answer: TypeAlias = Reply | Unsent | Lost
