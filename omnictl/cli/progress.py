"""Progress on stderr: a live display on a terminal, a line an event without one, never silent for long."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from omnictl.cli.live_text import LiveText
from omnictl.cli.output import Output
from omnictl.cli.system import utc_now
from omnictl.model.diagnostic import Severity
from omnictl.model.outcome import (
    ApplyStarted,
    ApplyStopped,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    MessagesSent,
    Notice,
    ReadingAccount,
    RequestEnded,
    SendingStarted,
    Waiting,
)
from omnictl.render.events import Standing, describe_work, render_event
from omnictl.render.live import LiveView, render_live
from omnictl.render.style import Style
from omnictl.threads import leaving_signals

TOLD_AGAIN = timedelta(seconds=25)
"""A wait is told again after so long: a pipeline must not take silence for death."""

LONGEST_SILENCE = timedelta(seconds=45)
"""Whatever goes on, something is said after so long; a person at a terminal hears it sooner."""

LONGEST_SILENCE_AT_A_TERMINAL = timedelta(seconds=10)


class Progress:
    """Tells events to people as they happen. Thread-safe, since providers tell from their own threads."""

    def __init__(
        self, output: Output, *, now: Callable[[], datetime] = utc_now, look_every_seconds: float = 5.0
    ) -> None:
        self._output = output
        self._now = now
        self._look_every_seconds = look_every_seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._live: _LiveDisplay | None = None
        self._say_above: Callable[[str], None] | None = None
        self._standing = Standing()
        self._last: Event | None = None
        self._waited_at: datetime | None = None
        self._said_at = now()

    def __enter__(self) -> Self:
        if not self._output.quiet:
            with leaving_signals():
                threading.Thread(target=self._break_silences, name="progress", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def has_begun(self) -> bool:
        """Tell whether the first write is about to leave, or has left."""
        return self._standing.total > 0

    def observe(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, RequestEnded) and not self._output.verbose:
            return
        with self._lock:
            self._follow(event)
            if self._output.json_log:
                self._said_at = self._now()
                self._output.event(event, self._said_at)
            elif _must_be_said(event):
                self._say(event)
            elif not self._output.quiet:
                self._show(event) if self._output.is_live else self._say_line(event)

    def say(self, text: str) -> None:
        """Say something to people; above the live display where there is one. Takes no lock: signals say too."""
        if self._live is not None:
            self._live.print(text)
        elif self._say_above is not None:
            self._say_above(text)
        else:
            self._output.say(text)

    def give_way(self, say_above: Callable[[str], None] | None) -> None:
        """Let what is said stand above somebody else's display, which breaks silences itself; None: there is none."""
        self._say_above = say_above

    def break_silence(self) -> None:
        """Say what is going on, if nothing was said for long."""
        longest = LONGEST_SILENCE_AT_A_TERMINAL if self._output.is_live else LONGEST_SILENCE
        with self._lock:
            now = self._now()
            silent = abs(now - self._said_at)  # a clock that is set back by hours must not silence us for hours
            has_display = self._live is not None or self._say_above is not None
            if not has_display and silent >= longest and not self._ended.is_set():
                self._said_at = now
                self._output.alive(describe_work(self._last, self._standing), now)

    def _break_silences(self) -> None:
        while not self._ended.wait(self._look_every_seconds):
            self.break_silence()

    def _follow(self, event: Event) -> None:
        """Keep how far the run is, and what it does."""
        self._last = self._last if isinstance(event, RequestEnded) else event
        if isinstance(event, ApplyStarted):
            self._standing = Standing(0, event.total, event.ends_at)
        elif isinstance(event, SendingStarted):
            self._standing = Standing(event.sent_before, event.total)
        elif isinstance(event, MessagesSent):
            self._standing = replace(self._standing, ended=event.accepted + event.refused + event.unknown)
        elif isinstance(event, ChangeEnded):
            self._standing = replace(self._standing, ended=event.position, waits_on=False)
            self._waited_at = None

    def _say(self, event: Event) -> None:
        self._said_at = self._now()
        self.say(render_event(event, self._said_at, self._standing))

    def _say_line(self, event: Event) -> None:
        """One line an event; a reading is told only where it takes long, a wait again and again."""
        if isinstance(event, ReadingAccount):
            return
        if isinstance(event, Waiting):
            if self._waited_at and abs(self._now() - self._waited_at) < TOLD_AGAIN:
                return
            self._waited_at = self._now()
        self._say(event)
        self._standing = replace(self._standing, waits_on=isinstance(event, Waiting) or self._standing.waits_on)

    def _show(self, event: Event) -> None:
        """On a terminal the display says it all, but for what went wrong, which stays above it."""
        if isinstance(event, ApplyStarted):
            self._live = _LiveDisplay(event, self._output, self._now)
            if event.left_at_stop:
                self._say(event)
        if self._live is None:
            self._say_line(event)
            return
        self._live.follow(event)
        if _stays_above(event):
            self._say(event)
        elif isinstance(event, ApplyStopped):
            self._live.stop()
            self._live = None
            self._say(event)


def _stays_above(event: Event) -> bool:
    """What went wrong, and what was asked for, stays on the screen above the display."""
    if isinstance(event, ChangeEnded):
        return event.outcome.fate is not Fate.DONE
    return isinstance(event, Notice | RequestEnded)


def _must_be_said(event: Event) -> bool:
    """A new key and a warning are said whatever --quiet says; a log with the keys can rebuild a lost state."""
    if isinstance(event, Notice):
        return event.diagnostic.severity is not Severity.NOTE
    return isinstance(event, KeyReceived)


class _LiveDisplay:
    """The display of an apply, redrawn in place."""

    def __init__(self, started: ApplyStarted, output: Output, now: Callable[[], datetime]) -> None:
        self._view = LiveView(started)
        self._now = now
        self._text = LiveText(output, self._draw)

    def follow(self, event: Event) -> None:
        """Take an event into the display."""
        self._view.follow(event)

    def print(self, text: str) -> None:
        """Write lines above the display."""
        self._text.print(text)

    def stop(self) -> None:
        """Take the display away."""
        self._text.stop()

    def _draw(self, style: Style, height: int) -> str:
        return render_live(self._view, style, now=self._now(), zone=None, height=height)
