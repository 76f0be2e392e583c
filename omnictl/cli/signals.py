"""Signals: before the first write they end the run at once; after it the first stops in good order, the second ends."""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from omnictl.threads import ENDING_SIGNALS

if TYPE_CHECKING:
    from omnictl.provider.base import StopSignal

_END_OF_DISPLAY = "\x1b[?25h\n"
"""What a display that is not taken away leaves to do: show the cursor again, and begin a line for the shell."""


_MOMENT_SECONDS = 0.02


class SignalReceived(BaseException):
    """A signal that ends the run; not an error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def raise_on_signals() -> None:
    """Turn the signals into SignalReceived, so that ``finally`` blocks run, also where one comes in a callback."""
    for number in _numbers():
        signal.signal(number, _raise)
    sys.unraisablehook = partial(_notice_swallowed, sys.unraisablehook)


def _notice_swallowed(
    tell: "Callable[[sys.UnraisableHookArgs], object]", unraisable: "sys.UnraisableHookArgs", /
) -> None:
    """Let a signal come again that the interpreter has swallowed: in a callback, such as an import has, none can end.

    From a thread, and a moment later: here it would be swallowed as well.
    """
    error = unraisable.exc_value
    if not isinstance(error, SignalReceived):
        tell(unraisable)
        return
    signal.signal(error.number, _raise)
    _thread.start_new_thread(_send_again, (signal.Signals(error.number),))


def _send_again(number: signal.Signals) -> None:
    time.sleep(_MOMENT_SECONDS)
    if hasattr(signal, "pthread_kill"):  # it also ends a sleep or a reading
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(number)


def let_signals_end() -> None:
    """Let a signal end the process at once: the run is over, and nothing is left to be said of it."""
    for number in _numbers():
        signal.signal(number, _end)


def let_result_stand() -> None:
    """From the one document of a run on, a signal has nothing to add to it. An apply listens in its own way."""
    if any(signal.getsignal(number) is _raise for number in _numbers()):
        let_signals_end()


def outlast_signals(
    say: Callable[[str], None], in_danger: Callable[[], str], *, has_begun: Callable[[], bool], announcement: str
) -> None:
    """From now on, and once it ``has_begun``, the first signal is only answered, and the second ends the process.

    For what follows on ``stopping``: the work has ended, and what is left is to say what became of it.
    """
    _receive_signals(lambda _: None, say, in_danger, has_begun=has_begun, announcement=announcement)


@contextmanager
def stopping(
    stop: "StopSignal",
    say: Callable[[str], None],
    in_danger: Callable[[], str],
    *,
    has_begun: Callable[[], bool] = lambda: True,
    announcement: str = "Stopping: what is in flight is finished and saved. Once more ends at once.",
) -> Iterator[list[int]]:
    """Inside the context the first signal asks ``stop`` and the second ends the process.

    Until ``has_begun`` there is nothing to end in good order, and a signal raises SignalReceived as elsewhere. Yields a
    list that holds the number of the signal, once there was one. ``announcement`` is said at the first; ``in_danger``
    says at the second what may be lost.
    """
    before = {number: signal.getsignal(number) for number in _numbers()}
    try:
        yield _receive_signals(stop.request, say, in_danger, has_begun=has_begun, announcement=announcement)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _receive_signals(
    ask_to_stop: Callable[[str], None],
    say: Callable[[str], None],
    in_danger: Callable[[], str],
    *,
    has_begun: Callable[[], bool],
    announcement: str,
) -> list[int]:
    received: list[int] = []

    def receive(number: int, frame: FrameType | None) -> None:
        if not received and not has_begun():
            _raise(number, frame)
        if received:
            _say_anyhow(say, f"Ended at once. {in_danger()}")
            if sys.stderr is not None:
                sys.stderr.write(_END_OF_DISPLAY if sys.stderr.isatty() else "")
                sys.stderr.flush()
            os._exit(128 + received[0])
        received.append(number)
        # From a thread: the handler runs in the middle of whatever the main thread does, which may hold the very lock
        # that the asking needs. This way of starting one takes no lock of its own.
        _thread.start_new_thread(ask_to_stop, (signal.Signals(number).name,))
        _say_anyhow(say, announcement)

    for number in _numbers():
        signal.signal(number, receive)
    return received


def _say_anyhow(say: Callable[[str], None], text: str) -> None:
    """Say something from a signal handler, also where the signal came in the middle of something being said."""
    try:
        say(text)
    except RuntimeError:  # a stream cannot be written from inside its own write
        with suppress(OSError):
            os.write(2, f"{text}\n".encode())


def _numbers() -> tuple[signal.Signals, ...]:
    """Return the signals to listen to; one that is ignored already, as nohup does it, stays ignored."""
    return tuple(each for each in ENDING_SIGNALS if signal.getsignal(each) is not signal.SIG_IGN)


def _end(number: int, frame: FrameType | None) -> None:
    """End the process. The default of the system would do, but one that came just before it was set is then told."""
    del frame
    os._exit(128 + number)


def _raise(number: int, frame: FrameType | None) -> None:
    """End the run by an exception. A second signal ends the process: nobody listens while the first is being told."""
    del frame
    let_signals_end()
    raise SignalReceived(number)
