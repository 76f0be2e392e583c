"""Sending with repeats: what is surely unsent or throttled goes again, readings go again, and nothing else does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from omnictl.errors import AccessError, OutcomeUnknownError, ReadingError, RemoteError, StoppedError, UnsentError
from omnictl.provider import failures
from omnictl.provider.base import Operation
from omnictl.provider.pacing import Pacer, Permit, Surroundings
from omnictl.provider.wire import UnreadableError, read_api_error
from omnictl.transport.answer import Answer, Lost, Reply, Request, Unsent
from omnictl.transport.client import HttpClient
from omnictl.transport.retry import backoff_seconds, retry_after_seconds, seconds_until

MOST_TRIES = 5
"""How often a reading, or a request that surely was not sent, is tried."""

LONGEST_READING_WAIT_SECONDS = 600.0
"""How long a reading waits at the service's request; a longer wait is told, and the run ends in good order."""

_IMPATIENT = frozenset({Operation.SEND, Operation.REPORTS})
"""Writes that no --stop-after bounds: what is throttled was surely not taken, and the same command goes on later."""

Value = TypeVar("Value")


class Exchange:
    """Sends the requests of a provider; safe to use from any thread.

    ``clock_offset_seconds`` is how far the clock of the service was ahead of ours at its last answer; None before one.
    """

    def __init__(self, client: HttpClient, pacer: Pacer, surroundings: Surroundings) -> None:
        self._client = client
        self._pacer = pacer
        self._around = surroundings
        self.clock_offset_seconds: float | None = None

    def describe(self, request: Request, answer: Answer) -> str:
        """Return what came of a request, for people."""
        return failures.describe(request, answer, self._client.redact)

    def read(self, operation: Operation, request: Request, interpret: Callable[[Reply], Value]) -> Value:
        """Send a reading until it is answered with what was asked for.

        ``interpret`` gets every reply that is not 401, 403, 429 or an error of the API, and raises UnreadableError for
        what is not believable; it goes again then. Raises ReadingError when the tries are used up, and StoppedError
        where the service asks for a pause of more than some minutes; only the look before an update waits as it does.
        """
        tries, waited = 0, 0.0
        while True:
            answer = self._send(operation, request)
            tries += 1
            throttled = isinstance(answer, Reply) and answer.status == 429
            flaw = ""
            if isinstance(answer, Reply) and not throttled:
                try:
                    return interpret(answer)
                except UnreadableError as error:
                    flaw = str(error)
            why = failures.add_flaw(self.describe(request, answer), flaw)
            if tries >= MOST_TRIES:
                raise _reading_failed(why, tries, answer, operation)
            if isinstance(answer, Reply) and throttled:
                asked = self._asked(answer) or 0.0
                waited += asked
                if waited > LONGEST_READING_WAIT_SECONDS and self._gives_up_waiting(operation):
                    raise StoppedError(failures.throttled(why, asked, self._around.clock()))
                self._hold(operation, answer, tries, None)
            else:
                self._pacer.back_off(operation, tries + 1, self._pause(tries), why)

    def write(self, operation: Operation, request: Request, not_after: datetime | None = None) -> Reply | Lost:
        """Send a write until it was, perhaps, taken; only what surely was not is sent again.

        Raises UnsentError when it cannot be sent, StoppedError when asked to stop, when ``not_after`` has passed, or
        where the service takes no message and hands out no report for some minutes.
        """
        unsent, throttled, waited = 0, 0, 0.0
        while True:
            answer = self._send(operation, request, before=lambda: self._refuse_if_late(not_after))
            if isinstance(answer, Unsent):
                unsent += 1
                why = self.describe(request, answer)
                if unsent >= MOST_TRIES:
                    raise UnsentError(failures.not_sent(why, unsent, answer))
                self._pacer.back_off(operation, unsent + 1, self._pause(unsent), why)
            elif isinstance(answer, Reply) and answer.status == 429:
                throttled += 1
                asked = self._asked(answer) or 0.0
                waited += asked
                if operation in _IMPATIENT and (throttled >= MOST_TRIES or waited > LONGEST_READING_WAIT_SECONDS):
                    raise StoppedError(failures.throttled(self.describe(request, answer), asked, self._around.clock()))
                self._hold(operation, answer, throttled, not_after)
            else:
                return answer

    def taken(self, request: Request, answer: Reply | Lost) -> bytes:
        """Return the body of a 2xx; RemoteError where the API refused, UnreadableError for all that is neither."""
        if isinstance(answer, Lost):
            raise UnreadableError("")
        self.raise_if_refused(request, answer, RemoteError)
        return believable(answer)

    def raise_if_refused(self, request: Request, reply: Reply, error: type[RemoteError]) -> None:
        """Raise where the API says no in its own words: surely not taken. 408 says nothing, whoever says it."""
        if 400 <= reply.status < 500 and reply.status != 408 and read_api_error(reply.body) is not None:
            raise error(failures.refused(self.describe(request, reply)))

    def unknown(self, request: Request, answer: Reply | Lost, error: UnreadableError) -> OutcomeUnknownError:
        """Return the error that says that nobody knows what became of a request."""
        return OutcomeUnknownError(
            failures.outcome_unknown(failures.add_flaw(self.describe(request, answer), str(error)))
        )

    def _send(self, operation: Operation, request: Request, before: Callable[[], None] = lambda: None) -> Answer:
        """Send when it is this request's turn, with fresh credentials once if they are refused.

        Raises AccessError for a 401 and for a 403 of the API; both are surely not taken.
        """
        credentials = self._client.credentials
        answer = self._send_once(operation, request, before)
        if isinstance(answer, Reply) and answer.status == 401 and self._client.renew(credentials):
            credentials = self._client.credentials
            answer = self._send_once(operation, request, before)
        if isinstance(answer, Reply) and answer.status == 401:
            raise AccessError(failures.unauthorized(self.describe(request, answer), credentials.source))
        if isinstance(answer, Reply) and answer.status == 403 and read_api_error(answer.body) is not None:
            raise AccessError(failures.forbidden(self.describe(request, answer), credentials.source, operation))
        return answer

    def _send_once(self, operation: Operation, request: Request, before: Callable[[], None]) -> Answer:
        permit = self._pacer.acquire(operation)
        begun = self._around.monotonic()
        try:
            answer = self._client.send(request, before_sending=before)
        except StoppedError:
            self._pacer.give_back(permit)
            raise
        self._pacer.tell(failures.trace(request, answer, self._around.monotonic() - begun, self._client.redact))
        self._return_unused(permit, answer)
        if isinstance(answer, Reply):
            self.clock_offset_seconds = seconds_until(answer.headers.get("date", ""), self._around.clock())
        return answer

    def _return_unused(self, permit: Permit, answer: Answer) -> None:
        if isinstance(answer, Unsent):
            self._pacer.give_back(permit)

    def _hold(self, operation: Operation, reply: Reply, failures_so_far: int, not_after: datetime | None) -> None:
        """After a 429: nothing of this kind leaves for as long as the service asks, or a little longer each time."""
        asked = self._asked(reply)
        seconds = self._pause(failures_so_far) if asked is None else asked
        self._pacer.hold(operation, seconds, "backoff" if asked is None else "retry-after")
        if not_after is not None and self._around.clock() + timedelta(seconds=seconds) >= not_after:
            raise StoppedError(failures.too_late(not_after))

    def _gives_up_waiting(self, operation: Operation) -> bool:
        """Tell whether nothing hangs on this reading yet; the look before an update waits as the update would."""
        return operation is Operation.LIST or self._client.options.read_only

    def _asked(self, reply: Reply) -> float | None:
        """Return for how many seconds the service asks to be left alone; None where it does not say."""
        return retry_after_seconds(reply.headers.get("retry-after"), self._around.clock())

    def _refuse_if_late(self, not_after: datetime | None) -> None:
        """The last look before a write leaves."""
        if self._around.stop.is_set:
            raise StoppedError(failures.stopped(self._around.stop.reason))
        if not_after is not None and self._around.clock() >= not_after:
            raise StoppedError(failures.too_late(not_after))

    def _pause(self, tries: int) -> float:
        return backoff_seconds(tries, self._around.random)


def believable(reply: Reply) -> bytes:
    """Return the body of a whole 2xx. Raises UnreadableError."""
    if not 200 <= reply.status < 300 or reply.flaw:
        raise UnreadableError("")
    return reply.body


def _reading_failed(why: str, tries: int, answer: Answer, operation: Operation) -> RemoteError:
    if isinstance(answer, Unsent):
        return UnsentError(failures.not_sent(why, tries, answer))
    if isinstance(answer, Reply) and failures.is_redirect(answer):
        return ReadingError(failures.redirected(why, tries))
    return ReadingError(failures.reading_failed(why, tries, operation))
