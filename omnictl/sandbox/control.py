"""The control endpoint under /sandbox/: what a test or a pipeline sets and asks, which the real service has not."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omnictl.sandbox.account import create
from omnictl.sandbox.behaviour import SwitchError, read_behaviour, write_behaviour
from omnictl.sandbox.channels import find_channel
from omnictl.sandbox.clock import (
    RETENTION_MS,
    ClockError,
    advance_clock,
    horizon,
    read_clock,
    read_duration,
    show_time,
    to_ms,
)
from omnictl.sandbox.errors import ApiError
from omnictl.sandbox.faults import FaultError, parse_fault, read_fault, write_fault
from omnictl.sandbox.outbox import count_outbox, list_messages, list_pushes
from omnictl.sandbox.personas import (
    PersonaError,
    drop_recipients,
    list_recipients,
    put_recipient,
    read_entry,
    write_entry,
)
from omnictl.sandbox.scenarios import read_scenario, write_scenario
from omnictl.sandbox.store import World

PREFIX = "/sandbox/"

Reply = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """One control request: its method, the path after the prefix, and its body; ``wall`` is the time of the machine."""

    world: World
    method: str
    path: str
    content: bytes
    wall: float

    @property
    def rest(self) -> str:
        """What stands behind the name of the endpoint."""
        return self.path.partition("/")[2]


def answer_control(question: Question) -> Reply:
    """Return status and document of a control request; what is wrong with it stands in the document."""
    name = question.path.partition("/")[0]
    methods = _ENDPOINTS.get(name)
    if methods is None:
        known = ", ".join(f"{PREFIX}{each}" for each in _ENDPOINTS)
        return 404, {"error": f"There is no {PREFIX}{name}; there are {known}"}
    answer = methods.get(question.method)
    if answer is None:
        return 405, {"error": f"{PREFIX}{name} takes {', '.join(methods)}"}
    try:
        return answer(question)
    except (SwitchError, FaultError, PersonaError, ClockError) as error:
        return 400, {"error": str(error)}
    except ApiError as error:
        return error.status, error.document()


def describe_world(world: World, wall: float) -> dict[str, Any]:
    """Return what a world holds and how it behaves; ``wall`` is the time of the machine."""
    behaviour = world.behaviour
    now = read_clock(world, behaviour, wall)
    return {
        "scenarios": world.count(),
        "defaults": [each.key for each in world.defaults()],
        "requests": world.count_requests(),
        "recipients": len(list_recipients(world)),
        **count_outbox(world, to_ms(now) - RETENTION_MS, horizon(behaviour, now)),
        "clock": {"kind": behaviour.clock, "now": show_time(to_ms(now))},
        "faults": [write_fault(each) for each in world.list_faults()],
        "behaviour": write_behaviour(behaviour),
    }


def _status(question: Question) -> Reply:
    return 200, describe_world(question.world, question.wall)


def _show_behaviour(question: Question) -> Reply:
    return 200, write_behaviour(question.world.behaviour)


def _change_behaviour(question: Question) -> Reply:
    changes = _read_json(question)
    if not isinstance(changes, dict):
        raise SwitchError("The switches are an object, name and value")
    world = question.world
    world.behaviour = read_behaviour(world.behaviour, changes)
    read_clock(world, world.behaviour, question.wall)  # a clock that is stopped stops now
    return _show_behaviour(question)


def _show_faults(question: Question) -> Reply:
    return 200, {"faults": [write_fault(each) for each in question.world.list_faults()]}


def _add_faults(question: Question) -> Reply:
    """Add one fault or a list of them, each an object or a text as on the command line; all or none."""
    given = _read_json(question)
    faults = [
        parse_fault(each) if isinstance(each, str) else read_fault(each)
        for each in (given if isinstance(given, list) else [given])
    ]
    for each in faults:
        question.world.add_fault(each)
    return 201, _show_faults(question)[1]


def _drop_faults(question: Question) -> Reply:
    question.world.clear_faults()
    return _show_faults(question)


def _show_requests(question: Question) -> Reply:
    return 200, {"requests": question.world.list_requests()}


def _reset(question: Question) -> Reply:
    question.world.reset()
    return _status(question)


def _plant(question: Question) -> Reply:
    """Create a scenario as somebody else would: not throttled, not counted, no fault."""
    world = question.world
    fields, flag = read_scenario(question.content)
    made = create(world, world.behaviour, fields, flag, read_clock(world, world.behaviour, question.wall))
    return 201, write_scenario(made, world.behaviour)


def _remove(question: Question) -> Reply:
    """Let a scenario vanish, which the API itself cannot."""
    if not question.world.remove(question.rest):
        return 404, {"error": f"There is no scenario with the key {question.rest!r}"}
    return _status(question)


def _show_messages(question: Question) -> Reply:
    return 200, {"messages": list_messages(question.world)}


def _show_pushes(question: Question) -> Reply:
    rows = list_pushes(question.world)
    return 200, {"pushes": [{**row, "due_at": show_time(row["due_at"])} for row in rows]}


def _show_recipients(question: Question) -> Reply:
    return 200, {"recipients": [write_entry(each) for each in list_recipients(question.world)]}


def _set_recipients(question: Question) -> Reply:
    """Set one recipient or a list of them; all or none."""
    given = _read_json(question)
    for each in [read_entry(one) for one in (given if isinstance(given, list) else [given])]:
        put_recipient(question.world, each)
    return 201, _show_recipients(question)[1]


def _drop_recipients(question: Question) -> Reply:
    """Drop all recipients, all rows of one, or that of one channel."""
    recipient, _, name = question.rest.partition("/")
    channel = find_channel(name) if name else None
    if not drop_recipients(question.world, recipient or None, (channel or name) or None) and recipient:
        return 404, {"error": f"There is no recipient {question.rest!r}"}
    return _show_recipients(question)


def _advance(question: Question) -> Reply:
    """Move the clock ahead by a duration, as ``"2h"`` or ``{"by": "2h"}``."""
    given = _read_json(question)
    text = given.get("by") if isinstance(given, dict) else given
    milliseconds = read_duration(text if isinstance(text, str) else repr(text))
    advance_clock(question.world, question.world.behaviour, question.wall, milliseconds)
    return _status(question)


def _read_json(question: Question) -> Any:
    try:
        return json.loads(question.content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FaultError(f"The body is no JSON: {error}") from None


_ENDPOINTS: Mapping[str, Mapping[str, Callable[[Question], Reply]]] = {
    "status": {"GET": _status},
    "behaviour": {"GET": _show_behaviour, "PATCH": _change_behaviour},
    "faults": {"GET": _show_faults, "POST": _add_faults, "DELETE": _drop_faults},
    "requests": {"GET": _show_requests},
    "scenarios": {"POST": _plant, "DELETE": _remove},
    "messages": {"GET": _show_messages},
    "pushes": {"GET": _show_pushes},
    "recipients": {"GET": _show_recipients, "POST": _set_recipients, "DELETE": _drop_recipients},
    "advance": {"POST": _advance},
    "reset": {"POST": _reset},
}
