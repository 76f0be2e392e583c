"""Which scenarios of the account the project lets be, for drift, import and plan alike."""

from omnictl.cli.context import Session
from omnictl.config.ignoring import read_ignore_file
from omnictl.errors import ConfigurationError
from omnictl.model.diagnostic import has_errors
from omnictl.model.drift import IgnoreLine


def read_ignored(session: Session) -> tuple[IgnoreLine, ...]:
    """Return the lines of .omnictlignore; mistakes in it raise."""
    lines, diagnostics = read_ignore_file(session.settings.root)
    if has_errors(diagnostics):
        raise ConfigurationError.of(diagnostics)
    return lines


def read_if_whole(session: Session) -> tuple[IgnoreLine, ...]:
    """Return the lines of .omnictlignore, for a plan, which no mistake in it stops: with one it lets nothing be."""
    lines, diagnostics = read_ignore_file(session.settings.root)
    return () if has_errors(diagnostics) else lines
