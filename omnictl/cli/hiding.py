"""What nothing that is said of a failure may hold: credentials, wherever they come from. Loaded when there is one."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from omnictl.config.documents import LONGEST_EXCERPT, mask_api_keys
from omnictl.model.diagnostic import Diagnostic, Source
from omnictl.transport.credentials import hide_credentials, hide_spelled, spell

_SECRET_NAME = re.compile(r"KEY|TOKEN|PASS|SECRET|CREDENTIAL|PROXY|AUTH", re.IGNORECASE)
_LEAST_CHARACTERS = 8
_LEAST_CUT_CHARACTERS = 4
_REMEMBERED: set[str] = set()


def remember_secret(secret: str) -> None:
    """Hide a secret of this process from now on, whatever the name of its variable."""
    _REMEMBERED.add(secret)


def hide_all(text: str) -> str:
    """Return a text without credentials: those in use, those of the environment, and what has the form of a key."""
    return mask_api_keys(_hide_known(text, spell(_secrets(os.environ))))


def hide_in(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics without credentials: one may stand where it does not belong, as on the command line.

    In the commands to copy only those that are known are hidden: a key to copy may be no credential.
    """
    spellings = spell(_secrets(os.environ))

    def known(text: str) -> str:
        return _hide_known(text, spellings)

    def every(text: str) -> str:
        return mask_api_keys(known(text))

    return tuple(
        replace(
            each,
            detail=every(each.detail),
            hint=every(each.hint),
            label=every(each.label),
            commands=tuple(map(known, each.commands)),
            source=each.source and _hide_in_source(each.source, every, spellings),
        )
        for each in diagnostics
    )


def _hide_in_source(source: Source, every: Callable[[str], str], spellings: Sequence[str]) -> Source:
    lines = ((number, _cover(hide_credentials(text, _cover), spellings)) for number, text in source.excerpt)
    return replace(source, path=every(source.path), excerpt=tuple(lines))


def _cover(text: str, spellings: Iterable[str]) -> str:
    """Return a line with stars for what is hidden, as long as before: marks stand under it. Half a secret is one."""
    for each in spellings:
        text = text.replace(each, "*" * len(each))
        if len(text) >= LONGEST_EXCERPT:
            sizes = range(len(each) - 1, _LEAST_CUT_CHARACTERS - 1, -1)
            half = next((size for size in sizes if text.endswith(each[:size])), 0)
            text = text[: len(text) - half] + "*" * half
    return text


def _hide_known(text: str, spellings: Sequence[str]) -> str:
    return hide_spelled(hide_credentials(text), spellings)


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what may be a secret by the name of its variable: what is said may be said before it is a credential."""
    yield from _REMEMBERED
    for name, value in environ.items():
        if len(value) >= _LEAST_CHARACTERS and _SECRET_NAME.search(name) and not name.startswith("OMNICTL_"):
            yield value
