"""Every field of every document: a wrong one is named by its path, a missing one too or it is read as nothing."""

import copy
import json
import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from omnictl.codec import plan as plan_codec
from omnictl.codec.envelope import Answer, decode_envelope, make_envelope
from omnictl.codec.plan import decode_plan, encode_plan
from omnictl.codec.report import decode_report, encode_report
from omnictl.codec.state import decode_state, encode_state
from omnictl.errors import OmnictlError
from omnictl.model.change import Change
from tests.unit.codec.schemas import mistakes
from tests.unit.codec.whole import PLAN, REPORT, STATE

Path = tuple[Any, ...]


class Kind(NamedTuple):
    """A document with everything in it, how it is written and read, and what of it nobody reads."""

    value: Any
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]
    unread: tuple[str, ...]


def _decode_signed(document: Any) -> Any:
    """Read a plan as if it had always been so: its digest is made anew."""
    return decode_plan({**document, "digest": plan_codec._digest(document)}, path="x")


def _kind_of_plan(change: Change) -> Kind:
    return Kind(
        replace(PLAN, changes=(change,)),
        lambda plan: json.loads(json.dumps(encode_plan(plan))),
        _decode_signed,
        ("digest", "exit_code", "summary.unmanaged", "summary.changes", "risk.safe", "items[0].stays_on_account"),
    )


KINDS = {
    "state": Kind(
        STATE,
        lambda state: json.loads(encode_state(state)),
        lambda document: decode_state(json.dumps(document), path="x"),
        (),
    ),
    "plan": _kind_of_plan(PLAN.changes[0]),
    **{f"plan to {type(each).__name__.lower()}": _kind_of_plan(each) for each in PLAN.changes[1:]},
    "report": Kind(
        REPORT,
        lambda report: json.loads(json.dumps(encode_report(report, version="1.0.0", exit_code=4))),
        lambda document: decode_report(document, path="x"),
        ("summary", "summary.done", "summary.failed", "summary.unknown", "summary.not_tried"),
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


def places_of(kind: Kind, document: Any) -> list[Path]:
    """Every place that is not looked at with another plan."""
    found = list(places(document))
    return (
        found if kind.value in (STATE, REPORT, KINDS["plan"].value) else [each for each in found if each[0] == "items"]
    )


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a document; of the steps of a flow the first."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for i, each in enumerate(value[:1] if path[-1] == "flow" else value):
            yield from places(each, (*path, i))


def name_of(path: Path) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).removeprefix(".")


def changed(document: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    """Return the document with a change at a place; what lies beside its path is shared."""
    parent = whole = copy.copy(document)
    for key in path[:-1]:
        parent[key] = copy.copy(parent[key])
        parent = parent[key]
    change(parent, path[-1])
    return whole


def make_wrong(parent: Any, key: Any) -> None:
    parent[key] = 1.5 if isinstance(parent[key], str) else "wrong"


def said(decode: Callable[[Any], Any], document: Any) -> str | None:
    try:
        decode(document)
    except OmnictlError as error:
        return error.diagnostics[0].detail
    return None


def value_at(document: Any, path: Path) -> Any:
    """Return what stands at a place, or None."""
    for key in path:
        try:
            document = document[key]
        except (KeyError, IndexError):
            return None
    return document


@each_kind
def test_a_whole_document_is_read_as_it_was_and_fits_its_schema(kind: Kind) -> None:
    document = kind.encode(kind.value)
    assert kind.decode(document) == kind.value
    assert mistakes(document) == []
    assert [name_of(each) for each in places(document) if value_at(document, each) in (None, "", [], {})] == []


@each_kind
def test_a_wrong_field_is_named_by_its_path(kind: Kind) -> None:
    document = kind.encode(kind.value)
    for path in places_of(kind, document):
        if (name := name_of(path)) not in kind.unread:
            assert (said(kind.decode, changed(document, path, make_wrong)) or "").startswith(f"{name}: "), name


@each_kind
def test_a_missing_field_is_named_by_its_path_or_read_as_nothing(kind: Kind) -> None:
    document = kind.encode(kind.value)
    for path in places_of(kind, document):
        name = name_of(path)
        if isinstance(path[-1], int) or name in (*kind.unread, "kind"):
            continue
        left = changed(document, path, operator.delitem)
        detail = said(kind.decode, left)
        if detail is None:
            assert value_at(kind.encode(kind.decode(left)), path) in (None, [], False), name
        else:
            assert detail.startswith(f"{name}: "), name


# --- what has the right shape and says what cannot be ---------------------------------------------------------------

LONG = "A " * 60


@pytest.mark.parametrize(
    ("kind", "path", "value", "said_of_it"),
    [
        ("plan", ("items", 0, "id"), LONG, f"items[0].id: {LONG[:80]!a} is no id."),
        ("plan", ("items", 0, "action"), "destroy", "items[0].action: 'destroy' is not known here."),
        (
            "plan to update",
            ("items", 0, "fields", 0, "field"),
            "colour",
            "items[0].fields[0].field: is not known here.",
        ),
        (
            "plan to update",
            ("items", 0, "fields", 1, "edits", 0, "edit"),
            "turned",
            "items[0].fields[1].edits[0].edit: is not known here.",
        ),
        ("plan to setdefault", ("items", 0, "previous_id"), "A b", "items[0].previous_id: 'A b' is no id."),
        ("plan", ("twins",), {"A b": []}, "twins: 'A b' is no id."),
        ("plan", ("default", "before"), "A b", "default.before: 'A b' is no id."),
        ("plan", ("default", "after"), "A b", "default.after: 'A b' is no id."),
        ("plan", ("settled", 0, "id"), "A b", "settled[0].id: 'A b' is no id."),
        ("report", ("items", 0, "fate"), "eaten", "items[0].fate: 'eaten' is not known here."),
    ],
)
def test_what_cannot_be_is_named_by_its_path(kind: str, path: Path, value: Any, said_of_it: str) -> None:
    document = KINDS[kind].encode(KINDS[kind].value)
    put = changed(document, path, lambda parent, key: operator.setitem(parent, key, value))
    assert said(KINDS[kind].decode, put) == said_of_it


def test_the_top_of_a_document_is_read_by_itself() -> None:
    assert decode_envelope(encode_report(REPORT, version="1.2.3", exit_code=4), path="x") == Answer(
        "apply", "1.2.3", "production", sandbox=True, exit_code=4, diagnostics=REPORT.diagnostics
    )
    nowhere = make_envelope(
        "doctor", version="1", environment=None, sandbox=False, exit_code=0, diagnostics=(), checks=[]
    )
    assert decode_envelope(nowhere, path="x") == Answer("doctor", "1", None, sandbox=False, exit_code=0, diagnostics=())
