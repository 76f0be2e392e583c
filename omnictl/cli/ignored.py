"""Which scenarios of the account the project lets be, for drift, import and plan alike."""

from dataclasses import replace

from omnictl.cli.context import Session
from omnictl.config.ignoring import read_ignore_file
from omnictl.errors import ConfigurationError
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.drift import IgnoreLine


def read_ignored(session: Session) -> tuple[IgnoreLine, ...]:
    """Return the lines of .omnictlignore; mistakes in it raise."""
    lines, diagnostics = read_ignore_file(session.settings.root)
    if has_errors(diagnostics):
        raise ConfigurationError.of(diagnostics)
    return lines


def read_if_whole(session: Session) -> tuple[tuple[IgnoreLine, ...], tuple[Diagnostic, ...]]:
    """Return the lines of .omnictlignore, for a plan, which no mistake in it stops: with one it lets nothing be.

    The mistakes are warnings there.
    """
    lines, diagnostics = read_ignore_file(session.settings.root)
    if not has_errors(diagnostics):
        return lines, ()
    return (), tuple(replace(each, severity=Severity.WARNING) for each in diagnostics)
