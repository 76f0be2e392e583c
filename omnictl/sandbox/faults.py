"""Faults: what goes wrong with the next requests of an operation, once or often, always or by chance."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any

OPERATIONS = ("create", "update", "get", "list", "send", "reports", "logs")
_WRITES = ("create", "update", "send")
_ANY = "any"

KINDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "STATUS": (OPERATIONS, "answer 400 to 599 with the API's error body and do nothing; VALUE is Retry-After"),
    "STATUS-after": ((*_WRITES, "reports"), "do it, then answer 400 to 599 with the API's error body"),
    "html": (OPERATIONS, "answer with an HTML page as a gateway does and do nothing; VALUE is the status (502)"),
    "redirect": (OPERATIONS, "answer 302 to another host and do nothing"),
    "slow": (OPERATIONS, "answer VALUE seconds later (5)"),
    "cut-before": (OPERATIONS, "cut the connection and do nothing"),
    "cut-after": (OPERATIONS, "do it, then cut the connection without an answer"),
    "cut-body": (OPERATIONS, "do it, then cut the connection in the middle of the answer"),
    "late-commit": (_WRITES, "cut the connection; what was asked for appears VALUE seconds later (5)"),
    "no-key": (("create", "update", "get"), "do it and answer without the key"),
    "omit-id": (("send",), "do it and leave the last message out of the answer"),
    "truncated": (OPERATIONS, "do it and answer with half of the document"),
    "not-json": (OPERATIONS, "do it and answer with a text that is no JSON"),
    "wrong-type": (OPERATIONS, "do it and answer with JSON that says it is text/html"),
    "repeated-page": (("list",), "answer with the page before the one asked for"),
    "short-page": (("list",), "leave out the second half of the page"),
}
_STATUS = re.compile(r"([45]\d\d)(-after)?", re.ASCII)
_USUAL_VALUES = {"html": 502.0, "slow": 5.0, "late-commit": 5.0}


class FaultError(ValueError):
    """A fault that cannot be read; the text says what is wrong and what there is."""


@dataclass(frozen=True, slots=True)
class Fault:
    """After ``skip`` requests of the operation the next ``times`` (0: all) fail so, each with ``chance`` per cent."""

    operation: str
    kind: str
    value: float | None = None
    times: int = 1
    skip: int = 0
    chance: int = 100

    @property
    def status(self) -> int | None:
        """The status that it answers with, where the kind is one."""
        match = _STATUS.fullmatch(self.kind)
        return int(match[1]) if match else None

    @property
    def is_after(self) -> bool:
        """Whether the work is done before it goes wrong."""
        return self.kind.endswith("-after")


def parse_fault(text: str) -> Fault:
    """Read ``OPERATION:KIND[=VALUE][,times=N][,skip=N][,chance=PERCENT]``. Raises FaultError."""
    head, *rest = text.split(",")
    operation, colon, what = head.partition(":")
    if not colon:
        raise FaultError(f"A fault is OPERATION:KIND[=VALUE][,times=N][,skip=N][,chance=PERCENT], not {text!r}")
    kind, _, value = what.partition("=")
    document: dict[str, Any] = {"operation": operation, "kind": kind}
    for name, number in [("value", value)] * bool(value) + [tuple(each.partition("=")[::2]) for each in rest]:
        document[name] = _number(name, number)
    return read_fault(document)


def _number(name: str, text: str) -> float | int:
    try:
        digits = text.encode("ascii")
        return float(digits) if name == "value" else int(digits)
    except ValueError:
        raise FaultError(f"{name} of a fault is a number, not {text!r}") from None


def read_fault(document: Any) -> Fault:
    """Read a fault as JSON. Raises FaultError."""
    if not isinstance(document, dict):
        raise FaultError("A fault is an object with operation and kind")
    names = [each.name for each in fields(Fault)]
    unknown = sorted(set(document) - set(names))
    if unknown:
        raise FaultError(f"A fault has no {unknown[0]!r}; it has {', '.join(names)}")
    operation, kind = str(document.get("operation")), str(document.get("kind"))
    if operation not in (*OPERATIONS, _ANY):
        raise FaultError(f"The operation of a fault is {', '.join(OPERATIONS)} or {_ANY}, not {operation!r}")
    _check_kind(kind, operation)
    value = document.get("value", _USUAL_VALUES.get(kind))
    if value is not None and not _is_number(value, float):
        raise FaultError(f"value of a fault is a number of at least 0, not {value!r}")
    counts = {name: document.get(name, usual) for name, usual in (("times", 1), ("skip", 0), ("chance", 100))}
    for name, number in counts.items():
        if not _is_number(number, int):
            raise FaultError(f"{name} of a fault is a whole number of at least 0, not {number!r}")
    return Fault(operation, kind, value, **counts)


def _check_kind(kind: str, operation: str) -> None:
    name = _row_of(kind)
    if name not in KINDS or kind.startswith("STATUS"):
        close = get_close_matches(kind, KINDS, n=1)
        meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(KINDS)}"
        raise FaultError(f"There is no fault {kind!r}; {meant}")
    allowed, _ = KINDS[name]
    if operation != _ANY and operation not in allowed:
        raise FaultError(f"{kind} is a fault of {', '.join(allowed)}, not of {operation}")


def _row_of(kind: str) -> str:
    """Return the row of the table: 503 is STATUS, 503-after is STATUS-after."""
    match = _STATUS.fullmatch(kind)
    return f"STATUS{match[2] or ''}" if match else kind


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def fits(fault: Fault, operation: str) -> bool:
    """Tell whether a fault concerns a request of this operation."""
    if fault.operation != _ANY:
        return fault.operation == operation
    return operation in KINDS[_row_of(fault.kind)][0]


def write_fault(fault: Fault) -> dict[str, Any]:
    """Return a fault as JSON shows it."""
    return asdict(fault)
