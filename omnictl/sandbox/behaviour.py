"""How the sandbox behaves where the real service is unknown or may be unkind: one switch a field, kind by default."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

_TEXTS = ("kept", "trimmed", "lower", "upper", "nfkc", "cut")


def _switch(default: Any, text: str, *choices: Any, unit: str = "") -> Any:
    return field(default=default, metadata={"help": text, "choices": choices, "unit": unit})


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Every switch with its usual value. The texts and choices are what help, documents and checks are made from."""

    latency_seconds: float = _switch(0.0, "Wait so long before each answer.", unit="SECONDS")
    throttle: str = _switch(
        "off", "Count creates, updates and logs as the API publishes it, or not.", "published", "off"
    )
    retry_after: str = _switch("given", "Whether a 429 of the throttle says when to come again.", "given", "absent")
    created_status: int = _switch(200, "The status of a create: 200 as in 2017, 201 as in 2026.", 200, 201)
    list_lag_seconds: float = _switch(0.0, "The list shows a write only after so long; a GET at once.", unit="SECONDS")
    list_order: str = _switch(
        "created",
        "By creation, by last update, by chance but always the same, or by chance anew for each page.",
        "created",
        "updated",
        "shuffled",
        "changing",
    )
    page_limit: int = _switch(0, "A page has at most so many rows, whatever limit says; 0 is as asked.", unit="ROWS")
    names: str = _switch("kept", "How the service normalises names.", *_TEXTS)
    senders: str = _switch("kept", "How the service normalises senders.", *_TEXTS)
    put: str = _switch("replace", "A PUT replaces the scenario, or changes only what it names.", "replace", "merge")
    default_false: str = _switch(
        "ignored",
        "What `default: false` does to the account's default.",
        "ignored",
        "cleared",
        "refused",
    )
    defaults: str = _switch("one", "Whether a new default takes the flag from the one before.", "one", "several")
    default_field: str = _switch("default", "How replies spell the flag.", "default", "defaultScenario", "both")
    extra_fields: str = _switch(
        "absent", "Whether scenarios and steps have fields that nobody documented.", "present", "absent"
    )
    clock: str = _switch(
        "instant",
        "What will happen has happened by the next request, or when its time has come, or by `sandbox advance` alone.",
        "instant",
        "real",
        "manual",
    )
    message_ids: str = _switch(
        "message", "Rows carry the id of the message, or each step has a foreign one of its own.", "message", "step"
    )
    repeated_message_ids: str = _switch(
        "accepted", "A message id that was there before is sent again, or rejected.", "accepted", "rejected"
    )
    reply_bulk_id: str = _switch(
        "several", "A reply has a bulkId for several messages, or also where it was given.", "several", "supplied"
    )
    row_bulk_id: str = _switch("given", "Whether reports and logs carry the bulkId.", "given", "absent")
    vk_spelling: str = _switch(
        "VKONTAKTE", "How rows spell the channel: as documented, or as in one sample.", "VKONTAKTE", "VKONTANTE"
    )
    pushed_reports: str = _switch(
        "kept", "Whether a report that was pushed can still be pulled, or counts as taken.", "kept", "taken"
    )
    over_limit: str = _switch("clamped", "A limit over 1000 counts as 1000, or is a bad request.", "clamped", "refused")
    log_lag_seconds: float = _switch(0.0, "The log shows a message only so long after it was taken.", unit="SECONDS")
    pending_done_at: str = _switch(
        "given", "Whether the log of a pending message has a doneAt: that of its sentAt.", "given", "absent"
    )


@dataclass(frozen=True, slots=True)
class Switch:
    """One field of the behaviour for people: ``name`` as in JSON, ``flag`` as on the command line."""

    name: str
    default: str | int | float
    text: str
    choices: tuple[str | int, ...]
    unit: str

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + self.name.removesuffix("_seconds").replace("_", "-")


SWITCHES: tuple[Switch, ...] = tuple(
    Switch(each.name, each.default, each.metadata["help"], each.metadata["choices"], each.metadata["unit"])  # type: ignore[arg-type]
    for each in fields(Behaviour)
)
_BY_NAME = {each.name: each for each in SWITCHES}


class SwitchError(ValueError):
    """A switch that does not exist, or a value that it does not take."""


def read_behaviour(current: Behaviour, changes: Mapping[str, Any]) -> Behaviour:
    """Return a behaviour with some switches changed. Raises SwitchError, which names the switch and what it takes."""
    return replace(current, **{name: _read_value(name, value) for name, value in changes.items()})


def _read_value(name: str, value: Any) -> Any:
    switch = _BY_NAME.get(name)
    if switch is None:
        close = get_close_matches(name, _BY_NAME, n=1)
        meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(_BY_NAME)}"
        raise SwitchError(f"There is no switch {name!r}; {meant}")
    if switch.choices:
        for choice in switch.choices:
            if str(choice) == str(value):
                return choice
        raise SwitchError(f"{name} takes {', '.join(map(str, switch.choices))}, not {value!r}")
    whole = isinstance(switch.default, int)
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < 1e9:
        raise SwitchError(f"{name} takes a {'whole number' if whole else 'number'} of at least 0, not {value!r}")
    return value if whole else float(value)


def write_behaviour(behaviour: Behaviour) -> dict[str, Any]:
    """Return the switches as JSON shows them."""
    return asdict(behaviour)
