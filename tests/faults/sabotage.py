"""omnictl broken on purpose, one way each: what the tests of kills must notice. Installed in a forked run alone."""

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from omnictl import durable
from omnictl.cli.commands import send as send_command
from omnictl.engine.recover import settle
from omnictl.errors import OutcomeUnknownError, UnsentError
from omnictl.ledger import sending as ledger_sending
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.report import Gap
from omnictl.model.state import Intent, State
from omnictl.operations import creating, pulling, sending, settling, waves
from omnictl.provider.omni_messages import OmniMessenger
from omnictl.state import versions
from omnictl.state.hold import SureHold
from omnictl.state.local import backend as local
from omnictl.state.local import lock


def _put(where: Any, name: str, broken: Callable[..., Any]) -> None:
    setattr(where, name, broken)


def _no_intents() -> None:
    _put(waves, "add_intents", lambda state, intents: state)


def _late_intents() -> None:
    """The intent is remembered, and becomes durable only with the outcome of its create."""
    real = waves.Waves.add

    def add(made: Any, flying: int = 0) -> bool:
        real(made, flying)
        return False

    _put(waves.Waves, "add", add)
    _put(creating.Bulk, "prepare", lambda made: None)


def _skipped_writes() -> None:
    """Every second write of the state is taken for done and is not."""
    real, count = local.LocalBackend.write, [0]

    def write(backend: local.LocalBackend, state: State) -> None:
        count[0] += 1
        if count[0] % 2:
            real(backend, state)

    _put(local.LocalBackend, "write", write)


def _forgotten_keys() -> None:
    """An intent is dropped when its create is answered, and the key is never recorded."""

    def record(state: State, intent: Intent, *_: Any) -> State:
        return replace(state, intents=tuple(each for each in state.intents if each != intent))

    _put(creating, "record_created", record)


def _written_in_place() -> None:
    def write(path: Path, content: bytes, **_: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = len(content) // 2
        path.write_bytes(content[:half])
        durable.sync_directory(path.parent)
        path.write_bytes(content)

    _put(local, "replace_file", write)
    _put(versions, "replace_file", write)


def _unflushed_directory() -> None:
    _put(durable, "sync_directory", lambda path: None)


def _unflushed_file() -> None:
    real = os.fsync

    def fsync(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            real(number)

    _put(os, "fsync", fsync)


def _no_lock() -> None:
    @contextmanager
    def hold(*_: Any, **__: Any) -> Any:
        yield SureHold(ended_before=True)

    _put(lock.StateLock, "hold", hold)


def _no_conditions() -> None:
    """Nobody heeds the lock, nor what somebody else wrote meanwhile."""
    _no_lock()
    _put(local.LocalBackend, "_refuse_if_moved", lambda *_: None)


def _no_patience() -> None:
    """Absence is believed without waiting for ``settle``."""
    _put(settling, "_wait_until_absence_counts", lambda *_, **__: None)


def _never_looks() -> None:
    """An open intent is taken for a create that did not happen."""
    _put(settling, "settle", lambda state, *_: settle(state, {}))


# --- of messages ---------------------------------------------------------------------------------------------------


def _late_ledger() -> None:
    """A request is written down only when its answer is there."""
    real_open, real_add = SqliteLedger.open_batch, SqliteLedger.add_receipts
    waiting: list[tuple[Any, ...]] = []

    def add_receipts(ledger: SqliteLedger, *arguments: Any) -> None:
        while waiting:
            real_open(ledger, *waiting.pop())
        real_add(ledger, *arguments)

    _put(SqliteLedger, "open_batch", lambda ledger, *arguments: waiting.append(arguments))
    _put(SqliteLedger, "add_receipts", add_receipts)


def _lost_receipts() -> None:
    _put(SqliteLedger, "add_receipts", lambda *_: None)


def _everybody_is_new() -> None:
    _put(ledger_sending, "_taken", lambda *_: set())


def _resends_by_itself() -> None:
    real = sending.send
    _put(send_command, "send", lambda post, errand: real(post, replace(errand, resend_unknown=not errand.is_new)))


def _unknown_is_not_tried() -> None:
    """What is lost on its way back is taken for never sent."""
    _unsent_for_unknown("send")


def _looks_for_no_message() -> None:
    _put(sending, "look_for_unknown", lambda *_: None)


def _hands_unheld() -> None:
    @contextmanager
    def hold(*_: Any, **__: Any) -> Any:
        yield

    _put(SqliteLedger, "holding_run", hold)


def _late_gaps() -> None:
    """A pull is written down only when its reply is there."""
    real_open, real_close = SqliteLedger.open_gap, SqliteLedger.close_gap
    queries: list[tuple[Any, ...]] = []

    def open_gap(ledger: SqliteLedger, *arguments: Any) -> Gap:
        queries.append(arguments)
        return Gap(0, arguments[1], arguments[0])

    def close_gap(ledger: SqliteLedger, gap: int, *arguments: Any) -> int:
        return real_close(ledger, gap or real_open(ledger, *queries.pop()).id, *arguments)

    _put(SqliteLedger, "open_gap", open_gap)
    _put(SqliteLedger, "close_gap", close_gap)


def _gaps_of_the_lost_are_closed() -> None:
    """A reply that was lost is taken for a request that was not sent."""
    _unsent_for_unknown("take_reports")


def _gaps_fill_themselves() -> None:
    _put(pulling._Filling, "run", lambda _: (0, True))


def _unsent_for_unknown(method: str) -> None:
    real = getattr(OmniMessenger, method)

    def call(messenger: OmniMessenger, what: Any) -> Any:
        try:
            return real(messenger, what)
        except OutcomeUnknownError as error:
            raise UnsentError(*error.diagnostics) from None

    _put(OmniMessenger, method, call)


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "no intents": _no_intents,
    "late intents": _late_intents,
    "skipped writes": _skipped_writes,
    "forgotten keys": _forgotten_keys,
    "written in place": _written_in_place,
    "unflushed directory": _unflushed_directory,
    "unflushed file": _unflushed_file,
    "no lock": _no_lock,
    "no conditions": _no_conditions,
    "no patience": _no_patience,
    "never looks": _never_looks,
    "late ledger": _late_ledger,
    "lost receipts": _lost_receipts,
    "everybody is new": _everybody_is_new,
    "resends by itself": _resends_by_itself,
    "unknown is not tried": _unknown_is_not_tried,
    "looks for no message": _looks_for_no_message,
    "hands unheld": _hands_unheld,
    "late gaps": _late_gaps,
    "gaps of the lost are closed": _gaps_of_the_lost_are_closed,
    "gaps fill themselves": _gaps_fill_themselves,
}
