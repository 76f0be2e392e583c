"""Command lines that people copy: a word that hides or steers is shown, and pasted it still means the same."""

import shlex
from collections.abc import Iterable, Sequence

from omnictl.model.hidden import find_hidden


def quote_word(word: str) -> str:
    """Return a word as a shell reads it; with escapes ($'…': bash, zsh, POSIX 2024) where it has what nobody sees."""
    hidden = frozenset(find_hidden(word))
    if not hidden:
        return shlex.quote(word)
    return "$'" + "".join(_escape(each) if i in hidden or each in "'\\" else each for i, each in enumerate(word)) + "'"


def join_words(words: Iterable[str]) -> str:
    """Return a command line of words."""
    return " ".join(map(quote_word, words))


Options = tuple[tuple[str, str], ...]
"""Options with their values, which are empty for flags, in the order in which they are written."""

_SHORT = {"--env": "-e", "-C": "--chdir"}
_ANYWHERE = frozenset({"explain", "completion", "schema"})
"""What means the same in every project, environment and state."""


def complete_command(command: str, here: Options) -> str:
    """Return a command of omnictl with what a run was told of where it works, as far as the command is silent there.

    A command that names another environment than the run keeps nothing of this one but the folder. A line that is no
    command of omnictl is as it was.
    """
    words = command.split()
    if len(words) < 2 or words[0] != "omnictl" or words[1] in _ANYWHERE:
        return command
    chosen = dict(here).get("--env")
    is_elsewhere = chosen is not None and _has("--env", words) and quote_word(chosen) not in words
    left = [
        (name, value)
        for name, value in here
        if (not _has(name, words) or (name == "--var" and quote_word(value) not in command))
        and (name == "-C" or not is_elsewhere)
        and not (name == "--sandbox" and words[1] == "sandbox")
    ]
    return " ".join([command, *(quote_word(part) for each in left for part in each if part)])


def _has(name: str, words: Sequence[str]) -> bool:
    """Tell whether a command says an option, however it is spelled."""
    return any(each == name or each == _SHORT.get(name) or each.startswith(f"{name}=") for each in words)


def _escape(character: str) -> str:
    """Return the bytes of a character in octal: three digits, so that nothing after them is taken for more of them."""
    is_byte = "\udc80" <= character <= "\udcff"  # of a name that is no UTF-8
    spelled = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in spelled)
