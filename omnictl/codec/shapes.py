"""Reading JSON documents strictly: the right shape or an error that names the path; times in UTC to the second."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from omnictl.model.hidden import INVISIBLE
from omnictl.model.scenario import Json

T = TypeVar("T")

MOST = 2**53
_LARGEST = 1e300
_MONEY_PLACES = 6
_HIDDEN = re.compile(
    f"[{INVISIBLE}\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\uf8ff\ufeff\ufff0-\ufffb\U000110bd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""What is not seen, or steers what is seen: controls, bidirectional and zero-width signs, surrogates, private ones.

A table, and not what this version of Python knows of Unicode: a state is spelled alike by all of them.
"""


class ShapeError(ValueError):
    """A document does not have the shape it should have; ``path`` says where, ``line`` and ``column`` where known."""

    def __init__(self, path: str, expected: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(f"{path or 'the document'}: {expected}")
        self.path = path
        self.expected = expected
        self.line = line
        self.column = column


def parse_json(text: str | bytes) -> Json:
    """Parse JSON; duplicate keys, NaN, numbers beyond all use and bad UTF-8 are errors. Raises ShapeError."""
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        parsed: Json = json.loads(decoded, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ShapeError(
            f"line {error.lineno}, column {error.colno}",
            f"not JSON ({error.msg})",
            line=error.lineno,
            column=error.colno,
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ShapeError(f"byte {error.start}", "not UTF-8", line=line) from None
    except RecursionError:
        raise ShapeError("", "nested too deeply") from None
    except ShapeError:
        raise
    except ValueError:  # the interpreter refuses to read numbers of thousands of digits
        raise ShapeError("", "a number has too many digits") from None
    return parsed


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise ShapeError(next(key for key, count in counts.items() if count > 1), "the key stands twice")
    return result


def _refuse_constant(name: str) -> Json:
    raise ShapeError(name, "not a JSON number")


def as_object(value: Json, path: str) -> Mapping[str, Json]:
    """Return the value if it is an object."""
    if not isinstance(value, dict):
        raise ShapeError(path, "expected an object")
    return value


def as_list(value: Json, path: str) -> Sequence[Json]:
    """Return the value if it is a list; absent is empty."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise ShapeError(path, "expected a list")
    return value


def as_text(value: Json, path: str) -> str:
    """Return the value if it is a string."""
    if not isinstance(value, str):
        raise ShapeError(path, "expected a string")
    return value


def as_optional_text(value: Json, path: str) -> str | None:
    """Return the value if it is a string or absent."""
    return None if value is None else as_text(value, path)


def as_integer(value: Json, path: str) -> int:
    """Return the value if it is a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ShapeError(path, "expected a whole number")
    return value


def as_count(value: Json, path: str) -> int:
    """Return the value if it is a whole number from 0 to 2^53, which every reader of JSON holds exactly."""
    number = as_integer(value, path)
    if not 0 <= number <= MOST:
        raise ShapeError(path, "expected a number from 0 to 2^53")
    return number


def as_number(value: Json, path: str) -> float:
    """Return the value if it is a number that a float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise ShapeError(path, "expected a number")
    return float(value)


def as_flag(value: Json, path: str) -> bool:
    """Return the value if it is true or false; absent is false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ShapeError(path, "expected true or false")
    return value


def as_time(value: Json, path: str) -> datetime:
    """Return a time written as 2026-11-20T09:12:00Z, with or without microseconds."""
    text = as_text(value, path)
    try:
        parsed = datetime.fromisoformat(text)
        at = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ShapeError(path, "expected a time such as 2026-11-20T09:12:00Z") from None
    if parsed.tzinfo is None:
        raise ShapeError(path, "expected a time in UTC, with Z")
    return at


def as_optional_time(value: Json, path: str) -> datetime | None:
    """Return a time, or None where it is absent."""
    return None if value is None else as_time(value, path)


def escape_hidden(text: str) -> str:
    """Return JSON text in which nothing hides or steers a terminal, and that can be encoded; it says the same."""
    return text.replace("\x7f", "\\u007f") if text.isascii() else _HIDDEN.sub(_escape, text)


def _escape(hidden: re.Match[str]) -> str:
    return re.sub("(....)", r"\\u\1", hidden[0].encode("utf-16-be", "surrogatepass").hex())


def write_json(document: "Json | Mapping[str, Json]", *, indent: int | None = 2) -> str:
    """Return a document as JSON text that can be shown anywhere; ``indent`` None gives one line."""
    return escape_hidden(json.dumps(document, indent=indent, ensure_ascii=False))


def write_time(value: datetime) -> str:
    """Return a time as text; microseconds only where there are any."""
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    return at.isoformat()[:-6] + "Z"


def write_money(amount: Decimal) -> str:
    """Return an amount as text, never with an exponent; six places are the most."""
    text = f"{amount:f}"
    return text if len(text.partition(".")[2]) <= _MONEY_PLACES else f"{amount:.{_MONEY_PLACES}f}"


def as_member(kind: Callable[[str], T], value: Json, path: str) -> T:
    """Return the member of an enumeration that the value names."""
    text = as_text(value, path)
    try:
        return kind(text)
    except ValueError:
        raise ShapeError(path, f"{text!r} is not known here") from None


def write_optional_time(value: datetime | None) -> str | None:
    """Return a time, or None where there is none."""
    return None if value is None else write_time(value)


def compact(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return the fields that hold something: absent values, empty lists and false are left out."""
    return {key: value for key, value in fields.items() if value is not None and value is not False and value != []}
