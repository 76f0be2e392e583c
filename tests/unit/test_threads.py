"""Signals are for the main thread: a thread beside it that took one would leave it asleep."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from omnictl.threads import ENDING_SIGNALS, leave_signals, leaving_signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked here")


def blocked() -> set[int]:
    """Return the signals that the present thread does not take."""
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def start_in_context(take: Callable[[], None]) -> None:
    with leaving_signals():
        thread = threading.Thread(target=take)
        thread.start()
    thread.join()


def start_in_pool(take: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1, initializer=leave_signals) as pool:
        pool.submit(take).result()


@pytest.mark.parametrize("start", [start_in_context, start_in_pool])
def test_a_thread_leaves_them_and_the_main_one_does_not(start: Callable[[Callable[[], None]], None]) -> None:
    before, there = blocked(), set[int]()
    start(lambda: there.update(blocked()))
    assert there == before | set(ENDING_SIGNALS)
    assert blocked() == before
    assert not before & set(ENDING_SIGNALS)
