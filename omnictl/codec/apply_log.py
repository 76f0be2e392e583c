"""The log of an apply, read back: which key belongs to which id, as the lines, the events or the report told it.

A log passes through many hands: runners put times before its lines, terminals colours into them, and a disk that is
full cuts the last one. What is not surely a line of ours is left out.
"""

import codecs
import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from omnictl.codec.parts import decode_address
from omnictl.codec.report import decode_report
from omnictl.codec.shapes import ShapeError, parse_json
from omnictl.errors import UsageError
from omnictl.model.address import Address, id_of
from omnictl.model.change import Action
from omnictl.model.key import Ends
from omnictl.model.outcome import Fate
from omnictl.model.scenario import Json

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_WORDS = (
    "start stopped key waiting budget request again settle read lock push reports sent look alive error warning note"
)
_ACTIONS = tuple(each.value for each in Action)
_LINE = re.compile(rf"(?<!\d)\d\d:\d\d:\d\dZ ({'|'.join((*_WORDS.split(), *_ACTIONS))}) +(\S.*)", re.ASCII)
"""A line of ours, wherever it begins: the first one that looks so, for what stands behind it may be somebody's name."""
_KEY = re.compile(r"(\S+) has key (\S.*)")
_DONE = re.compile(r"(\S+) done(?:, key (\S.*?))? \(\d+/\d+\)")
_SHORT = re.compile(r"(.{4})(?:\u2026|\.\.|\\u2026)(.{4})")
_START = re.compile(r"plan \S+ of ([^\s,]+), .*")
_EVENT = '{"at"'
_REPORT = re.compile(r'"kind":\s*"apply"')
_GONE = (Action.FORGET.value, Action.RETIRE.value)


class ToldKey(Struct, frozen=True):
    """A key and the id that it belongs to, as the log says it last.

    ``may_be_cut`` where the log ends right behind it: the key may be the beginning of another. ``ends`` are those of
    a key that is only told in short, and of which the log does not know more.
    """

    address: Address
    key: str
    may_be_cut: bool = False
    ends: Ends | None = None


class _Said(Struct, frozen=True):
    """One thing that the log says: a key has an id, an id is gone (no key), or the environment of what follows."""

    scenario_id: str = ""
    key: str | None = None
    environment: str | None = None
    may_be_cut: bool = False


class _Told(Struct):
    """The keys that were told so far, and which whole keys have which ends."""

    keys: dict[str, ToldKey] = field(default_factory=dict)
    whole: dict[Ends, set[str]] = field(default_factory=dict)


def read_told_keys(content: bytes, environment: str) -> tuple[ToldKey, ...]:
    """Return the keys that a log, or a report of an apply, tells for an environment, in the order of their ids."""
    text = _decode(content)
    told = _Told()
    is_ours = True
    for said in _read_report(text) or _read_lines(text):
        if said.environment is not None:
            is_ours = said.environment == environment
        elif is_ours:
            _take(said, told)
    return tuple(sorted(told.keys.values(), key=lambda each: (each.address, each.key)))


def _take(said: _Said, told: _Told) -> None:
    """Let a later word go before an earlier one: what was renamed has its new id, what was forgotten none."""
    try:
        address = decode_address(said.scenario_id, "id")
    except ShapeError:
        return
    if said.key is None:
        for key in [key for key, each in told.keys.items() if each.address == address]:
            del told.keys[key]
    elif short := _SHORT.fullmatch(said.key):
        _take_short(address, Ends(short[1], short[2]), told)
    else:
        ends = Ends(said.key[:4], said.key[-4:])
        told.keys.pop(_in_short(ends), None)
        told.keys[said.key] = ToldKey(address, said.key, said.may_be_cut)
        told.whole.setdefault(ends, set()).add(said.key)


def _take_short(address: Address, ends: Ends, told: _Told) -> None:
    """Take a key told by its ends for the one told whole before that has them; what more than one has says nothing."""
    whole = told.whole.get(ends, ())
    if len(whole) < 2:
        key = next(iter(whole), _in_short(ends))
        told.keys[key] = ToldKey(address, key, ends=None if whole else ends)


def _in_short(ends: Ends) -> str:
    return f"{ends.first}\u2026{ends.last}"


def _decode(content: bytes) -> str:
    """Return the text of a log, whatever wrote it; some shells redirect in UTF-16."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    return content.decode("utf-8-sig", "replace")


# --- a report -----------------------------------------------------------------------------------------------------


def _read_report(text: str) -> tuple[_Said, ...]:
    """Return what a report of an apply says; nothing where the text is none."""
    if not text.lstrip().startswith("{") or not _REPORT.search(text, 0, 400):
        return ()
    try:
        document = parse_json(text)
        report = decode_report(document, path="log") if isinstance(document, dict) else None
    except (ShapeError, UsageError):
        return ()
    if report is None:
        return ()
    done = [each for each in report.outcomes if each.fate is Fate.DONE]
    said = [_say_end(id_of(each.address), each.action.value, each.key) for each in done]
    return (_Said(environment=report.environment), *(each for each in said if each is not None))


def _say_end(scenario_id: str, action: str, key: str | None) -> _Said | None:
    if action in _GONE:
        return _Said(scenario_id)
    return _Said(scenario_id, key) if key else None


# --- lines and events ---------------------------------------------------------------------------------------------


def _read_lines(text: str) -> Iterator[_Said]:
    lines = re.split(r"[\r\n]+", _ESCAPES.sub("", text))
    for number, line in enumerate(lines, 1):
        said = _read_line(line.rstrip(), is_last=number == len(lines))
        if said is not None:
            yield said


def _read_line(line: str, *, is_last: bool) -> _Said | None:
    found, event = _LINE.search(line), line.find(_EVENT)
    if event >= 0 and (found is None or event < found.start()):
        return _read_event(line[event:])
    return _read_words(found[1], found[2], is_last=is_last) if found else None


def _read_words(word: str, rest: str, *, is_last: bool) -> _Said | None:
    if word == "start" and (started := _START.fullmatch(rest)):
        return _Said(environment=started[1])
    if word == "key" and (told := _KEY.fullmatch(rest)):
        return _Said(told[1], told[2], may_be_cut=is_last)
    if word in _ACTIONS and (ended := _DONE.fullmatch(rest)):
        return _say_end(ended[1], word, ended[2])
    return None


def _read_event(text: str) -> _Said | None:
    try:
        event, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return _say_event(event) if isinstance(event, dict) else None


def _say_event(event: Mapping[str, Json]) -> _Said | None:
    scenario_id, key, action = (event.get(name) for name in ("id", "key", "action"))
    environment = event.get("environment")
    match event.get("event"):
        case "start" if isinstance(environment, str):
            return _Said(environment=environment)
        case "key" if isinstance(scenario_id, str) and isinstance(key, str):
            return _Said(scenario_id, key)
        case "change" if isinstance(scenario_id, str) and isinstance(action, str) and event.get("fate") == "done":
            return _say_end(scenario_id, action, key if isinstance(key, str) else None)
        case _:
            return None
