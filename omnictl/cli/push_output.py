"""What is seen of pushes: the messages they are about on stdout; what came, and what was refused, on stderr."""

from collections.abc import Iterator
from dataclasses import replace
from queue import Empty, Full, Queue

from omnictl.cli.context import SANDBOX_BANNER, Session
from omnictl.cli.listening import SECRET_VARIABLE
from omnictl.cli.seldom import Seldom
from omnictl.codec.shapes import write_json
from omnictl.codec.stories import write_stories
from omnictl.errors import LedgerError, OmnictlError
from omnictl.ledger.base import Ledger
from omnictl.listener.refusal import Refusal
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.operations.receiving import Arrival, iterate_arrived
from omnictl.render.events import render_event
from omnictl.render.stories import render_story_line
from omnictl.render.words import count

_MOST_WAITING = 1000


class PushOutput:
    """Takes from the threads of a server what came, and tells it in the main one: a slow reader holds no answer up."""

    def __init__(
        self, session: Session, ledger: Ledger, *, output_format: str, unmask: bool, seldom: Seldom | None = None
    ) -> None:
        self._session = session
        self._output = session.output
        self._ledger = ledger
        self._is_text = output_format == "text"
        self._unmask = unmask
        self._arrivals: Queue[Arrival] = Queue(_MOST_WAITING)
        self._seldom = seldom or Seldom()
        self._bugs: dict[tuple[str, str], Diagnostic] = {}

    # --- from any thread -------------------------------------------------------------------------------------------

    def take(self, arrival: Arrival) -> None:
        """Take a push that is in the ledger; waits for nobody."""
        try:
            self._arrivals.put_nowait(arrival)
        except Full:
            self._seldom.add(_NOT_SHOWN)

    def take_refusal(self, refusal: Refusal) -> None:
        """Take why a request was refused."""
        self._seldom.add(_refused(refusal))

    def take_failure(self, failure: Exception) -> None:
        """Take why a push was not kept. Each bug leaves one log, however many pushes meet it."""
        if isinstance(failure, OmnictlError):
            self._seldom.add(_not_kept(failure.diagnostics[0]))
            return
        from omnictl.cli.boundary import describe_bug, place_of  # late: the rare case

        key = (type(failure).__name__, place_of(failure))
        if key not in self._bugs:
            self._bugs[key] = describe_bug(failure, "The push was answered with 500, so that it comes again.")
        self._seldom.add(self._bugs[key])

    # --- in the main thread ----------------------------------------------------------------------------------------

    def greet(self, url: str, *, signed: bool) -> None:
        """Say where pushes go to, first of all on stdout, and what is believed."""
        if self._session.sandbox:
            self._output.hint(SANDBOX_BANNER)
        if self._is_text:
            self._output.result(url)
        else:
            self._output.document(write_json({"listening": url}, indent=None))
        if not signed:
            self._output.hint(f"Without {SECRET_VARIABLE}, whoever reaches this address is believed.")

    def tell_next(self, wait_seconds: float) -> bool:
        """Tell of the next push, if one comes in time, and of what is due to be said; return whether one came."""
        try:
            arrival = self._arrivals.get(block=wait_seconds > 0, timeout=wait_seconds or None)
        except Empty:
            self._output.diagnostics(self._seldom.take_due())
            return False
        self._tell(arrival)
        self._output.diagnostics(self._seldom.take_due())
        return True

    def tell_rest(self) -> int:
        """Tell of all that came and was not told yet; return how many pushes that were."""
        pushes = 0
        while self.tell_next(0.0):
            pushes += 1
        self._output.diagnostics(self._seldom.take_due(last=True))
        return pushes

    def _tell(self, arrival: Arrival) -> None:
        if self._output.json_log:
            self._output.event(arrival.kept, arrival.at)
        else:
            self._output.hint(render_event(arrival.kept, arrival.at))
        for each in _doubts(arrival):
            self._seldom.add(each)
        try:
            self._show_stories(arrival)
        except LedgerError:  # what came is in it: the next that reads it shows it
            self._seldom.add(_NOT_SHOWN)

    def _show_stories(self, arrival: Arrival) -> None:
        stories = iterate_arrived(self._ledger, arrival)
        if self._is_text:
            for each in stories:
                self._output.result(render_story_line(each, self._output.out_style, unmask=self._unmask))
        else:
            for line in write_stories(stories, unmask=self._unmask):
                self._output.document(line)


def _doubts(arrival: Arrival) -> Iterator[Diagnostic]:
    """Yield what came and is not kept as a report."""
    if arrival.kept.unreadable:
        rows = count(arrival.kept.unreadable, "row")
        yield replace(_UNREADABLE, detail=f"{rows} of a push could not be read; the bytes are in the ledger.")
    if arrival.kept.inbound:
        yield _INBOUND


def _refused(refusal: Refusal) -> Diagnostic:
    return Diagnostic(
        "push-refused",
        Severity.WARNING,
        "A request was refused, and nothing of it is kept",
        f"{refusal.status}: {refusal.why}",
        hint=_HINTS.get(refusal.status, ""),
    )


_HINTS = {
    401: "see that the service signs with the same secret; until then omnictl reports log reads the same reports",
    404: "compare notifyUrl with the first line of stdout",
    413: "omnictl reports log reads the same reports",
    415: "say notifyContentType: application/json in the message file; a proxy must pass bodies on as they are",
}


def _not_kept(why: Diagnostic) -> Diagnostic:
    return replace(
        why,
        code="push-not-kept",
        summary="A push could not be kept; it was answered with 503, so that it comes again",
        detail=f"{why.summary}: {why.detail}",
        hint="nothing is to be done unless this stays: the service repeats the push by itself",
        commands=(),
    )


_NOT_SHOWN = Diagnostic(
    "push-not-shown",
    Severity.WARNING,
    "A push is in the ledger and was not shown",
    "Stdout or the ledger could not be had in time.",
    hint="omnictl reports list shows it",
)
_UNREADABLE = Diagnostic("push-unreadable", Severity.WARNING, "Rows of a push could not be read")
_INBOUND = Diagnostic(
    "inbound-not-kept",
    Severity.WARNING,
    "A message from a recipient came, and is not kept",
    "The service pushes messages to the account to the same address as reports, and omnictl keeps reports only.",
    hint="if they matter, let a program of your own take all pushes, and pull the reports",
)

CODES = {
    "push-refused": "A request to reports listen was no push that it could take: no or a wrong signature, another "
    "path, no JSON, too large. It is said once a minute, with how many there were. The same reports are in the logs.",
    "push-not-kept": "The ledger could not be written, so the push was answered with 503 and the service comes again. "
    "reports listen goes on.",
    "push-not-shown": "The push is in the ledger, and its messages were not written to stdout: the reader is slower "
    "than the pushes, or the ledger was in use.",
    "push-unreadable": "The service pushed rows that omnictl cannot read. The bytes are kept in the ledger, and the "
    "push is answered with 200, since it would be the same the next time.",
    "inbound-not-kept": "What recipients write to the account is pushed to the same address as reports. omnictl "
    "answers it with 200 and keeps nothing of it.",
}
