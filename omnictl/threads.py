"""Threads beside the main one leave the signals that end a run to it: taken by another, they would not wake it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDING_SIGNALS = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__
)
"""What a person or a pipeline ends a run with; not all of them exist everywhere."""


def leave_signals() -> None:
    """Leave the signals to the main thread: what a thread of a pool does first."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)


@contextmanager
def leaving_signals() -> Iterator[None]:
    """Let the threads that are started in the context leave the signals; one that comes meanwhile is taken after it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
