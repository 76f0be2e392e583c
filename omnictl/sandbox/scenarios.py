"""The scenario on the wire: read with every tolerance that real clients need, written as documented."""

import json
from typing import Any

from omnictl.sandbox.errors import invalid
from omnictl.sandbox.store import Stored

_ORDINALS = ("SMS", "EMAIL", "VOICE", "PARSECO", "PUSH", "VIBER", "FACEBOOK", "LINE", "VKONTAKTE")
_CHANNELS = frozenset((*_ORDINALS, "KAKAO_CHINGU", "KAKAO_ALIM", "WHATSAPP"))


def read_scenario(content: bytes) -> tuple[dict[str, Any], bool]:
    """Return name and flow of a body, and whether it asks to be the default. Raises ApiError."""
    try:
        body = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise invalid({"body": ["must be JSON"]}) from None
    if not isinstance(body, dict):
        raise invalid({"body": ["must be an object"]})
    name = body.get("name")
    if name is not None and not isinstance(name, str):
        raise invalid({"name": ["must be a string"]})
    flow = body.get("flow")
    if not isinstance(flow, list) or not flow:
        raise invalid({"flow": ["must not be empty"]})
    scenario = {**({} if name is None else {"name": name}), "flow": [_read_step(i, s) for i, s in enumerate(flow)]}
    flag = body.get("default")
    return scenario, (body.get("defaultScenario") if flag is None else flag) is True


def _read_step(position: int, step: Any) -> dict[str, str]:
    where = f"flow[{position}]"
    if not isinstance(step, dict):
        raise invalid({where: ["must be an object"]})
    channel, sender = step.get("channel"), step.get("from")
    if isinstance(channel, int) and not isinstance(channel, bool) and 0 <= channel < len(_ORDINALS):
        channel = _ORDINALS[channel]
    if not isinstance(channel, str) or channel.upper() not in _CHANNELS:
        raise invalid({f"{where}.channel": ["must be a known channel"]})
    if sender is not None and not isinstance(sender, str):
        raise invalid({f"{where}.from": ["must be a string"]})
    return {**({} if sender is None else {"from": sender}), "channel": channel.upper()}


def write_scenario(stored: Stored) -> dict[str, Any]:
    """Return a scenario as the API shows it; absent fields stay absent."""
    return {"key": stored.key, **stored.body, "default": stored.is_default}
