"""Canonical layout of a scenario file: key order, indentation, comments kept. It never changes what a file says."""

import io
import re
from typing import TYPE_CHECKING, Any

from omnictl.config.documents import Document
from omnictl.config.endings import ENDINGS, is_json_name
from omnictl.config.reading import parse_text
from omnictl.model.diagnostic import Diagnostic, Severity, Source

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_ORDER = (
    "id",
    "name",
    "flow",
    "default",
    "description",
    "labels",
    "only_in",
    "import",
    "previous_ids",
    "lifecycle",
    "message_file",
)
_STEP_ORDER = ("channel", "from")
_NEVER_FOLD = 2**30
_MOST_ROUNDS = 4
_MOST_CHARACTERS = 256 * 1024
_MOST_MERGES = 100
"""The library that keeps comments takes a time that grows with the square of these."""
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)


def format_text(text: str, shown: str) -> tuple[str, tuple[Diagnostic, ...]]:
    """Return the text in canonical layout; unchanged, with the reason, where it cannot be read or would change.

    JSON files are read and left as they are. Line ends stay what they are in the first line.
    """
    if not shown.lower().endswith(ENDINGS):
        return text, (_left_alone("It is no .yaml, .yml or .json file.", shown),)
    before = parse_text(text, shown)
    if before.diagnostics or is_json_name(shown) or not before.documents:
        return text, tuple(before.diagnostics)
    if len(text) > _MOST_CHARACTERS or text.count("<<") > _MOST_MERGES:
        detail = f"It has more than {_MOST_CHARACTERS:,} characters or {_MOST_MERGES} merge keys, which takes too long."
        return text, (_left_alone(detail, shown, "split it; one file a scenario is usual"),)
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    for is_ordered in (True, False):
        formatted = _settle(plain, shown, is_ordered=is_ordered)
        if formatted is not None and _says_the_same(plain, formatted, shown):
            return formatted.replace("\n", ending), ()
    hint = "bring it into shape by hand: keys in their order, two spaces a level"
    return text, (_left_alone("Its canonical layout would change what it says, or lose a comment.", shown, hint),)


def _left_alone(detail: str, shown: str, hint: str = "") -> Diagnostic:
    return Diagnostic("cannot-format", Severity.WARNING, "A file is left as it is", detail, Source(shown), hint=hint)


def _settle(text: str, shown: str, *, is_ordered: bool) -> str | None:
    """Return the layout that another run leaves as it is; None where there is none."""
    layout = _round_trip(text.lstrip("\n"))
    for _ in range(_MOST_ROUNDS):
        again = layout and _round_trip((_reorder(layout, shown) if is_ordered else layout).lstrip("\n"))
        if again is None or again == layout:
            return again
        layout = again
    return None


def _says_the_same(before: str, after: str, shown: str) -> bool:
    """Tell whether two texts have the same values, each written in the same way, and the same comments."""
    was, now = parse_text(before, shown), parse_text(after, shown)
    return (
        not now.diagnostics
        and [each.value for each in was.documents] == [each.value for each in now.documents]
        and sorted(_COMMENT.findall(before)) == sorted(_COMMENT.findall(after))
    )


def _reorder(text: str, shown: str) -> str:
    """Bring the keys of each document into their order by moving whole lines, with the comments right above a key."""
    lines = [f"{line}\n" for line in text.removesuffix("\n").split("\n")]
    for document in parse_text(text, shown).documents:
        starts = _key_lines(document)
        if starts and len(set(starts.values())) == len(starts):
            _reorder_document(lines, starts)
    return "".join(lines)


def _key_lines(document: Document) -> dict[str, int]:
    """Return the line, from 0, of each key at the top of a document; nothing where it is not in block style."""
    if not isinstance(document.value, dict):
        return {}
    found = {key: document.key_marks[key] for key in document.value if key in document.key_marks}
    return {key: mark.line - 1 for key, mark in found.items()} if all(m.column == 1 for m in found.values()) else {}


def _reorder_document(lines: list[str], starts: dict[str, int]) -> None:
    by_line = sorted(starts, key=lambda key: starts[key])
    first, end = starts[by_line[0]], _end_of(lines, starts[by_line[-1]])
    begins = [first, *(_with_comments(lines, starts[key]) for key in by_line[1:]), end]
    blocks = {key: lines[begins[i] : begins[i + 1]] for i, key in enumerate(by_line)}
    wanted = [*(key for key in _ORDER if key in blocks), *(key for key in by_line if key not in _ORDER)]
    if wanted != by_line:
        lines[first:end] = [line for key in wanted for line in blocks[key]]


def _with_comments(lines: list[str], start: int) -> int:
    """Return the first line of the comments and empty lines right above a key; the ones of an inner level are not."""
    while lines[start - 1].startswith("#") or not lines[start - 1].strip():
        start -= 1
    return start


def _end_of(lines: list[str], start: int) -> int:
    """Return the line after the last key; comments at the end of a document stay there."""
    end = start + 1
    while end < len(lines) and not lines[end].startswith(("---", "...")):
        end += 1
    while end > start + 1 and (lines[end - 1].startswith("#") or not lines[end - 1].strip()):
        end -= 1
    return end


def _round_trip(text: str) -> str | None:
    """Return the text as the library writes it; None where it cannot."""
    from ruamel.yaml.error import YAMLError

    round_trip = _make_round_trip()
    stream = io.StringIO()
    try:
        documents = list(round_trip.load_all(text))
        for each in documents:
            _keep_anchors(each)
            for step in (each.get("flow") or ()) if isinstance(each, dict) else ():
                _sort_step(step)
        round_trip.dump_all(documents, stream)
    except (YAMLError, ValueError, AttributeError, TypeError, LookupError):
        return None
    return stream.getvalue()


def _make_round_trip() -> "YAML":
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.resolver import VersionedResolver

    class Resolver(VersionedResolver):
        """Leaves every scalar the text that it is; only a merge key and nothing at all mean more."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            if kind is ScalarNode and implicit[0] and value not in ("<<", ""):
                return self.DEFAULT_SCALAR_TAG
            return super().resolve(kind, value, implicit)

    round_trip = YAML(typ="rt")
    round_trip.Resolver = Resolver
    round_trip.preserve_quotes = True
    round_trip.width = _NEVER_FOLD
    round_trip.indent(mapping=2, sequence=4, offset=2)
    return round_trip


def _keep_anchors(value: Any) -> None:
    """Keep the anchors that no alias names, which the library would drop."""
    anchor = value.yaml_anchor() if hasattr(value, "yaml_anchor") else None
    if anchor is not None:
        anchor.always_dump = True
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        _keep_anchors(each)


def _sort_step(step: Any) -> None:
    """Bring the keys of a step into their order; one with comments inside, which would part, or with merges is left."""
    from ruamel.yaml.comments import CommentedMap

    if not isinstance(step, CommentedMap) or step.ca.items or step.merge or step.yaml_anchor() is not None:
        return  # a key that is taken out and put back changes the steps that merge this one
    for key in (*_STEP_ORDER, *(key for key in step if key not in _STEP_ORDER)):
        if key in step:
            step[key] = step.pop(key)


CODES = {
    "cannot-format": "fmt reads what it wrote and compares; where the meaning would change or a comment be lost, the "
    "file is left alone.",
}
