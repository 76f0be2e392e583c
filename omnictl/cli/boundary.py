"""The one error boundary: expected, interrupted, bug. Everything that ends a run becomes an exit code here.

What only a failure needs is imported when there is one: --help must not pay for it.
"""

import errno
import gc
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, NoReturn

import click

from omnictl import __version__
from omnictl.cli.exit_codes import SIGNALS, ExitCode, code_of
from omnictl.cli.globals import GlobalOptions, is_on, remember_arguments
from omnictl.cli.signals import SignalReceived, let_signals_end, raise_on_signals
from omnictl.errors import OmnictlError, OutputError, RefusedError
from omnictl.model.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from omnictl.cli.output import Output
    from omnictl.model.scenario import Json


def run(command: click.Group, argv: Sequence[str]) -> int:
    """Run a command line and return its exit code; whatever happens is said on stderr."""
    raise_on_signals()
    try:
        code = _invoke(command, argv)
        let_signals_end()
        _flush()
    except BrokenPipeError:
        from omnictl.cli.output import silence

        silence(sys.stdout)
        return ExitCode.BROKEN_PIPE
    except (SignalReceived, KeyboardInterrupt) as ended:
        let_signals_end()  # a second one has nothing to wait for
        return _tell_signal(ended.number if isinstance(ended, SignalReceived) else signal.SIGINT, argv)
    return code


def leave(code: int) -> NoReturn:
    """End the process. After a signal at once: a thread that still waits for an answer must not hold it."""
    if code in SIGNALS:
        with suppress(OSError, ValueError):
            _flush()
        os._exit(code)
    if any(not each.daemon and each is not threading.main_thread() for each in threading.enumerate()):
        _flush()  # a thread still waits for an answer that nobody will hear
        os._exit(code)
    gc.freeze()  # all of it dies now: a last look for cycles takes longer than the end itself
    sys.exit(code)


def _tell_signal(number: int, argv: Sequence[str]) -> int:
    """Say that a signal ended the run where nothing had begun; where JSON was asked for, in one document."""
    code = ExitCode(128 + number)
    name = signal.Signals(number).name
    diagnostic = Diagnostic("interrupted", Severity.ERROR, "Ended by a signal", f"{name} came; nothing was sent.")
    _output(argv).diagnostics([diagnostic])
    if _wants_json(argv):
        _answer(argv, code, [diagnostic], {})
    return code


def _invoke(command: click.Group, argv: Sequence[str]) -> int:
    ctx: click.Context | None = None
    try:
        ctx = command.make_context("omnictl", list(argv))
        remember_arguments(ctx, argv)
        with ctx:
            result = command.invoke(ctx)
            return int(result) if isinstance(result, int) else ExitCode.OK
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as wrong:
        return _tell_usage(wrong, argv)
    except click.Abort:
        return _tell_signal(signal.SIGINT, argv)
    except OmnictlError as error:
        return _tell(error, argv)
    except (BrokenPipeError, SignalReceived, KeyboardInterrupt):
        raise
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _tell_bug(error, argv)
        return _tell_no_room(error, argv)
    except Exception as bug:  # noqa: BLE001 - the last resort of the program
        return _tell_bug(bug, argv)


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What Click meets where it writes help itself; every write of ours has its own error."""


def _tell_no_room(error: OSError, argv: Sequence[str]) -> int:
    from omnictl.cli.output import silence, unwritable_stdout

    silence(sys.stdout)
    _output(argv).diagnostics([unwritable_stdout(error.strerror or str(error))])
    return ExitCode.FAILED


def _tell(error: OmnictlError, argv: Sequence[str]) -> int:
    """Say an expected error: diagnostics on stderr and, where JSON was asked for, one document on stdout."""
    code = code_of(error)
    from omnictl.cli.hiding import hide_in

    output = _output(argv)
    output.diagnostics(error.diagnostics)
    if _wants_json(argv):
        fields: dict[str, Json] = {}
        if isinstance(error, RefusedError):
            fields["refusal"] = {"kind": error.kind.value}
        _answer(argv, code, output.complete(hide_in(error.diagnostics)), fields)
    return code


def _tell_usage(wrong: click.ClickException, argv: Sequence[str]) -> int:
    """Say wrong usage; Click words it, and its own exit code is not ours."""
    from io import StringIO

    from omnictl.cli.hiding import hide_all

    detail = hide_all(wrong.format_message())
    diagnostic = Diagnostic("usage", Severity.ERROR, "The command line makes no sense", detail)
    output = _output(argv)
    if output.json_log:
        output.diagnostics([diagnostic])
    else:
        shown = StringIO()
        wrong.show(shown)
        output.say(hide_all(_show_words(shown.getvalue(), argv)))
    if _wants_json(argv):
        _answer(argv, ExitCode.USAGE, (diagnostic,), {})
    return ExitCode.USAGE


def _show_words(text: str, argv: Sequence[str]) -> str:
    """Return what Click says with the words of the command line that it repeats on one line each."""
    from omnictl.render.style import sanitize

    for word in (part for each in argv for part in (each, each.partition("=")[2])):
        shown = sanitize(word)
        if shown != word:
            text = text.replace(word, shown)
    return text


def _answer(
    argv: Sequence[str], code: ExitCode, diagnostics: Sequence[Diagnostic], fields: "Mapping[str, Json]"
) -> None:
    """Write the one JSON document of a run that failed."""
    from omnictl.codec.envelope import make_envelope

    document = make_envelope(
        "error",
        version=__version__,
        environment=None,
        sandbox="--sandbox" in argv or is_on(os.environ, "OMNICTL_SANDBOX"),
        exit_code=code,
        diagnostics=diagnostics,
        **fields,
    )
    with suppress(OutputError):  # what ended the run was said on stderr, and it decides the code
        _output(argv).document(document)


def _output(argv: Sequence[str]) -> "Output":
    """Return the streams as far as the command line can be read."""
    from omnictl.cli.output import make_output

    return make_output(_glance(argv), os.environ)


def _glance(argv: Sequence[str]) -> GlobalOptions:
    """Read the few options that decide how an error is said, even where the rest could not be parsed."""
    options = GlobalOptions(sandbox="--sandbox" in argv, quiet="-q" in argv or "--quiet" in argv)
    for option, following in pairwise([*argv, ""]):
        name, _, value = option.partition("=")
        field = _GLANCED.get(name)
        if field == "variables":
            variable, _, text = (value or following).partition("=")
            options.variables[variable] = text
        elif field is not None:
            setattr(options, field, value or following)
    return options


_GLANCED = {
    "-C": "chdir",
    "--chdir": "chdir",
    "-e": "env",
    "--env": "env",
    "--state": "state",
    "--var": "variables",
    "--color": "color",
    "--log-format": "log_format",
}


def _wants_json(argv: Sequence[str]) -> bool:
    return any(one == "--format=json" or (one == "--format" and two == "json") for one, two in pairwise([*argv, ""]))


def _tell_bug(bug: Exception, argv: Sequence[str]) -> int:
    diagnostic = describe_bug(bug, "What an apply did before is remembered in the state.")
    _output(argv).diagnostics([diagnostic])
    if _wants_json(argv):
        _answer(argv, ExitCode.BUG, [diagnostic], {})
    return ExitCode.BUG


def describe_bug(bug: Exception, consequence: str) -> Diagnostic:
    """Write the traceback to a file and return what asks for a report.

    Neither values of variables nor credentials are in it.
    """
    from omnictl.cli.bug_log import write_bug_log

    path = write_bug_log(f"omnictl {__version__}, Python {sys.version.split()[0]}, {sys.platform}", bug)
    where = f"please report it with the log {path}" if path else "please report it; its log could not be written"
    return Diagnostic(
        "bug",
        Severity.ERROR,
        "This is a bug in omnictl",
        f"{type(bug).__name__} in {place_of(bug)}. {consequence}",
        hint=where,
    )


def place_of(bug: Exception) -> str:
    """Return the file and line that a bug is in."""
    import traceback
    from pathlib import Path

    frames = traceback.extract_tb(bug.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


CODES = {
    "interrupted": "A signal (Ctrl-C, SIGTERM, SIGHUP) ended the run before anything was sent.",
    "usage": "The command line has an unknown command or option, or lacks something. Nothing ran.",
    "bug": "omnictl itself failed. The log holds the place and what the error says, credentials hidden; look at it, "
    "and please report it.",
}
