"""The requests of Terraform's HTTP protocol, each sent once, and what their answers mean."""

import base64
import hashlib
import time
import weakref
from collections.abc import Callable, Iterator

from omnictl.errors import StateError
from omnictl.state.terraform.place import Endpoint, Identity, ServerPlace
from omnictl.state.terraform.problems import damaged, refused, unreachable
from omnictl.transport.answer import Answer, Lost, Reply, Request, Unsent
from omnictl.transport.client import ClientOptions, HttpClient

ANSWER_SECONDS = 7.0
TRIES = 4
_LAST_START_SECONDS = 9.0
"""After so long no further try begins: one that hung is tried once more, and all of it takes half a minute."""
_EXCERPT_CHARACTERS = 300
_LATER = (408, 425, 429)
"""Statuses that say no for now."""


class Server:
    """The server of one state. Only reading repeats by itself; who writes knows what may be repeated."""

    def __init__(
        self,
        place: ServerPlace,
        identity: Identity,
        *,
        ca_file: str | None = None,
        timeout_seconds: float = ANSWER_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = place
        self.sleep = sleep
        self.monotonic = monotonic
        self._identity = identity
        self._options = ClientOptions(workers=2, timeout_seconds=timeout_seconds, ca_file=ca_file)
        self._client: HttpClient | None = None

    def _send(self, request: Request) -> Answer:
        if self._client is None:
            client = HttpClient(self.place.base, self._identity.credentials, self._options, monotonic=self.monotonic)
            weakref.finalize(self, client.close)
            self._client = client
        return self._client.send(request)

    def tries(self, most: int = TRIES) -> Iterator[int]:
        """Count tries from 1, with pauses between them, for as long as one may begin."""
        began = self.monotonic()
        for n in range(1, most + 1):
            if n > 1:
                self.sleep(0.2 * 2**n)
            if n > 1 and self.monotonic() - began > _LAST_START_SECONDS:
                return
            yield n

    # --- the state -----------------------------------------------------------------------------------------

    def read(self, below: str = "", *, tries: int = TRIES) -> bytes | None:
        """Return what is stored, or None where there is nothing; ``below`` is a path below the state.

        Raises StateError.
        """
        answer: Answer = Unsent("it was not asked")
        for _ in self.tries(tries):
            answer = self._send(Request("GET", self.place.path + below))
            if isinstance(answer, Reply) and not answer.flaw and not is_unsure(answer):
                return self._judge_reading(answer)
        raise StateError(unreachable(self.place.text, self.say("GET", answer)))

    def has_record(self) -> bool:
        """Tell whether the server knows the state at all, be it empty. Only GitLab tells the two apart."""
        answer = self._send(Request("GET", self.place.path))
        return not isinstance(answer, Reply) or answer.status != 404

    def _judge_reading(self, reply: Reply) -> bytes | None:
        is_missing = reply.status == 404 and b"Project Not Found" not in reply.body
        if reply.status == 204 or is_missing:
            return None
        if reply.status != 200:
            raise self.refusal("GET", reply)
        digest = "" if "content-encoding" in reply.headers else reply.headers.get("content-md5")
        if digest and digest != _digest_of(reply.body):
            raise StateError(damaged(self.place.text))
        return reply.body or None

    def write(self, content: bytes, lock_id: str | None) -> Answer:
        """Send a state; under a lock with its name, which is the only condition that the protocol has."""
        query = {"ID": lock_id} if lock_id is not None else {}
        headers = {"Content-MD5": _digest_of(content)}
        return self._send(Request(self.place.update_method, self.place.path, query, content, headers))

    # --- the lock ------------------------------------------------------------------------------------------

    def lock(self, told: bytes) -> Answer:
        """Ask for the lock, with who wants it."""
        return self._send(_about_lock(self.place.lock, {}, told))

    def unlock(self, told: bytes, lock_id: str) -> Answer:
        """Give the lock back. Its name is in the query too where the body may be dropped: without a name GitLab takes
        any lock for meant."""
        query = {"ID": lock_id} if self.place.unlock.method == "DELETE" else {}
        return self._send(_about_lock(self.place.unlock, query, told))

    # --- words ---------------------------------------------------------------------------------------------

    def refusal(self, method: str, reply: Reply) -> StateError:
        """Return the error that says that the server said no."""
        said = self.say(method, reply)
        return StateError(refused(self.place.text, said, reply.status, self._identity.why_nobody))

    def say(self, method: str, answer: Answer) -> str:
        """Return what came of a request in words, without secrets, in one line."""
        if not isinstance(answer, Reply):
            return f"{method}: {answer.why}"
        assert self._client is not None
        text = self._client.redact(answer.flaw or answer.body[: 20 * _EXCERPT_CHARACTERS].decode("utf-8", "replace"))
        plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        cut = plain if len(plain) <= _EXCERPT_CHARACTERS else f"{plain[:_EXCERPT_CHARACTERS]}…"
        return f"{method} was answered {answer.status}{f' ({cut})' if cut else ''}"


def is_unsure(answer: Answer) -> bool:
    """Tell whether an answer leaves open what became of its request, or says no for now."""
    if isinstance(answer, Unsent | Lost):
        return True
    return (answer.status >= 500 and answer.status != 501) or answer.status in _LATER


def is_done(answer: Answer) -> bool:
    """Tell whether a request did what it was to do."""
    return isinstance(answer, Reply) and answer.status in (200, 201, 204)


def is_conflict(answer: Answer) -> bool:
    """Tell whether the server says that the lock is somebody else's."""
    return isinstance(answer, Reply) and answer.status in (409, 423)


def _about_lock(endpoint: Endpoint, query: dict[str, str], told: bytes) -> Request:
    return Request(endpoint.method, endpoint.path, query, told, {"Content-MD5": _digest_of(told)})


def _digest_of(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode("ascii")
