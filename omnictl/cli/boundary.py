"""The one error boundary: expected, interrupted, bug. Everything that ends a run becomes an exit code here."""

import os
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from omnictl import __version__
from omnictl.cli.exit_codes import ExitCode, code_of
from omnictl.cli.globals import GlobalOptions, remember_arguments
from omnictl.cli.output import make_output, silence_stdout
from omnictl.cli.signals import SignalReceived, raise_on_signals
from omnictl.codec.report import make_envelope
from omnictl.errors import OmnictlError, RefusedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Json


def run(command: click.Group, argv: Sequence[str]) -> int:
    """Run a command line and return its exit code; whatever happens is said on stderr."""
    raise_on_signals()
    try:
        code = _invoke(command, argv)
        _flush()
    except BrokenPipeError:
        silence_stdout()
        return ExitCode.BROKEN_PIPE
    except (SignalReceived, KeyboardInterrupt) as ended:
        number = ended.number if isinstance(ended, SignalReceived) else 2
        return 128 + number
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
        return ExitCode.INTERRUPTED
    except OmnictlError as error:
        return _tell(error, argv)
    except (BrokenPipeError, SignalReceived, KeyboardInterrupt):
        raise
    except Exception as bug:  # noqa: BLE001 - the last resort of the program
        return _tell_bug(bug)


def _tell(error: OmnictlError, argv: Sequence[str]) -> int:
    """Say an expected error: diagnostics on stderr and, where JSON was asked for, one document on stdout."""
    code = code_of(error)
    output = make_output(_glance(argv), os.environ)
    output.diagnostics(error.diagnostics)
    if _wants_json(argv):
        fields: dict[str, Json] = {}
        if isinstance(error, RefusedError):
            fields["refusal"] = {"kind": error.kind.value}
        _answer(argv, code, error.diagnostics, fields)
    return code


def _tell_usage(wrong: click.ClickException, argv: Sequence[str]) -> int:
    """Say wrong usage; Click words it, and its own exit code is not ours."""
    wrong.show()
    if _wants_json(argv):
        diagnostic = Diagnostic("usage", Severity.ERROR, "The command line makes no sense", wrong.format_message())
        _answer(argv, ExitCode.USAGE, (diagnostic,), {})
    return ExitCode.USAGE


def _answer(argv: Sequence[str], code: ExitCode, diagnostics: Sequence[Diagnostic], fields: Mapping[str, Json]) -> None:
    """Write the one JSON document of a run that failed."""
    document = make_envelope(
        "error",
        version=__version__,
        environment=None,
        sandbox="--sandbox" in argv,
        exit_code=code,
        diagnostics=diagnostics,
        **fields,
    )
    make_output(_glance(argv), os.environ).document(document)


def _glance(argv: Sequence[str]) -> GlobalOptions:
    """Read the few options that decide how an error is said, even where the rest could not be parsed."""
    options = GlobalOptions(quiet="-q" in argv or "--quiet" in argv)
    for option, following in zip(argv, [*argv[1:], ""], strict=True):
        name, _, value = option.partition("=")
        if name == "--color":
            options.color = value or following
        if name == "--log-format":
            options.log_format = value or following
    return options


def _wants_json(argv: Sequence[str]) -> bool:
    pairs = zip(argv, [*argv[1:], ""], strict=True)
    return any(one == "--format=json" or (one == "--format" and two == "json") for one, two in pairs)


def _tell_bug(bug: Exception) -> int:
    """Write the traceback to a file and ask for a report. Values of variables are not in it."""
    text = "".join(traceback.format_exception(bug))
    handle, name = tempfile.mkstemp(prefix="omnictl-bug-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"omnictl {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n{text}")
    diagnostic = Diagnostic(
        "bug",
        Severity.ERROR,
        "This is a bug in omnictl",
        f"{type(bug).__name__} in {_place(bug)}. What an apply did before is remembered in the state.",
        hint=f"please report it with the log {Path(name)}",
    )
    make_output(GlobalOptions(), os.environ).diagnostics([diagnostic])
    return ExitCode.BUG


def _place(bug: Exception) -> str:
    frames = traceback.extract_tb(bug.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


CODES = {
    "usage": "The command line has an unknown command or option, or lacks something. Nothing ran.",
    "bug": "omnictl itself failed. The log holds the place and no values of yours; please report it.",
}
