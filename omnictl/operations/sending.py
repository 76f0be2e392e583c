"""Sending a message to recipients, batch by batch: in the ledger before it leaves, and never again by itself."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from omnictl.errors import (
    AccessError,
    LedgerError,
    OmnictlError,
    OutcomeUnknownError,
    RemoteError,
    StoppedError,
    UnsentError,
)
from omnictl.ledger.base import Run, Tally
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.message import Addressed, Batch, Message, MessageFate, Receipt, Recipient, Via
from omnictl.model.outcome import Ending, MessagesSent, SendingStarted
from omnictl.model.sending import SendReport
from omnictl.operations.looking import Post, chunks, look_for_unknown

MOST_DOUBTS = 3
"""After so many lost answers in a row nothing more is sent: each leaves a whole batch in doubt."""

CALLBACK_PREFIX = "omnictl1"

_DUPLICATE_MESSAGE_ID = 23
"""REJECTED_DUPLICATE_MESSAGE_ID (source: the published table of statuses)."""

_TOLD_EVERY_SECONDS = 5.0
_OURS = "the request was not sent"


class Errand(Struct, frozen=True):
    """What is to be sent to whom.

    ``recipients`` may be endless and is read once, ``total`` is how many there are, each once. ``is_new`` where the run
    was not begun before, ``beside`` then are the ids of the equal runs that it is begun beside, knowingly;
    ``resend_unknown`` sends what has an unknown fate again, under the same ids.
    """

    run: Run
    via: Via
    message: Message
    recipients: Iterable[Recipient]
    total: int
    batch_size: int
    is_new: bool = True
    beside: Collection[str] = ()
    resend_unknown: bool = False


def send(post: Post, errand: Errand) -> SendReport:
    """Send it. Never raises once a message may have left: the report says what happened."""
    with post.ledger.holding_run(errand.run.id):
        if errand.is_new:
            post.ledger.begin_run(errand.run, beside=errand.beside)
        return _Sending(post, errand).run()


def with_callback_data(message: Message, via: Via, bulk_id: str) -> Message:
    """Return the message as it leaves: callbackData says scenario, revision and request, unless the user says his own.

    Reports bring it back, so that they are joined and counted whatever their ids are.
    """
    if message.callback_data is not None:
        return message
    return replace(message, callback_data=f"{CALLBACK_PREFIX}:{via.scenario}:{via.revision}:{bulk_id}")


class _Sending:
    """One sending, by this process."""

    def __init__(self, post: Post, errand: Errand) -> None:
        self._post = post
        self._errand = errand
        self._started_at = post.clock()
        self._problems: list[Diagnostic] = []
        self._lost: OutcomeUnknownError | None = None
        self._requests = 0
        self._doubts = 0
        self._halted = False
        self._denied = False
        self._has_untried = False
        self._told_at = float("-inf")
        self._told: MessagesSent | None = None

    def run(self) -> SendReport:
        tally = self._post.ledger.tally(self._errand.run.id)
        before = tally.accepted + tally.refused + tally.unknown
        self._post.observe(
            SendingStarted(self._errand.run.id, self._errand.via.scenario, self._errand.total, sent_before=before)
        )
        reached_end = False
        try:
            if not self._errand.is_new:
                self._look()
            if self._errand.resend_unknown:
                self._resend()
            reached_end = self._send_all()
            self._look()
        except OmnictlError as error:
            self._note(error)
        return self._report(reached_end)

    # --- sending ---------------------------------------------------------------------------------------------

    @property
    def _may_go_on(self) -> bool:
        return not (self._halted or self._post.stop.is_set)

    def _send_all(self) -> bool:
        """Send to everybody who has no message of this run yet; return whether nobody is left."""
        ledger, run = self._post.ledger, self._errand.run.id
        for chunk in chunks(self._errand.recipients, self._errand.batch_size):
            new = ledger.select_new(run, chunk)
            if not new:
                continue
            if not self._may_go_on:
                return False
            batch = self._make_batch(new)
            ledger.open_batch(run, self._errand.via, batch, self._post.clock())
            self._deliver(batch)
            self._tell()
        self._tell(at_once=True)
        return not self._has_untried

    def _make_batch(self, recipients: Sequence[Recipient]) -> Batch:
        bulk_id, via = self._post.make_id(), self._errand.via
        message = with_callback_data(self._errand.message, via, bulk_id)
        addressed = tuple(Addressed(self._post.make_id(), each) for each in recipients)
        return Batch(bulk_id, via.key, message, addressed)

    def _resend(self) -> None:
        for batch in self._post.ledger.unknown_batches(self._errand.run.id):
            if not self._may_go_on:
                return
            self._post.ledger.reopen_batch(batch, self._post.clock())
            self._deliver(batch, again=True)

    def _deliver(self, batch: Batch, *, again: bool = False) -> None:
        """Send a batch whose messages are in the ledger, and write down what became of them."""
        try:
            receipts = self._post.messenger.send(batch)
        except OutcomeUnknownError as error:
            self._requests += 1
            self._doubts += 1
            self._lost = error
            self._halted = self._halted or self._doubts >= MOST_DOUBTS
            return
        except (AccessError, UnsentError, StoppedError) as error:
            # What was sent before, and may have been taken then, stays unknown.
            self._settle(batch, MessageFate.UNKNOWN if again else MessageFate.NOT_TRIED, error)
            return
        except RemoteError as error:
            self._requests += 1
            self._settle(batch, MessageFate.UNKNOWN if again else MessageFate.REFUSED, error)
            return
        self._requests += 1
        self._doubts = 0
        told = [_read_receipt(each, again=again) for each in receipts]
        self._post.ledger.add_receipts(told, self._post.clock())

    def _settle(self, batch: Batch, fate: MessageFate, error: OmnictlError) -> None:
        """The API took none of the batch: nobody else is tried, since it would end in the same way."""
        self._denied = self._denied or isinstance(error, AccessError)
        if not self._post.stop.is_set:
            self._note(error)
            if isinstance(error, StoppedError):
                self._post.stop.request("the API takes no messages for now")
        self._halted = True
        self._has_untried = self._has_untried or fate is MessageFate.NOT_TRIED
        if fate is not MessageFate.UNKNOWN:
            reason = error.diagnostics[0].summary if error.diagnostics else _OURS
            receipts = [Receipt(each.message_id, fate, reason=reason) for each in batch.messages]
            self._post.ledger.add_receipts(receipts, self._post.clock())

    def _look(self) -> None:
        """Look in the logs for what is unknown; what cannot be looked for stays unknown."""
        try:
            look_for_unknown(self._post, self._errand.run.id)
        except LedgerError:
            raise
        except OmnictlError as error:
            self._note(error)

    # --- telling ---------------------------------------------------------------------------------------------

    def _note(self, error: OmnictlError) -> None:
        self._problems.extend(each for each in error.diagnostics if each not in self._problems)

    def _tell(self, *, at_once: bool = False) -> None:
        now = self._post.monotonic()
        if not at_once and now - self._told_at < _TOLD_EVERY_SECONDS:
            return
        self._told_at = now
        tally = self._post.ledger.tally(self._errand.run.id)
        event = MessagesSent(tally.accepted, tally.refused, tally.unknown, self._errand.total)
        if event != self._told:
            self._told = event
            self._post.observe(event)

    def _report(self, reached_end: bool) -> SendReport:
        post, run, now, tally, purged = self._post, self._errand.run, self._post.clock(), Tally(), 0
        try:
            tally = post.ledger.tally(run.id)
            if tally.unknown:
                purged = tally.unknown - sum(len(each.messages) for each in post.ledger.unknown_batches(run.id))
            if self._lost is not None or tally.unknown:
                self._problems.append(_answer_lost(self._lost, tally.unknown, purged))
            if reached_end and not tally.unknown and run.finished_at is None:
                post.ledger.finish_run(run.id, now)
        except LedgerError as error:
            self._note(error)
        tried = tally.accepted + tally.refused + tally.unknown
        return SendReport(
            run=run.id,
            scenario=self._errand.via.scenario,
            environment=post.environment,
            ending=Ending.STOPPED if post.stop.is_set else Ending.FINISHED,
            accepted=tally.accepted,
            refused=tally.refused,
            unknown=tally.unknown,
            unrepeatable=purged,
            not_tried=0 if reached_end else max(0, self._errand.total - tried),
            requests_sent=self._requests,
            denied=self._denied,
            diagnostics=tuple(self._problems),
            started_at=self._started_at,
            finished_at=now,
            stop_reason=post.stop.reason,
            sandbox=post.sandbox,
        )


def _read_receipt(receipt: Receipt, *, again: bool) -> Receipt:
    """Return what the receipt says of the message: where its id is refused because it was used, it was taken before.

    The ids are omnictl's own, so nobody else has used them. Any other refusal of a repeat is the last word there is:
    if the message was taken the first time all the same, a row of logs or reports will make it accepted.
    """
    if receipt.fate is not MessageFate.REFUSED:
        return receipt
    if receipt.status is not None and receipt.status.id == _DUPLICATE_MESSAGE_ID:
        return replace(receipt, fate=MessageFate.ACCEPTED, reason="the API knows its id")
    return replace(receipt, reason=f"{receipt.reason} (when it was sent again)".lstrip()) if again else receipt


def _answer_lost(lost: OutcomeUnknownError | None, unknown: int, purged: int) -> Diagnostic:
    """Say what came of lost answers: what the logs show was taken, and the rest nobody knows of."""
    why = lost.diagnostics[0].detail.partition("\n")[0] if lost is not None and lost.diagnostics else ""
    if not unknown:
        return Diagnostic(
            "answer-lost",
            Severity.WARNING,
            "The answer to a request was lost, and the logs show that it was taken",
            f"{why}\nNobody gets a message twice, and nothing is left to do.".lstrip(),
        )
    one = unknown == 1
    told = "The fate of one message is" if one else f"The fates of {unknown} messages are"
    told = f"{told} unknown: {'it' if one else 'they'} may have arrived or not, and the logs do not show "
    told += "it." if one else "them."
    hint = "go on with the run, which looks for them again; a new send would be another message"
    if purged:
        gone = "Its recipient was purged, so it" if purged == 1 else f"The recipients of {purged} were purged, so they"
        told = f"{told}\n{gone} cannot be sent again; the run ends only if logs or reports show what became of them."
        hint = f"{hint} for who has got one" if purged == unknown else hint
    return Diagnostic(
        "fate-unknown", Severity.ERROR, "Nobody knows whether messages were taken", f"{why}\n{told}".lstrip(), hint=hint
    )


CODES = {
    "answer-lost": "A request was sent and its answer did not arrive, or could not be read; the logs of the account "
    "show its messages, so they were taken.",
    "fate-unknown": "A request was sent, its answer was lost, and the logs do not show its messages. They stay "
    "unknown: --resume looks for them again, --resend-unknown repeats them under the same ids.",
}
