"""What on the account nobody manages, and what of it the project chose to ignore."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from omnictl.engine.recover import owned_keys
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.drift import IgnoreLine, Unmanaged
from omnictl.model.scenario import Remote
from omnictl.model.state import State

Globs: TypeAlias = Sequence[tuple[str, re.Pattern[str]]]
_PARTS = re.compile(r"\\(.)|(\*+)|(\?)|([^\\*?]+)|(\\)", re.DOTALL)


def find_unmanaged(
    state: State, remotes: Mapping[str, Remote], elsewhere: Mapping[str, str], lines: Sequence[IgnoreLine]
) -> tuple[Unmanaged, ...]:
    """Return what no record, no tombstone and no other environment stands for, in the order of the keys."""
    owned = owned_keys(state)
    globs = compile_lines(lines)
    left = (remote for key, remote in remotes.items() if key not in owned and key not in elsewhere)
    found = (
        Unmanaged(each.key, each.attributes.name, is_ignored(each.key, each.attributes.name, globs)) for each in left
    )
    return tuple(sorted(found, key=lambda each: each.key))


def compile_lines(lines: Iterable[IgnoreLine]) -> Globs:
    """Return each line with its glob, for ``is_ignored``."""
    return [(each.text, compile_glob(each.text)) for each in lines]


def note_idle_lines(lines: Iterable[IgnoreLine], unmanaged: Sequence[Unmanaged]) -> tuple[Diagnostic, ...]:
    """Return a note for each line that names nothing."""
    return tuple(
        Diagnostic(
            "ignore-line-idle",
            Severity.NOTE,
            "A line of .omnictlignore names nothing",
            "The account has no unmanaged scenario with this key or with such a name.",
            each.source,
            hint="take it out, unless it is for another account",
        )
        for each in lines
        if not any(is_ignored(one.key, one.name, compile_lines((each,))) for one in unmanaged)
    )


def compile_glob(text: str) -> re.Pattern[str]:
    """Return a glob over names: ``*`` for anything, ``?`` for one character, a backslash before what is meant as it is.

    Brackets mean themselves, for names often have them. A star takes as little as it can and never gives back, so that
    no name takes long.
    """
    parts = [_part(match) for match in _PARTS.finditer(text)]
    pattern, stars = "", 0
    pieces = "".join(parts).split("\0")
    for number, piece in enumerate(pieces):
        if number == 0:
            pattern += piece
        elif number == len(pieces) - 1:
            pattern += f".*{piece}"
        else:
            pattern += f"(?=(?P<s{stars}>.*?{piece}))(?P=s{stars})"
            stars += 1
    return re.compile(pattern, re.DOTALL)


def _part(match: re.Match[str]) -> str:
    escaped, stars, one, plain, alone = match.groups()
    if stars:
        return "\0"
    if one:
        return "."
    return re.escape(escaped or plain or alone)


def is_ignored(key: str, name: str, globs: Globs) -> bool:
    """Tell whether a line names a scenario, by its key or by a glob over names."""
    return any(key == text or glob.fullmatch(name) for text, glob in globs)


CODES = {
    "ignore-line-idle": ".omnictlignore has a line that names no unmanaged scenario of this account: neither a key nor "
    "a glob over names. Told with -v alone, since the file is for all environments.",
}
