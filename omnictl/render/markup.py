"""Small pieces of Markdown: words as they are, code spans, blocks of commands; and what fits into a comment."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from omnictl.render.style import sanitize

COMMENT_UNITS = 65_536
"""What GitHub takes as one comment, in UTF-16 units."""

_LONGEST_TEXT = 500
_HARMLESS = re.compile(r"""^[("']*(?!(?i:www\.|gh-\d))[^\W_]?[\w.,'’"“”?/…-]*[),.;:?'"]*$""")
_LIST_ITEM = re.compile(r"^(\d+[.)]|-+)$")
_OPENING = re.compile(r'^\(*"')
_CLOSING = re.compile(r'"[),.;:?]*$')
_EMPHASIS = re.compile(r"(?:^|\W)_|_(?:\W|$)")


def prose(text: str) -> str:
    """Return a sentence for Markdown; words that could be markup, a link or a mention become code spans.

    Code is the one place where neither GitHub nor GitLab look for mentions, references and links.
    """
    words = _clip(text).replace(" -> ", " → ").split()
    if words and _LIST_ITEM.match(words[0]):
        return f"{code(words[0])} {prose(' '.join(words[1:]))}".rstrip()
    groups = groupby(_quoted_together(words), key=lambda each: all(map(_is_harmless, each.split(" "))))
    return " ".join(" ".join(group) if harmless else _span(" ".join(group)) for harmless, group in groups)


def _quoted_together(words: Sequence[str]) -> Iterator[str]:
    """Yield the words, those of one quotation as one, so that no span begins or ends inside it."""
    at = 0
    while at < len(words):
        end = at + 1
        if _OPENING.match(words[at]):
            closing = (i for i in range(at, len(words)) if _CLOSING.search(words[i][i == at :]))
            end = next(closing, at) + 1
        yield " ".join(words[at:end])
        at = end


def _span(text: str) -> str:
    """Return a code span of words; brackets around them and what ends a part of the sentence stay outside."""
    before, after, inner = "", "", text
    while inner:
        if inner[-1] in ",.;?" or (inner[-1] == ":" and inner[0] != ":"):
            inner, after = inner[:-1], inner[-1] + after
        elif inner[0] == "(" and inner[-1] == ")" and _is_balanced(inner[1:-1]):
            inner, before, after = inner[1:-1], before + "(", ")" + after
        elif inner[0] == "(" and inner.count("(") > inner.count(")"):
            inner, before = inner[1:], before + "("
        elif inner[-1] == ")" and inner.count(")") > inner.count("("):
            inner, after = inner[:-1], ")" + after
        else:
            return f"{before}{code(inner)}{after}"
    return code(text)


def _is_balanced(text: str) -> bool:
    """Tell whether each bracket that closes was opened before."""
    depths = tuple(accumulate((each == "(") - (each == ")") for each in text))
    return not depths or (min(depths) >= 0 and depths[-1] == 0)


def _is_harmless(word: str) -> bool:
    return word in ("→", "=") or bool(_HARMLESS.match(word) and not _EMPHASIS.search(word) and "//" not in word)


def code(text: str) -> str:
    """Return a code span that holds the text as it is, whatever it holds."""
    text = _clip(text)
    fence = "`" * (1 + max(map(len, re.findall(r"`+", text)), default=0))
    edge = " " if text and (text[0] in " `" or text[-1] in " `") else ""
    return f"{fence}{edge}{text or ' '}{edge}{fence}"


def block(lines: Iterable[str], language: str = "") -> str:
    """Return a block of code; the fence is longer than any in the text."""
    text = "\n".join(sanitize(line) for each in lines for line in each.split("\n"))
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def alert(kind: str, text: str) -> str:
    """Return blocks as an alert of GitHub, which is a quotation elsewhere."""
    return "\n".join(f"> {line}".rstrip() for line in (f"[!{kind}]", *text.split("\n")))


def fold(summary: str, text: str) -> str:
    """Return text that opens on a click. ``summary`` is markup already."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def units(text: str) -> int:
    """Return the length as GitHub counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitting(pieces: Sequence[str], room: int) -> tuple[str, ...]:
    """Return as many pieces, from the first, as fit into so many units with a line end after each."""
    taken = []
    for each in pieces:
        room -= units(each) + 1
        if room < 0:
            break
        taken.append(each)
    return tuple(taken)


def _clip(text: str) -> str:
    """One text never takes the room of all; what is cut is said."""
    text = sanitize(text)
    cut = len(text) - _LONGEST_TEXT
    return text if cut <= 0 else f"{text[:_LONGEST_TEXT]}… ({cut} more characters)"
