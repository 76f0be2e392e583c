"""Command lines that people copy: a word that hides or steers is shown, and pasted it still means the same."""

import shlex
from collections.abc import Iterable

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


def _escape(character: str) -> str:
    """Return the bytes of a character in octal: three digits, so that nothing after them is taken for more of them."""
    is_byte = "\udc80" <= character <= "\udcff"  # of a name that is no UTF-8
    spelled = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in spelled)
