"""Every unkindness of the sandbox, as a table: what the service is like, and what goes wrong with single requests."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_KEPT_AS: Mapping[str, Callable[[str], str]] = {
    "kept": lambda text: text,
    "trimmed": lambda text: " ".join(text.split()),
    "lower": str.lower,
    "upper": str.upper,
    "nfkc": lambda text: unicodedata.normalize("NFKC", text),
    "cut": lambda text: text[:10],
}


@dataclass(frozen=True)
class Unkindness:
    """How a service is unkind. ``is_promised`` is False where it lies about what it did: docs/planning.md says so."""

    name: str
    switches: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    is_promised: bool = True

    @property
    def lasting(self) -> Mapping[str, Any]:
        """The switches that say what the service is like always, not how it fails."""
        passing = ("latency_seconds", "list_lag_seconds", "list_order", "throttle")
        return {name: value for name, value in self.switches.items() if name not in passing}

    @property
    def is_late(self) -> bool:
        """Whether something that was asked for may be seen only later."""
        return "list_lag_seconds" in self.switches or any("late" in each or "slow" in each for each in self.faults)

    @property
    def late_seconds(self) -> float:
        """How much later something may appear that was asked for."""
        values = (re.search(r"late-commit=([\d.]+)", each) for each in self.faults)
        return max((float(each[1]) for each in values if each), default=0.0)

    def name_kept_as(self, text: str) -> str:
        """Return a name as the service keeps it."""
        return _KEPT_AS[self.switches.get("names", "kept")](text)

    def sender_kept_as(self, text: str | None) -> str | None:
        """Return a sender as the service keeps it."""
        return None if text is None else _KEPT_AS[self.switches.get("senders", "kept")](text)


KIND = Unkindness("kind")

OF_MESSAGES_ALONE = frozenset(
    {
        "clock",
        "message_ids",
        "repeated_message_ids",
        "reply_bulk_id",
        "row_bulk_id",
        "vk_spelling",
        "pushed_reports",
        "over_limit",
        "log_lag_seconds",
        "pending_done_at",
    }
)
"""Switches that no apply can notice: it sends no message and reads no report."""

OPERATIONS_OF_AN_APPLY = ("create", "update", "get", "list")

_SWITCHES: tuple[Mapping[str, Any], ...] = (
    {"latency_seconds": 0.02},
    {"throttle": "published"},
    {"throttle": "published", "retry_after": "absent"},
    {"created_status": 201},
    {"list_lag_seconds": 0.3},
    {"list_order": "updated", "page_limit": 3},
    {"list_order": "shuffled", "page_limit": 3},
    {"list_order": "changing"},
    {"list_order": "changing", "page_limit": 4},
    {"page_limit": 2},
    {"put": "merge"},
    {"default_false": "cleared"},
    {"default_false": "refused"},
    {"defaults": "several"},
    {"default_field": "defaultScenario"},
    {"default_field": "both"},
    {"extra_fields": "present"},
    *({"names": how} for how in _KEPT_AS if how != "kept"),
    *({"senders": how} for how in _KEPT_AS if how != "kept"),
)

_EVERYWHERE: tuple[str, ...] = (
    "slow=0.1",
    "html",
    "html=404",
    "redirect",
    "cut-before",
    "cut-after",
    "cut-body",
    "truncated",
)
_EVERYWHERE += ("not-json", "wrong-type", "400", "401", "403", "404", "408", "409", "429=0", "429", "500", "503")
_OF_WRITES = ("late-commit=0.3", "500-after", "503-after", "408-after")
_OF_LIST = ("repeated-page", "repeated-page,skip=1", "short-page", "short-page,times=2")

_FAULTS = (
    *(f"{operation}:{kind}" for operation in OPERATIONS_OF_AN_APPLY for kind in _EVERYWHERE),
    *(f"{operation}:{kind}" for operation in ("create", "update") for kind in _OF_WRITES),
    *(f"{operation}:no-key" for operation in ("create", "update", "get")),
    *(f"list:{kind}" for kind in _OF_LIST),
    "create:cut-after,times=2",
    "create:late-commit=0.3,times=2",
    "create:cut-after,skip=1",
    "update:cut-after,times=2",
    "any:cut-after,times=4,skip=2",
)

UNKIND: tuple[Unkindness, ...] = (
    *(Unkindness(" ".join(f"{name}={value}" for name, value in each.items()), each) for each in _SWITCHES),
    *(Unkindness(each, {}, (each,)) for each in _FAULTS),
    Unkindness("lag and cut", {"list_lag_seconds": 0.3}, ("create:cut-after,times=2",)),
    Unkindness("lag and late", {"list_lag_seconds": 0.3, "latency_seconds": 0.02}, ("create:late-commit=0.3",)),
    Unkindness("merge and cut", {"put": "merge", "default_field": "defaultScenario"}, ("update:cut-after,times=2",)),
    Unkindness("pages and cut", {"page_limit": 2, "list_order": "shuffled"}, ("create:cut-after", "list:cut-body")),
    Unkindness("upper and cut", {"names": "upper"}, ("create:cut-after",)),
    Unkindness("chance", {}, ("any:500,times=0,chance=15", "any:cut-after,times=0,chance=10")),
)

FEW = tuple(
    each for each in UNKIND if each.name.partition(":")[2] not in ("400", "401", "404", "408", "409", "429", "500")
)
"""One of each kind: a status stands for all of them."""

LIARS = tuple(
    Unkindness(f"create:{status}-after", {}, (f"create:{status}-after",), is_promised=False)
    for status in (400, 409, 422, 429)
)
"""A service that creates and then says in its own words that it did not is believed: no promise holds against it."""

# --- of messages ----------------------------------------------------------------------------------------------------

OPERATIONS_OF_MESSAGES = ("send", "reports", "logs")

_OF_MESSAGES: tuple[Mapping[str, Any], ...] = (
    {"message_ids": "step"},
    {"message_ids": "step", "row_bulk_id": "absent"},
    {"repeated_message_ids": "rejected"},
    {"reply_bulk_id": "supplied"},
    {"row_bulk_id": "absent"},
    {"vk_spelling": "VKONTANTE"},
    {"pending_done_at": "absent"},
    {"over_limit": "refused"},
    {"pushed_reports": "taken"},
    {"clock": "real"},
    {"clock": "manual"},
)

_MESSAGE_FAULTS = (
    *(f"{operation}:{kind}" for operation in OPERATIONS_OF_MESSAGES for kind in _EVERYWHERE),
    *(f"send:{kind}" for kind in (*_OF_WRITES, "omit-id", "422")),
    *(f"reports:{kind}" for kind in ("500-after", "503-after", "408-after")),
    "send:cut-after,times=2",
    "send:cut-after,times=0,chance=50",
    "send:late-commit=0.3,times=2",
    "send:cut-after,skip=2",
    "send:omit-id,times=0",
    "reports:cut-after,times=2",
    "reports:cut-after,skip=1",
    "reports:truncated,times=0,chance=50",
    "logs:500,times=6",
)

UNKIND_OF_MESSAGES: tuple[Unkindness, ...] = (
    *(Unkindness(" ".join(f"{name}={value}" for name, value in each.items()), each) for each in _OF_MESSAGES),
    *(Unkindness(each, {}, (each,)) for each in _MESSAGE_FAULTS),
    Unkindness("lost and unread", {}, ("send:cut-after", "logs:503,times=4", "reports:cut-body")),
    Unkindness("late and rejected", {"repeated_message_ids": "rejected"}, ("send:late-commit=0.3",)),
    Unkindness("cut and rejected", {"repeated_message_ids": "rejected"}, ("send:cut-after", "logs:500,times=9")),
    Unkindness("steps and cut", {"message_ids": "step"}, ("send:cut-after,times=2", "reports:cut-after")),
    Unkindness(
        "callback alone", {"message_ids": "step", "row_bulk_id": "absent"}, ("send:cut-after", "reports:cut-after")
    ),
)

LIARS_OF_MESSAGES = tuple(
    Unkindness(f"send:{status}-after", {}, (f"send:{status}-after",), is_promised=False)
    for status in (400, 401, 403, 404, 409, 422, 429)
)
"""A service that takes messages and says in its own words that it did not is believed."""
