"""Progress on stderr: a live display on a terminal, a line an event without one, never silent for long."""

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from omnictl.cli.context import utc_now
from omnictl.cli.output import Output, is_terminal
from omnictl.model.outcome import (
    ApplyStarted,
    ChangeEnded,
    Event,
    Fate,
    KeyReceived,
    Notice,
    ReadingAccount,
    RequestEnded,
    Waiting,
)
from omnictl.render.events import Standing, describe_wait, render_event

TOLD_AGAIN_SECONDS = 25.0
"""A wait is told again after so long: a pipeline must not take silence for death."""


class Progress:
    """Tells events to people as they happen. Thread-safe, since providers tell from their own threads."""

    def __init__(self, output: Output, *, now: Callable[[], datetime] = utc_now) -> None:
        self._output = output
        self._now = now
        self._lock = threading.Lock()
        self._live: _LiveDisplay | None = None
        self._standing = Standing()
        self._waited_at: datetime | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def has_begun(self) -> bool:
        """Tell whether an apply is about to send its first write, or has."""
        return self._standing.total > 0

    def observe(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, RequestEnded) and not self._output.verbose:
            return
        with self._lock:
            self._follow(event)
            if self._output.json_log:
                self._output.event(event, self._now())
            elif isinstance(event, KeyReceived):
                self._say_key(event)
            elif is_terminal(sys.stderr) and not self._output.quiet:
                self._show(event)
            elif not self._output.quiet and not isinstance(event, ReadingAccount):
                self._say_line(event)

    def _follow(self, event: Event) -> None:
        """Keep how far the run is."""
        if isinstance(event, ApplyStarted):
            self._standing = Standing(0, event.total, event.ends_at)
        elif isinstance(event, ChangeEnded):
            self._standing = replace(self._standing, ended=event.position, waits_on=False)
            self._waited_at = None

    def _say_key(self, event: KeyReceived) -> None:
        """A new key is said in full whatever --quiet says: a log can rebuild a lost state."""
        text = render_event(event, self._now())
        if self._live is not None:
            self._live.print(text)
        else:
            self._output.say(text)

    def _say_line(self, event: Event) -> None:
        """One line an event; a wait is told again before a pipeline takes silence for death."""
        now = self._now()
        if isinstance(event, Waiting):
            if self._waited_at and (now - self._waited_at).total_seconds() < TOLD_AGAIN_SECONDS:
                return
            self._waited_at = now
            self._output.say(render_event(event, now, self._standing))
            self._standing = replace(self._standing, waits_on=True)
        else:
            self._output.say(render_event(event, now, self._standing))

    def _show(self, event: Event) -> None:
        if isinstance(event, ApplyStarted):
            self._live = _LiveDisplay(event)
        if self._live is not None:
            self._live.update(event, self._now())
        elif isinstance(event, Waiting | Notice | RequestEnded):
            self._output.say(render_event(event, self._now(), self._standing))


class _LiveDisplay:
    """The display of an apply, redrawn in place."""

    def __init__(self, started: ApplyStarted) -> None:
        from rich.console import Console
        from rich.live import Live

        self._started = started
        self._counts = dict.fromkeys(Fate, 0)
        self._waiting: Waiting | None = None
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._live: Live = Live(console=self._console, refresh_per_second=4, transient=True, get_renderable=self._draw)
        self._live.start()

    def update(self, event: Event, now: datetime) -> None:
        """Take an event into the display."""
        if isinstance(event, ChangeEnded):
            self._counts[event.outcome.fate] += 1
            self._waiting = None
            if event.outcome.fate is not Fate.DONE:
                self.print(render_event(event, now))
        elif isinstance(event, Waiting):
            self._waiting = event
        elif isinstance(event, RequestEnded):
            self.print(render_event(event, now))

    def print(self, text: str) -> None:
        """Write a line above the display."""
        self._console.print(text, end="" if text.endswith("\n") else "\n")

    def stop(self) -> None:
        """Take the display away."""
        self._live.stop()

    def _draw(self) -> str:
        done = sum(self._counts.values())
        total = max(1, self._started.total)
        bar = "━" * round(40 * done / total) + "╺" + "━" * (39 - min(39, round(40 * done / total)))
        head = f"Applying plan {self._started.plan_id[:4]} to {self._started.environment}  {bar}  {done} of {total}"
        counts = f"  done {self._counts[Fate.DONE]} · failed {self._counts[Fate.FAILED]}"
        rest = f" · unknown {self._counts[Fate.UNKNOWN]} · to do {total - done}"
        end = f"  ends about {self._started.ends_at:%H:%MZ} · Ctrl-C stops safely, the same command goes on"
        return "\n".join(filter(None, (head, counts + rest, self._draw_waiting(), end)))

    def _draw_waiting(self) -> str:
        """The wait and the time that is left of it now."""
        if self._waiting is None:
            return ""
        left = max(0.0, (self._waiting.until - utc_now()).total_seconds())
        return f"  waiting {describe_wait(replace(self._waiting, seconds=left))}"
