"""The bulk of an apply: creates as their waves make them ready, updates beside them, one pool for both.

The main thread alone touches the state.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

from msgspec.structs import replace

from omnictl.engine.advance import (
    drop_intent,
    record_created,
    record_removed,
    record_written,
    touch_updated,
)
from omnictl.engine.recover import owned_keys
from omnictl.engine.removal import kept_as_read
from omnictl.errors import (
    AccessError,
    OmnictlError,
    OutcomeUnknownError,
    StateWriteError,
    StoppedError,
)
from omnictl.model.address import id_of
from omnictl.model.change import Adopt, Change, Create, Rename, Retire, Update
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Fate, Waiting
from omnictl.model.scenario import Remote
from omnictl.model.state import Intent
from omnictl.operations.echo import note_normalisation
from omnictl.operations.reading_back import Reading
from omnictl.operations.run import Tally, Tools
from omnictl.operations.updating import Written, write_update
from omnictl.operations.waves import HANDED_OUT, PutChange, Sent, Waves
from omnictl.provider.base import Operation
from omnictl.threads import leave_signals

STOP_SECONDS = 5.0
"""How long a stopping run waits for what is in flight."""

_SLICE_SECONDS = 0.2
_TOLD_EVERY_SECONDS = 30.0


class Bulk:
    """Sends independent changes with a bounded number in flight. ``run`` returns when all ended or it must stop.

    ``leader`` is the first of the creates where the others may follow only when it is done.
    """

    def __init__(
        self,
        tools: Tools,
        tally: Tally,
        remotes: Mapping[str, Remote],
        creates: Iterable[Create] = (),
        updates: Iterable[PutChange] = (),
        leader: Create | None = None,
    ) -> None:
        self._tools = tools
        self._tally = tally
        self._known_keys = {*remotes, *owned_keys(tools.keeper.state)}
        self._waves = Waves(tools, tally, remotes, creates)
        self._updates = deque(updates)
        self._leader = leader
        self._flying: dict[Future[Remote | Written], Sent] = {}
        self._done: SimpleQueue[Future[Remote | Written]] = SimpleQueue()
        self._told_waiting_at = float("-inf")
        self._bug: Exception | None = None

    def prepare(self) -> None:
        """Make the first intents, for the next write to carry."""
        self._waves.add()

    def run(self, reading: Reading | None = None) -> None:
        """Send everything, and read beside it; what could not be tried is left without an outcome."""
        workers = max(1, self._tools.workers)
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="write", initializer=leave_signals)
        try:
            self._work(pool, reading)
            self._drain()
            if reading is not None:
                reading.wait(self._patience_seconds)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self._waves.drop_unsent()
        keeper = self._tools.keeper
        if keeper.failure is None:
            keeper.flush() if self._bug is not None else keeper.flush_if_allowed()
        if self._bug is not None:
            raise self._bug

    def _work(self, pool: ThreadPoolExecutor, reading: Reading | None) -> None:
        """Send and collect until all ended, it must stop, or the state can no longer be written."""
        try:
            if self._waves.ready or self._waves.add():
                self._tools.keeper.flush()
            self._begin(reading, pool)
            while self._is_open() and (self._waves.left or self._waves.ready or self._updates or self._flying):
                self._prepare_more()
                self._launch(pool)
                self._collect()
                self._begin(reading, pool)
        except StateWriteError:
            self._tally.halted = True  # the keeper remembers the failure; the caller saves what is known

    def _prepare_more(self) -> None:
        if not (self._leads and self._flying):  # else nothing tells how fast the others will go
            flying = sum(1 for each in self._flying.values() if each.intent is not None)
            self._waves.prepare(flying, is_idle=not self._flying)
        self._tools.keeper.flush_if_due()

    def _begin(self, reading: Reading | None, pool: ThreadPoolExecutor) -> None:
        """Begin a reading once the leader is done, and its key is durable if that needs no waiting."""
        if reading is not None and not reading.has_begun and not self._leads and self._is_open():
            self._tools.keeper.flush_if_allowed()
            reading.begin(pool)

    @property
    def _leads(self) -> bool:
        """Whether the leader has not ended, and the others wait."""
        return self._leader is not None and self._tally.fate_of(self._leader) is None

    def _is_open(self) -> bool:
        leader = self._leader
        is_leaderless = leader is not None and self._tally.fate_of(leader) not in (None, Fate.DONE)
        return not (self._tally.halted or self._tools.stop.is_set or is_leaderless)

    # --- sending -----------------------------------------------------------------------------------------

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        provider, flying = self._tools.provider, self._flying
        most = self._tools.workers if self._tools.workers <= 1 else HANDED_OUT * self._tools.workers
        most = 1 if self._leads else most
        while self._waves.ready and len(flying) < most and self._is_open():
            sent = self._waves.ready.popleft()
            self._fly(pool.submit(self._create, sent), sent)
        if self._leads:
            return
        updates = sum(1 for each in flying.values() if each.intent is None)
        room = provider.permits(Operation.UPDATE) - updates if self._updates else 0
        while self._updates and room > 0 and len(flying) < self._tools.workers and self._is_open():
            change = self._updates.popleft()
            self._fly(pool.submit(self._update, change), Sent(change))
            room -= 1

    def _fly(self, future: Future[Remote | Written], sent: Sent) -> None:
        self._flying[future] = sent
        future.add_done_callback(self._done.put)

    def _create(self, sent: Sent) -> Remote:
        intent = sent.intent
        if intent is None:
            raise TypeError("a create without an intent must not be sent")
        if not self._is_open():
            raise StoppedError  # put back; nobody needs to be told
        return self._tools.provider.create(intent.body, default=intent.default, not_after=intent.not_after)

    def _update(self, change: PutChange) -> Written:
        key = change.recorded.key if isinstance(change, Retire) else change.key
        ignored = () if isinstance(change, Retire) else kept_as_read(change)
        return write_update(
            self._tools.provider,
            key,
            seen=change.actual,
            desired=change.desired,
            ignored=ignored,
            half_done=self._tally.is_resumed,
            may_be_default=not isinstance(change, Retire),
            may_send=self._is_open,
        )

    # --- outcomes ----------------------------------------------------------------------------------------

    def _collect(self) -> None:
        if not self._flying:
            self._wait_for_budget()
            return
        self._end_those_done(_SLICE_SECONDS)

    def _end_those_done(self, seconds: float) -> None:
        """Wait for the next request to end, at most so long, and take all that have ended."""
        with suppress(Empty):
            self._end(self._done.get(timeout=seconds))
            while True:
                self._end(self._done.get_nowait())

    def _wait_for_budget(self) -> None:
        """Nothing is in flight and nothing may leave: make all durable, say why, and wait a little.

        Where the place may not be written yet, and the budget allows more before that, one write does both.
        """
        keeper = self._tools.keeper
        keeper.flush_if_allowed()
        provider = self._tools.provider
        operations = [
            each for each, left in ((Operation.CREATE, self._waves.left), (Operation.UPDATE, self._updates)) if left
        ]
        seconds = min((provider.seconds_until_permit(each) for each in operations), default=0.0)
        if seconds <= 0.0:
            return
        self._tell_waiting(operations[0], seconds)
        until_stored = 1.0 if keeper.is_stored else keeper.seconds_until_allowed
        self._tools.stop.wait(min(seconds, 1.0, until_stored))

    def _tell_waiting(self, operation: Operation, seconds: float) -> None:
        now = self._tools.monotonic()
        if now - self._told_waiting_at < _TOLD_EVERY_SECONDS:
            return
        self._told_waiting_at = now
        budget = self._tools.provider.capabilities.budgets.get(operation)
        self._tools.observe(
            Waiting(
                operation,
                "budget",
                seconds,
                self._tools.clock() + timedelta(seconds=seconds),
                budget.limit if budget else None,
                budget.window_seconds if budget else None,
            )
        )

    def _end(self, future: Future[Remote | Written]) -> None:
        sent = self._flying.pop(future, None)
        if sent is None:
            return  # taken back before it began
        try:
            result = future.result()
        except OmnictlError as error:
            self._end_badly(sent, error)
        except Exception as bug:  # noqa: BLE001 - raised again when all else has ended and is stored
            self._bug, self._tally.halted = bug, True
            self._tally.end(sent.change, Fate.UNKNOWN)
        else:
            self._tally.writes_sent += result.sent if isinstance(result, Written) else 1
            if isinstance(result, Written):
                self._end_update(sent.change, result)
            elif sent.intent is not None:
                self._end_create(sent, sent.intent, result)

    def _end_create(self, sent: Sent, intent: Intent, remote: Remote) -> None:
        if remote.key in self._known_keys:
            # A key belongs to one address. Whether there is a new scenario beside it, a look at the account tells.
            self._tally.end(sent.change, Fate.UNKNOWN, problem=_key_not_new(intent, remote.key))
            return
        self._known_keys.add(remote.key)
        self._tally.received(intent.address, remote.key)
        now = self._tools.clock()
        self._tools.keeper.advance(lambda state: record_created(state, intent, remote, now))
        note_normalisation(self._tally, id_of(intent.address), intent.body, remote.attributes)
        self._tally.end(sent.change, Fate.DONE, key=remote.key)
        if sent.change is self._leader:
            self._waves.measure_anew()

    def _end_update(self, change: Change, written: Written) -> None:
        now = self._tools.clock()
        self._tally.default_may_return |= written.default_may_return
        if isinstance(change, Retire):
            self._tools.keeper.advance(lambda state: record_removed(state, change, now))
            note_normalisation(self._tally, id_of(change.address), written.desired, written.remote.attributes)
            self._tally.end(change, Fate.DONE, key=change.recorded.key)
        elif isinstance(change, Update | Adopt | Rename):
            observed = written.remote.attributes
            said = change.declared or change.desired  # an ignored field may have moved just before the write
            declared = None if said == written.desired else said
            done = replace(change, desired=written.desired, declared=declared)
            self._tools.keeper.advance(lambda state: record_written(state, done, observed, now))
            note_normalisation(self._tally, id_of(change.address), written.desired, observed)
            self._tally.end(change, Fate.DONE, key=change.key)

    def _end_badly(self, sent: Sent, error: OmnictlError) -> None:
        change, now = sent.change, self._tools.clock()
        if isinstance(error, OutcomeUnknownError):
            self._tally.writes_sent += 1
            if sent.intent is None:
                self._tools.keeper.advance(lambda state: touch_updated(state, change.address, now))
            self._tally.end(change, Fate.UNKNOWN, problem=error)
            return
        if sent.intent is not None:
            self._tools.keeper.advance(lambda state: drop_intent(state, change.address))
        if isinstance(error, StoppedError):
            self._put_back(sent)
            return
        self._tally.halted = self._tally.halted or isinstance(error, AccessError)
        self._tally.end(change, Fate.FAILED, problem=error)

    def _put_back(self, sent: Sent) -> None:
        """Surely not sent: it is tried again with a fresh intent, unless the run stops."""
        if isinstance(sent.change, Create):
            if self._leads:
                self._waves.withdraw()
            self._waves.left.appendleft(sent.change)
        else:
            self._updates.appendleft(sent.change)

    # --- the end -----------------------------------------------------------------------------------------

    @property
    def _patience_seconds(self) -> float:
        stopping, usual = STOP_SECONDS, self._tools.provider.capabilities.request_timeout_seconds
        return stopping if self._tools.stop.is_set else usual

    def _drain(self) -> None:
        """Let what is in flight finish; what takes too long is left as unknown, its intents as they are."""
        self._take_back()
        until = self._tools.monotonic() + self._patience_seconds
        while self._flying and (left := until - self._tools.monotonic()) > 0.0:
            self._end_those_done(min(left, _SLICE_SECONDS))
        if self._flying:  # whoever still waits for its turn must not send when the lock is gone
            self._tools.stop.request("a request took too long")
        for sent in self._flying.values():
            self._tally.writes_sent += 1
            self._tally.end(sent.change, Fate.UNKNOWN)
        self._flying.clear()

    def _take_back(self) -> None:
        """What no worker has begun is not sent: it counts as ready again."""
        for future in [each for each in self._flying if each.cancel()]:
            sent = self._flying.pop(future)
            if sent.intent is not None:
                self._waves.ready.append(sent)
            else:
                self._put_back(sent)


def _key_not_new(intent: Intent, key: str) -> Diagnostic:
    return Diagnostic(
        "key-not-new",
        Severity.ERROR,
        "A create was answered with the key of another scenario",
        f"The create of {id_of(intent.address)} was answered with {key}, which was on the account before. "
        "A key belongs to one scenario, so it is not recorded; the account is looked at for a new one.",
        hint="if the service refuses to hold two equal scenarios, give this one another name or flow",
    )


CODES = {
    "key-not-new": "The reply to a create names a scenario that existed before. The outcome counts as unknown: the "
    "account is looked at for a new scenario before anything is sent again.",
}
