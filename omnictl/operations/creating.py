"""The bulk of an apply: creates as their waves make them ready, updates beside them, one pool for both.

The main thread alone touches the state.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
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
from omnictl.operations.run import Tally, Tools
from omnictl.operations.updating import Written, write_update
from omnictl.operations.waves import PutChange, Sent, Waves
from omnictl.provider.base import Operation
from omnictl.threads import leave_signals

STOP_SECONDS = 5.0
"""How long a stopping run waits for what is in flight."""

_SLICE_SECONDS = 0.2
_TOLD_EVERY_SECONDS = 30.0
_HANDED_OUT = 2
"""How many creates are handed to a worker at once: the one in flight, and the next, so that none waits for the thread
that writes the state. The intents of both are durable. One worker alone stays strictly one thing after the other."""


class Reading:
    """A reading that goes beside the writes, in the first of their places; its answer is asked for when they ended."""

    def __init__(self, read: Callable[[], Remote | None]) -> None:
        self._read = read
        self._future: Future[Remote | None] | None = None

    def begin(self, pool: ThreadPoolExecutor) -> None:
        """Read as soon as a worker is free."""
        self._future = pool.submit(self._read)

    def wait(self, seconds: float) -> None:
        """Wait for the answer, at most so long."""
        if self._future is not None:
            wait_for((self._future,), seconds)

    @property
    def has_answer(self) -> bool:
        """Whether it was answered, if only by an error."""
        return self._future is not None and self._future.done() and not self._future.cancelled()

    @property
    def answer(self) -> Remote | None:
        """What was read. Raises what the reading raised."""
        return None if self._future is None else self._future.result()


class Bulk:
    """Sends independent changes with a bounded number in flight. ``run`` returns when all ended or it must stop."""

    def __init__(
        self,
        tools: Tools,
        tally: Tally,
        remotes: Mapping[str, Remote],
        creates: Iterable[Create] = (),
        updates: Iterable[PutChange] = (),
    ) -> None:
        self._tools = tools
        self._tally = tally
        self._known_keys = {*remotes, *owned_keys(tools.keeper.state)}
        self._waves = Waves(tools, tally, remotes, creates)
        self._updates = deque(updates)
        self._flying: dict[Future[Remote | Written], Sent] = {}
        self._done: SimpleQueue[Future[Remote | Written]] = SimpleQueue()
        self._told_waiting_at = float("-inf")
        self._bug: Exception | None = None

    def run(self, reading: Reading | None = None) -> None:
        """Send everything, and read beside it; what could not be tried is left without an outcome."""
        workers = max(1, self._tools.workers)
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="write", initializer=leave_signals)
        try:
            if reading is not None:
                reading.begin(pool)
            self._work(pool)
            self._drain()
            if reading is not None:
                reading.wait(self._patience_seconds)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        self._waves.drop_unsent()
        if self._bug is not None:
            raise self._bug

    def _work(self, pool: ThreadPoolExecutor) -> None:
        """Send and collect until all ended, it must stop, or the state can no longer be written."""
        try:
            while self._is_open() and (self._waves.left or self._waves.ready or self._updates or self._flying):
                self._waves.prepare(sum(1 for each in self._flying.values() if each.intent is not None))
                self._launch(pool)
                self._collect()
        except StateWriteError:
            self._tally.halted = True  # the keeper remembers the failure; the caller saves what is known

    def _is_open(self) -> bool:
        return not (self._tally.halted or self._tools.stop.is_set)

    # --- sending -----------------------------------------------------------------------------------------

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        provider, flying = self._tools.provider, self._flying
        most = self._tools.workers if self._tools.workers <= 1 else _HANDED_OUT * self._tools.workers
        while self._waves.ready and len(flying) < most and self._is_open():
            sent = self._waves.ready.popleft()
            self._fly(pool.submit(self._create, sent), sent)
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
        self._tools.keeper.flush_if_due()

    def _end_those_done(self, seconds: float) -> None:
        """Wait for the next request to end, at most so long, and take all that have ended."""
        with suppress(Empty):
            self._end(self._done.get(timeout=seconds))
            while True:
                self._end(self._done.get_nowait())

    def _wait_for_budget(self) -> None:
        """Nothing is in flight and nothing may leave: make all durable, say why, and wait a little."""
        self._tools.keeper.flush()
        operation = Operation.CREATE if self._waves.left else Operation.UPDATE
        provider = self._tools.provider
        seconds = (
            min(
                provider.seconds_until_permit(each)
                for each, left in ((Operation.CREATE, self._waves.left), (Operation.UPDATE, self._updates))
                if left
            )
            if (self._waves.left or self._updates)
            else 0.0
        )
        if seconds <= 0.0:
            return
        now = self._tools.monotonic()
        if now - self._told_waiting_at >= _TOLD_EVERY_SECONDS:
            self._told_waiting_at = now
            budget = provider.capabilities.budgets.get(operation)
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
        self._tools.stop.wait(min(seconds, 1.0))

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
