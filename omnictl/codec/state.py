"""The state as a document: sorted, one block a record, pleasant in a git diff. No secrets, no names of people."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import msgspec

from omnictl.codec.parts import (
    decode_account,
    decode_address,
    decode_record,
    encode_account,
    encode_record,
)
from omnictl.codec.quick_state import read_quickly
from omnictl.codec.shapes import (
    MOST,
    ShapeError,
    as_count,
    as_flag,
    as_list,
    as_object,
    as_optional_text,
    as_text,
    compact,
    escape_hidden,
    parse_json,
)
from omnictl.codec.state_parts import (
    decode_default,
    decode_intent,
    decode_mark,
    decode_repeat,
    decode_tombstone,
    decode_writing,
    encode_default,
    encode_intent,
    encode_mark,
    encode_repeat,
    encode_tombstone,
    encode_writing,
)
from omnictl.codec.upgrades import UPGRADES
from omnictl.errors import StateError, UnreadableStateError
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Json
from omnictl.model.state import Record, State, Tombstone

FORMAT_VERSION = 1
HIGHEST_TRUSTED = 2**52
"""Above it a serial was not reached by writing states: somebody put it in."""

Document = Mapping[str, Json]
Part = TypeVar("Part")

_SERIAL = re.compile(rb'"serial"\s*:\s*([0-9]{1,16})(?![0-9.eE])')
_VERSION = re.compile(rb'"format_version"\s*:\s*"?([0-9]{1,20})')
_dump_slowly = json.JSONEncoder(ensure_ascii=False).encode


def _dump(value: Json) -> str:
    """Return a value as JSON on one line, as the standard library spells it."""
    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    except UnicodeEncodeError:  # half a character, which no file of ours brings, but perhaps a reply
        return _dump_slowly(value)


def encode_state(state: State) -> str:
    """Return the state as JSON text with a line end: one line a field, so that a diff names what changed.

    Raises StateError for a serial that no reader takes.
    """
    if state.serial > MOST:
        raise StateError(_used_up(state.serial))
    parts = {name: _lay_out(value) for name, value in _to_document(state).items()}
    blocks = [_record_block(record) for _, record in sorted(state.records.items())]
    if blocks:
        parts["records"] = "{\n" + ",\n".join(blocks) + "\n  }"
    text = ",\n".join(f'  "{name}": {part}' for name, part in parts.items())
    return escape_hidden("{\n" + text + "\n}\n")


@lru_cache(maxsize=20_000)
def _record_block(record: Record) -> str:
    """Return the text of a record; kept, because a run writes the state often and changes little of it."""
    return f"    {_dump(id_of(record.address))}: {_block(encode_record(record))}"


def _lay_out(value: Json) -> str:
    """Return one part of the state: the elements of lists as blocks, all else on its line."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"    {_block(each)}" for each in value) + "\n  ]"
    return _dump(value)


def _block(fields: Json) -> str:
    rows = [f'      "{name}": {_dump(value)}' for name, value in fields.items()] if isinstance(fields, dict) else []
    return "{\n" + ",\n".join(rows) + "\n    }"


def state_digest(state: State) -> str:
    """Return a digest of the content, whatever the serial."""
    content = state.content
    try:
        text = msgspec.json.encode(content, order="deterministic")
    except UnicodeEncodeError:  # as in _dump
        text = encode_state(content).encode()
    return "sha256:" + hashlib.sha256(text).hexdigest()


def decode_state(text: str | bytes, *, path: str, environment: str = "") -> State:
    """Return the state. Raises StateError: UnreadableStateError where the text is none, and for one of a newer omnictl.

    ``path`` and ``environment`` are for the diagnostics: where the text comes from, and whose state it should be.
    """
    try:
        quick = read_quickly(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"), FORMAT_VERSION)
        if quick is not None:
            return _make_state(*quick)
        document = _upgrade(as_object(parse_json(text), ""), path)
        return _make_state(_decode_records(document), document)
    except ShapeError as error:
        conflict = _find_conflict(text)
        if conflict:
            raise StateError(_conflicted(path, environment, conflict)) from None
        version = _guess_version(text)
        if version > FORMAT_VERSION:
            raise StateError(_newer(path, version)) from None
        raise UnreadableStateError(_unreadable(path, error)) from None


def guess_serial(content: bytes) -> int:
    """Return the serial that stands in what is no whole state any more; 0 where none that can be gone on from."""
    found = _SERIAL.search(content)
    serial = int(found[1]) if found else 0
    return serial if serial <= HIGHEST_TRUSTED else 0


def _guess_version(text: str | bytes) -> int:
    """Return the version of the format that stands in what is no whole state, however it is spelled; 0 for none."""
    content = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content.decode("utf-16", "replace").encode(errors="surrogatepass")
    found = _VERSION.search(content)
    return int(found[1]) if found else 0


def _find_conflict(text: str | bytes) -> int | None:
    """Return the line on which git began a merge conflict, from 1."""
    lines = (text if isinstance(text, bytes) else text.encode(errors="replace")).splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith(b"<<<<<<< ")), None)


def _to_document(state: State) -> dict[str, Json]:
    """Return the document of a state, in the order in which it is written; the records are laid out on their own."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": "state",
        "environment": state.environment,
        "lineage": state.lineage,
        "serial": state.serial,
        **compact(
            {
                "account": encode_account(state.account) if state.account else None,
                "account_default": encode_default(state.account_default),
                "listed": state.listed or None,
                "written": encode_writing(state.written) if state.written else None,
                "moved_to": state.moved_to,
                "knows_files": state.knows_files or None,
            }
        ),
        "records": {},
        **compact(
            {
                "intents": [encode_intent(each) for each in sorted(state.intents, key=lambda each: each.address)],
                "tombstones": [encode_tombstone(each) for each in sorted(state.tombstones, key=_by_address)],
                "repeated_creates": [encode_repeat(each) for each in state.repeated_creates],
                "plans": [encode_mark(each) for each in state.plans],
            }
        ),
    }


def _decode_records(document: Document) -> dict[Address, Record]:
    rows = as_object(document.get("records"), "records")
    addresses = {scenario_id: decode_address(scenario_id, "records") for scenario_id in rows}
    return {address: decode_record(address, rows[each], f"records.{each}") for each, address in addresses.items()}


def _refuse_shared_keys(records: Mapping[Address, Record]) -> None:
    owners: dict[str, Address] = {}
    for address, record in records.items():
        owner = owners.setdefault(record.key, address)
        if owner != address:
            both = f"{id_of(owner)} and {id_of(address)}"
            raise ShapeError("records", f"{both} have one key, {record.key!a}; a key belongs to one id")


def _make_state(records: dict[Address, Record], document: Document) -> State:
    """Return a state of its records and of all else that its document holds."""
    _refuse_shared_keys(records)
    account = document.get("account")
    return State(
        lineage=as_text(document.get("lineage"), "lineage"),
        environment=as_text(document.get("environment"), "environment"),
        serial=as_count(document.get("serial"), "serial"),
        account=None if account is None else decode_account(account, "account"),
        records=records,
        tombstones=tuple(_each(document, "tombstones", decode_tombstone)),
        intents=tuple(_each(document, "intents", decode_intent)),
        repeated_creates=tuple(_each(document, "repeated_creates", decode_repeat)),
        account_default=decode_default(document.get("account_default")),
        plans=tuple(_each(document, "plans", decode_mark)),
        listed=as_count(document.get("listed", 0), "listed"),
        written=decode_writing(document.get("written")),
        moved_to=as_optional_text(document.get("moved_to"), "moved_to"),
        knows_files=as_flag(document.get("knows_files", False), "knows_files"),
    )


def _by_address(each: Tombstone) -> tuple[Address, datetime, str]:
    return each.address, each.removed_at, each.key


def _each(document: Document, name: str, decode: Callable[[Json, str], Part]) -> list[Part]:
    return [decode(value, f"{name}[{i}]") for i, value in enumerate(as_list(document.get(name), name))]


def _upgrade(document: Document, path: str) -> Document:
    """Bring an older document to this format; refuse a newer one, and a document of another kind."""
    kind = document.get("kind", "state")
    if kind != "state":
        raise ShapeError("kind", f"this is no state but {kind!a}")
    version = as_count(document.get("format_version"), "format_version")
    if version > FORMAT_VERSION:
        raise StateError(_newer(path, version))
    for step in UPGRADES[version:]:
        document = step(document)
    return document


def _used_up(serial: int) -> Diagnostic:
    return Diagnostic(
        "serial-used-up",
        Severity.ERROR,
        "The serial of the state is too large",
        f"It would be {serial}; a serial goes up to 2^53 ({MOST}), and what is above could not be read again. "
        "Nothing was written.",
        hint="a write raises it by one, so somebody put in the one before: take the state with state pull, give it a "
        "small serial, and push it to a new place",
    )


def _unreadable(path: str, error: ShapeError) -> Diagnostic:
    return Diagnostic(
        "unreadable-state",
        Severity.ERROR,
        "The state cannot be read",
        f"{error}. Nothing was changed.",
        Source(path, error.line, error.column),
        hint="restore it from git; or put a kept version in its place, which the first command lists",
        commands=("omnictl state history", "omnictl state rollback SERIAL --set-aside"),
    )


def _conflicted(path: str, environment: str, line: int) -> Diagnostic:
    chosen = f" --env {environment}" if environment else ""
    return Diagnostic(
        "state-merge-conflict",
        Severity.ERROR,
        "The state holds a merge conflict of git",
        "Two branches applied, and each side knows keys that the other does not. Never edit it by hand: take one "
        "side, then push the other over it, which drops no key. Nothing was changed.",
        Source(path, line),
        hint="in a merge, do this; in a rebase the other side is REBASE_HEAD",
        commands=(
            f"git checkout --ours {path}",
            f"git show MERGE_HEAD:./{path} > theirs.json",
            f"omnictl state push theirs.json{chosen}",
            f"git add {path}",
        ),
    )


def _newer(path: str, version: int) -> Diagnostic:
    return Diagnostic(
        "newer-state",
        Severity.ERROR,
        "The state was written by a newer omnictl",
        f"Its format is {version}; this omnictl reads up to {FORMAT_VERSION} and never rewrites a newer one.",
        Source(path),
        hint="use the omnictl that wrote it, or a later one",
    )


CODES = {
    "serial-used-up": "A state was to be written with a serial above 2^53, which no reader takes, after one that "
    "somebody put in by hand (state push). Nothing was written.",
    "state-merge-conflict": "The state file holds the marks of a merge conflict. Both branches applied, and neither "
    "side knows all keys. Take one side (git checkout --ours), save the other with git show, and store it with state "
    "push: what one side lacks becomes a tombstone, which the next plan takes up again. docs/state.md has the recipe.",
    "unreadable-state": "The state is not JSON or does not have the shape of a state. omnictl does not guess: restore "
    "it from git, or put a kept version in its place (state history, then state rollback SERIAL --set-aside): what is "
    "stored is saved beside you first.",
    "newer-state": "The state was written by a later omnictl, whose format this one does not know. It is refused and "
    "never rewritten.",
}
