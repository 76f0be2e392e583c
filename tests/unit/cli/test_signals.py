"""The first signal stops in good order, the second ends the process and says what may be lost."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from omnictl.cli import signals
from omnictl.cli.signals import SignalReceived, let_signals_end, outlast_signals, raise_on_signals, stopping
from omnictl.provider.base import StopSignal


def test_the_first_signal_stops_in_good_order_and_the_second_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        """The process is gone."""

    ended: list[int] = []

    def leave(code: int) -> None:
        ended.append(code)
        raise Ended

    stop, said = StopSignal(), list[str]()
    before = signal.getsignal(signal.SIGTERM)
    with stopping(stop, said.append, lambda: "Two requests may be lost.") as received:
        assert not stop.is_set
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait(5)
        assert (received, stop.reason) == ([15], "SIGTERM")
        monkeypatch.setattr(os, "_exit", leave)
        with pytest.raises(Ended):
            signal.raise_signal(signal.SIGINT)
    assert ended == [143]
    assert said == [
        "Stopping: what is in flight is finished and saved. Once more ends at once.",
        "Ended at once. Two requests may be lost.",
    ]
    assert signal.getsignal(signal.SIGTERM) == before


def test_before_anything_has_begun_a_signal_ends_at_once() -> None:
    stop, said = StopSignal(), list[str]()
    with (
        pytest.raises(SignalReceived) as caught,
        stopping(stop, said.append, lambda: "", has_begun=lambda: False),
    ):
        signal.raise_signal(signal.SIGTERM)
    assert caught.value.number == signal.SIGTERM
    assert (stop.is_set, said) == (False, [])


@pytest.mark.parametrize(("terminal", "left"), [(True, "\x1b[?25h\n"), (False, "")])
def test_a_display_that_is_not_taken_away_gives_the_cursor_back(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, left: str
) -> None:
    class Ended(BaseException):
        """The process is gone."""

    def leave(code: int) -> None:
        raise Ended

    stderr = io.StringIO()
    monkeypatch.setattr(stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(os, "_exit", leave)
    with stopping(StopSignal(), lambda text: None, lambda: ""):
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Ended):
            signal.raise_signal(signal.SIGTERM)
    assert stderr.getvalue() == left


def test_a_signal_in_the_middle_of_something_being_said_is_told_all_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    def say(text: str) -> None:
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>")

    stop = StopSignal()
    with stopping(stop, say, lambda: ""):
        signal.raise_signal(signal.SIGTERM)
    assert stop.wait(5)
    assert capfd.readouterr().err.startswith("Stopping:")


def test_a_signal_while_the_main_thread_holds_the_lock_of_the_stop_signal_hangs_nothing() -> None:
    """The handler runs in the main thread, wherever that is: also inside the wait that the stop is to end."""
    stop = StopSignal()
    with stopping(stop, lambda text: None, lambda: ""):
        with stop._event._cond:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGTERM)
            assert not stop.is_set
        assert stop.wait(5)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put the handlers back that a test replaced."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_is_ignored_stays_ignored(handlers: None) -> None:
    """Nohup ignores SIGHUP, and a shell lets what it runs in the background ignore SIGINT."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise_on_signals()
    with stopping(StopSignal(), lambda text: None, lambda: ""):
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is not signals._end
    let_signals_end()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signals._end


def test_what_follows_on_the_work_outlasts_one_signal(handlers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        """The process is gone."""

    def leave(code: int) -> None:
        raise Ended

    monkeypatch.setattr(os, "_exit", leave)
    said, begun = list[str](), list[bool]()
    outlast_signals(said.append, lambda: "No report.", has_begun=lambda: bool(begun), announcement="It has ended.")
    with pytest.raises(SignalReceived):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signals._end, "a second one ends the process"
    begun.append(True)
    outlast_signals(said.append, lambda: "No report.", has_begun=lambda: bool(begun), announcement="It has ended.")
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Ended):
        signal.raise_signal(signal.SIGTERM)
    assert said == ["It has ended.", "Ended at once. No report."]


SWALLOWING = """
import os, signal, sys, time, weakref
from omnictl.cli.signals import SignalReceived, raise_on_signals
raise_on_signals()

class Thing: ...

thing = Thing()
reference = weakref.ref(thing, lambda _: (os.kill(os.getpid(), signal.SIGINT), time.sleep(0.2)))
try:
    del thing
    time.sleep(30)
except SignalReceived as received:
    sys.exit(128 + received.number)
"""


def test_a_signal_that_comes_in_a_callback_is_not_swallowed() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWING], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_any_other_trouble_of_a_callback_is_told_as_ever() -> None:
    script = SWALLOWING.replace("os.kill(os.getpid(), signal.SIGINT)", "1 / 0").replace("time.sleep(30)", "pass")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr
