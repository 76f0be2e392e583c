"""Canonical layout of a scenario file: key order, indentation, comments kept. It never changes what a file says."""

import io

from omnictl.config.yaml import parse_text, to_plain
from omnictl.model.diagnostic import Diagnostic, Severity, Source

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


def format_text(text: str, shown: str) -> tuple[str, tuple[Diagnostic, ...]]:
    """Return the text in canonical layout; unchanged, with the reason, where it cannot be read or would change."""
    before = parse_text(text, shown)
    if before.diagnostics or shown.endswith(".json"):
        return text, tuple(before.diagnostics)
    formatted = _round_trip(text)
    after = parse_text(formatted, shown)
    same = [to_plain(each.value) for each in before.documents] == [to_plain(each.value) for each in after.documents]
    if same and not after.diagnostics:
        return formatted, ()
    problem = Diagnostic(
        "cannot-format",
        Severity.WARNING,
        "A file is left as it is",
        "Its canonical layout would change what it says.",
        Source(shown),
    )
    return text, (problem,)


def _round_trip(text: str) -> str:
    from ruamel.yaml import YAML

    round_trip = YAML(typ="rt")
    round_trip.preserve_quotes = True
    round_trip.width = 4096
    round_trip.indent(mapping=2, sequence=4, offset=2)
    documents = list(round_trip.load_all(text))
    for each in documents:
        _sort(each)
    stream = io.StringIO()
    round_trip.dump_all(documents, stream)
    return stream.getvalue()


def _sort(document: object) -> None:
    """Bring the keys of a scenario into their order; comments go with them."""
    if not isinstance(document, dict):
        return
    known = [key for key in _ORDER if key in document]
    rest = [key for key in document if key not in known]
    if [*known, *rest] == list(document):
        return
    for key in [*known, *rest]:
        document[key] = document.pop(key)


CODES = {
    "cannot-format": "fmt reads what it wrote and compares; where the meaning would change, the file is left alone.",
}
