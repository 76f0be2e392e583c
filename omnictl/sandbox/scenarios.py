"""The scenario on the wire: read with every tolerance that real clients need, written as documented."""

from typing import Any

from omnictl.sandbox.account import EXTRA_SCENARIO_FIELD, EXTRA_STEP_FIELD
from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.bodies import read_object
from omnictl.sandbox.channels import find_channel
from omnictl.sandbox.errors import invalid
from omnictl.sandbox.store import Stored


def read_scenario(content: bytes, *, partial: bool = False) -> tuple[dict[str, Any], bool | None]:
    """Return the fields of a body, and what it says of the default (None: nothing).

    ``partial``: what is missing stays as it is. Raises ApiError.
    """
    body = read_object(content, invalid)
    fields: dict[str, Any] = {}
    name = body.get("name")
    if name is not None:
        if not isinstance(name, str):
            raise invalid({"name": ["must be a string"]})
        fields["name"] = name
    flow = body.get("flow")
    if flow is not None or not partial:
        if not isinstance(flow, list) or not flow:
            raise invalid({"flow": ["must not be empty"]})
        fields["flow"] = [_read_step(f"flow[{i}]", step) for i, step in enumerate(flow)]
    if EXTRA_SCENARIO_FIELD in body:
        fields[EXTRA_SCENARIO_FIELD] = body[EXTRA_SCENARIO_FIELD]
    return fields, _read_flag(body)


def _read_flag(body: dict[str, Any]) -> bool | None:
    flag = body.get("default", body.get("defaultScenario"))
    if flag is not None and not isinstance(flag, bool):
        raise invalid({"default": ["must be a boolean"]})
    return flag


def _read_step(where: str, step: Any) -> dict[str, Any]:
    if not isinstance(step, dict):
        raise invalid({where: ["must be an object"]})
    sender = step.get("from")
    if sender is not None and not isinstance(sender, str):
        raise invalid({f"{where}.from": ["must be a string"]})
    fields = {**({} if sender is None else {"from": sender}), "channel": _read_channel(where, step.get("channel"))}
    if EXTRA_STEP_FIELD in step:
        fields[EXTRA_STEP_FIELD] = step[EXTRA_STEP_FIELD]
    return fields


def _read_channel(where: str, given: Any) -> str:
    channel = find_channel(given)
    if channel is None:
        raise invalid({f"{where}.channel": ["must be a known channel"]})
    return channel


def write_scenario(stored: Stored, behaviour: Behaviour) -> dict[str, Any]:
    """Return a scenario as the API shows it; absent fields stay absent."""
    document: dict[str, Any] = {"key": stored.key, **stored.body}
    if behaviour.default_field in ("default", "both"):
        document["default"] = stored.is_default
    if behaviour.default_field in ("defaultScenario", "both"):
        document["defaultScenario"] = stored.is_default
    return document
