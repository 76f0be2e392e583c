"""Text on a terminal that is redrawn in place, on stderr."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from msgspec.structs import replace

from omnictl.cli.output import Output
from omnictl.render.style import Style, sanitize_lines
from omnictl.threads import leaving_signals

if TYPE_CHECKING:
    from rich.text import Text


class _Lasting:
    """A terminal that may go away: what can no longer be shown is no reason to end a run half-way."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if anybody is there."""
        with suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if anybody is there."""
        with suppress(OSError):
            self._stream.flush()


class LiveText:
    """A display that begins at once; ``draw`` returns it for a style, whose width is the terminal's, and a height."""

    def __init__(self, output: Output, draw: Callable[[Style, int], str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self._style = output.err_style
        self._draw = draw
        self._console = Console(
            file=cast("IO[str]", _Lasting(sys.stderr)),
            highlight=False,
            markup=False,
            emoji=False,
            no_color=not self._style.colour,
        )
        self._live = Live(
            console=self._console,
            refresh_per_second=4,
            transient=True,
            get_renderable=self._render,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with leaving_signals():
            self._live.start(refresh=True)

    def print(self, text: str) -> None:
        """Write lines above the display."""
        from rich.text import Text

        self._console.print(Text(sanitize_lines(text.rstrip("\n"))), soft_wrap=True)

    def stop(self) -> None:
        """Take the display away."""
        self._live.stop()

    def _render(self) -> "Text":
        from rich.text import Text

        text = self._draw(replace(self._style, width=self._console.width), self._console.height)
        return Text.from_ansi(text, no_wrap=True, overflow="crop", end="")
