"""What is seen while messages are waited for: on a terminal their stories, redrawn; else each that has changed."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from omnictl.cli.live_text import LiveText
from omnictl.cli.output import Output
from omnictl.cli.progress import Progress
from omnictl.cli.system import utc_now
from omnictl.model.story import Story
from omnictl.render.stories import render_story
from omnictl.render.style import Style


class WaitDisplay:
    """Follows stories until they have ended; the last of them are the result, which is shown by others."""

    def __init__(self, output: Output, progress: Progress, *, unmask: bool) -> None:
        self._output = output
        self._progress = progress
        self._unmask = unmask
        self._stories: tuple[Story, ...] = ()
        self._live: LiveText | None = None

    def __enter__(self) -> Self:
        if self._output.is_live and not self._output.quiet and not self._output.json_log:
            self._live = LiveText(self._output, self._draw)
            self._progress.give_way(self._live.print)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._progress.give_way(None)
            self._live.stop()

    def tell(self, stories: Sequence[Story]) -> None:
        """Take the stories as they stand now."""
        before, self._stories = self._stories, tuple(stories)
        if self._live is None and not all(each.is_final for each in stories):
            for each in self._stories:
                if each not in before:
                    self._output.hint(self._say(each, self._output.err_style))

    def _draw(self, style: Style, height: int) -> str:
        blocks = [self._say(each, style) for each in self._stories if not each.is_final] or ["looking in the logs"]
        lines = "\n".join(blocks).splitlines()
        return "\n".join(lines if len(lines) < height else [*lines[: height - 2], style.ellipsis])

    def _say(self, story: Story, style: Style) -> str:
        return render_story(story, style, now=utc_now(), unmask=self._unmask).rstrip("\n")
