"""The control endpoint under /sandbox/: what a test or a pipeline sets and asks, which the real service has not."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from omnictl.sandbox.account import create
from omnictl.sandbox.behaviour import SwitchError, read_behaviour, write_behaviour
from omnictl.sandbox.errors import ApiError
from omnictl.sandbox.faults import FaultError, parse_fault, read_fault, write_fault
from omnictl.sandbox.scenarios import read_scenario, write_scenario
from omnictl.sandbox.store import World

PREFIX = "/sandbox/"

Reply = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """One control request: its method, the path after the prefix, and its body."""

    world: World
    method: str
    path: str
    content: bytes
    now: float

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
    except (SwitchError, FaultError) as error:
        return 400, {"error": str(error)}
    except ApiError as error:
        return error.status, error.document()


def describe_world(world: World) -> dict[str, Any]:
    """Return what a world holds and how it behaves."""
    return {
        "scenarios": world.count(),
        "defaults": [each.key for each in world.defaults()],
        "requests": world.count_requests(),
        "faults": [write_fault(each) for each in world.list_faults()],
        "behaviour": write_behaviour(world.behaviour),
    }


def _status(question: Question) -> Reply:
    return 200, describe_world(question.world)


def _show_behaviour(question: Question) -> Reply:
    return 200, write_behaviour(question.world.behaviour)


def _change_behaviour(question: Question) -> Reply:
    changes = _read_json(question)
    if not isinstance(changes, dict):
        raise SwitchError("The switches are an object, name and value")
    question.world.behaviour = read_behaviour(question.world.behaviour, changes)
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
    made = create(world, world.behaviour, fields, flag, question.now)
    return 201, write_scenario(made, world.behaviour)


def _remove(question: Question) -> Reply:
    """Let a scenario vanish, which the API itself cannot."""
    if not question.world.remove(question.rest):
        return 404, {"error": f"There is no scenario with the key {question.rest!r}"}
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
    "reset": {"POST": _reset},
}
