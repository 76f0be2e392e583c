"""Where things are said: results to stdout, everything said to people to stderr, as text or as JSON events."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

from omnictl.cli.globals import GlobalOptions, is_on
from omnictl.cli.signals import let_result_stand
from omnictl.errors import OutputError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.render.style import Style, sanitize_lines

if TYPE_CHECKING:
    from omnictl.model.outcome import Event
    from omnictl.model.scenario import Json

_WIDTH_WITHOUT_TERMINAL = 100
_MOST_TOLD = 120
"""How many diagnostics are said at once; more would push what matters out of sight."""
_RUNNERS = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
_WORKFLOW_COMMAND = re.compile(r"(?:(?<=[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])|\A)(\s*)::|##(?=\w*\[)")
"""Where some runner may see a command: whatever ends a line for anybody ends one here."""


def _spell_out(found: re.Match[str]) -> str:
    """Write the first sign of a workflow command as an escape."""
    return r"\x23#" if found[1] is None else rf"{found[1]}\x3a:"


class Output(Struct, frozen=True):
    """The two streams of a run, and how they are written.

    ``is_live`` where stderr can be redrawn in place, ``obeys_lines`` where a runner of a pipeline
    takes some lines for its commands.
    """

    out_style: Style
    err_style: Style
    quiet: bool = False
    verbose: int = 0
    json_log: bool = False
    is_live: bool = False
    obeys_lines: bool = False

    def result(self, text: str) -> None:
        """Write a result to stdout. Raises OutputError where that is not possible."""
        _deliver(self._make_harmless(text))

    def document(self, document: "Mapping[str, Json] | str") -> None:
        """Write the one document of a run, for programs, to stdout: a JSON object, or text that is rendered already.

        Raises OutputError where that is not possible.
        """
        from omnictl.codec.shapes import write_json  # late: --help has none

        let_result_stand()
        _deliver(document if isinstance(document, str) else write_json(document))

    def say(self, text: str) -> None:
        """Say something to people; never silenced."""
        if self.json_log:
            self._event({"event": "message", "text": text})
        else:
            _tell(self._make_harmless(text))

    def hint(self, text: str) -> None:
        """Say something helpful; silenced by --quiet."""
        if not self.quiet:
            self.say(text)

    def diagnostics(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Say diagnostics; no credential is said with them, wherever it stands."""
        if not diagnostics:
            return
        from omnictl.cli.hiding import hide_in  # late: most runs have nothing to say

        diagnostics = hide_in(diagnostics)
        if self.json_log:
            from omnictl.codec.diagnostics import encode_diagnostic

            for each in self.complete(diagnostics):
                self._event({"event": "diagnostic", **encode_diagnostic(each)})
        else:
            from omnictl.render.diagnostics import render_diagnostics, select_most_severe  # late: most runs have none

            told, left = select_most_severe(diagnostics, _MOST_TOLD)
            _tell(self._make_harmless(render_diagnostics(told, self.err_style)))
            if left:
                _tell(f"{left}: --format json and --report have all of them.\n")

    def complete(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return diagnostics for programs, whose commands work where this run works; text has them so by its style."""
        from dataclasses import replace

        return tuple(replace(each, commands=tuple(map(self.err_style.complete, each.commands))) for each in diagnostics)

    def event(self, event: "Event", at: datetime) -> None:
        """Write an event as a JSON line."""
        from omnictl.codec.report import encode_event  # late: it knows every event

        self._event(encode_event(event, at))

    def alive(self, text: str, at: datetime) -> None:
        """Break a silence: say what is going on."""
        if self.json_log:
            self._event({"event": "alive", "doing": text})
        else:
            _tell(self._make_harmless(f"{at:%H:%M:%S}Z alive    {text}"))

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits in front of it."""
        return is_terminal(sys.stdin) and is_terminal(sys.stderr)

    def _make_harmless(self, text: str) -> str:
        """Return text for people that steers no terminal and that no runner takes for its commands."""
        shown = sanitize_lines(text)
        return _WORKFLOW_COMMAND.sub(_spell_out, shown) if self.obeys_lines else shown

    def _event(self, fields: "Mapping[str, Json]") -> None:
        stamped = {"at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), **fields}
        from omnictl.codec.shapes import write_json

        _tell(write_json(stamped, indent=None))


def make_output(options: GlobalOptions, environ: Mapping[str, str]) -> Output:
    """Decide colours, width and signs for both streams."""
    return Output(
        out_style=_style(sys.stdout, options, environ),
        err_style=_style(sys.stderr, options, environ),
        quiet=options.quiet or is_on(environ, "OMNICTL_QUIET"),
        verbose=options.verbose or int(is_on(environ, "OMNICTL_VERBOSE")),
        json_log=(options.log_format or environ.get("OMNICTL_LOG_FORMAT")) == "json",
        obeys_lines=any(environ.get(name) for name in _RUNNERS),
        is_live=is_terminal(sys.stderr) and environ.get("TERM") != "dumb",
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream is a terminal; a closed one is not."""
    try:
        return bool(stream is not None and stream.isatty())
    except ValueError:
        return False


def _style(stream: TextIO | None, options: GlobalOptions, environ: Mapping[str, str]) -> Style:
    terminal = is_terminal(stream)
    choice = options.color or environ.get("OMNICTL_COLOR") or "auto"
    colour = choice == "always" or (choice == "auto" and _wants_colour(terminal, environ))
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    columns = shutil.get_terminal_size((_WIDTH_WITHOUT_TERMINAL, 24)).columns
    width = columns if terminal or environ.get("COLUMNS") else _WIDTH_WITHOUT_TERMINAL
    unicode = encoding.startswith("utf")
    return Style(colour=colour, unicode=unicode, width=max(40, width), cuts=terminal, here=options.here)


def _wants_colour(terminal: bool, environ: Mapping[str, str]) -> bool:
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return terminal and environ.get("TERM") != "dumb"


def _deliver(text: str) -> None:
    """Write to stdout. A reader that went away is a BrokenPipeError; a full disk and its like are an OutputError."""
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        silence(sys.stdout)
        raise OutputError(unwritable_stdout(error.strerror or str(error))) from None


def _tell(text: str) -> None:
    """Write to stderr. That nobody can listen any more is no reason to stop a run half-way."""
    try:
        _write(sys.stderr, text)
    except OSError:
        silence(sys.stderr)


def _write(stream: TextIO | None, text: str) -> None:
    """Write text and a line end; what the stream cannot encode is escaped, not lost."""
    if stream is None or not text:
        return
    ending = "" if text.endswith("\n") else "\n"
    encoded = (text + ending).encode(stream.encoding or "utf-8", "backslashreplace")
    stream.flush()
    left = memoryview(encoded)
    while left:  # an unbuffered stream may take a part only, when the reader goes away
        left = left[stream.buffer.write(left) :]
    stream.flush()


def silence(stream: TextIO | None) -> None:
    """Point a stream that failed at nothing, so that the interpreter does not fail when it flushes it."""
    if stream is None:
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def unwritable_stdout(why: str) -> Diagnostic:
    """Return why stdout cannot be written."""
    return Diagnostic(
        "cannot-write-output",
        Severity.ERROR,
        "The output cannot be written",
        f"stdout: {why}. What was shown is not complete.",
        hint="check the disk and what stdout is redirected to",
    )


CODES = {
    "cannot-write-output": "Stdout cannot be written: its disk is full, or its device failed. What an apply did is "
    "remembered in the state all the same, and it then ends with 4.",
}
