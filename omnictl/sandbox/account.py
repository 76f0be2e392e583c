"""The rules of the account: default, order of the list, lag, normalisation. What nobody knows is a switch."""

import random
import secrets
import unicodedata
from collections.abc import Callable
from typing import Any

from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.errors import invalid
from omnictl.sandbox.store import Stored, World

EXTRA_SCENARIO_FIELD = "trafficType"
EXTRA_STEP_FIELD = "waitSeconds"
_EXTRA_VALUES: dict[str, Any] = {EXTRA_SCENARIO_FIELD: "TRANSACTIONAL", EXTRA_STEP_FIELD: 3600}
_CUT_LENGTH = 10


def create(world: World, behaviour: Behaviour, body: dict[str, Any], flag: bool | None, now: float) -> Stored:
    """Add a scenario. The first one becomes the default whatever it says, unless `false` clears the default."""
    with world.transaction():
        first = world.count() == 0 and not (flag is False and behaviour.default_false == "cleared")
        is_default = bool(flag) or first
        if is_default:
            _clear_defaults(world, behaviour, now)
        stored = Stored(secrets.token_hex(16).upper(), _as_kept(body, behaviour, is_new=True), is_default, now)
        world.put(stored)
    return stored


def update(
    world: World, behaviour: Behaviour, key: str, body: dict[str, Any], flag: bool | None, now: float
) -> Stored | None:
    """Change a scenario; None if there is none. ``flag`` moves the default here, and may take it away."""
    with world.transaction():
        was = world.get(key)
        if was is None:
            return None
        if flag is False and was.is_default and behaviour.default_false == "refused":
            raise invalid({"default": ["the default scenario cannot be unset"]})
        is_default = bool(flag) or (was.is_default and not (flag is False and behaviour.default_false == "cleared"))
        if flag and not was.is_default:
            _clear_defaults(world, behaviour, now)
        merged = {**was.body, **body} if behaviour.put == "merge" else body
        stored = Stored(key, _as_kept(merged, behaviour, is_new=False), is_default, now, *_shown(was, behaviour, now))
        world.put(stored)
    return stored


def list_page(
    world: World, behaviour: Behaviour, *, default: bool | None, limit: int, page: int, now: float
) -> list[Stored]:
    """Return one page, in the order and with the lag of the behaviour."""
    if behaviour.page_limit:
        limit = min(limit, behaviour.page_limit)
    if behaviour.list_order == "created" and not behaviour.list_lag_seconds:
        return world.list_page(default=default, limit=limit, offset=limit * page)
    shown = [each for each in (_as_listed(row, behaviour, now) for row in world.list_all()) if each is not None]
    if default is not None:
        shown = [each for each in shown if each.is_default is default]
    ordered = _ORDERS[behaviour.list_order](shown)
    return ordered[limit * page : limit * (page + 1)]


def _in_any_order(rows: list[Stored]) -> list[Stored]:
    return random.sample(rows, len(rows))


_ORDERS: dict[str, Callable[[list[Stored]], list[Stored]]] = {
    "created": lambda rows: rows,
    "updated": lambda rows: sorted(rows, key=lambda each: -each.changed_at),
    "shuffled": lambda rows: sorted(rows, key=lambda each: each.key),  # keys are made by chance
    "changing": _in_any_order,
}


def _clear_defaults(world: World, behaviour: Behaviour, now: float) -> None:
    if behaviour.defaults == "several":
        return
    for each in world.defaults():
        world.put(Stored(each.key, each.body, False, now, *_shown(each, behaviour, now)))


def _lags(row: Stored, behaviour: Behaviour, now: float) -> bool:
    return now < row.changed_at + behaviour.list_lag_seconds


def _shown(row: Stored, behaviour: Behaviour, now: float) -> tuple[dict[str, Any] | None, bool]:
    """What the list shows of a row until the write that is about to be made has come through."""
    return (row.before, row.was_default) if _lags(row, behaviour, now) else (row.body, row.is_default)


def _as_listed(row: Stored, behaviour: Behaviour, now: float) -> Stored | None:
    body, is_default = _shown(row, behaviour, now)
    return None if body is None else Stored(row.key, body, is_default, row.changed_at)


def _as_kept(body: dict[str, Any], behaviour: Behaviour, *, is_new: bool) -> dict[str, Any]:
    """Return the fields as the service keeps them: texts normalised, extra fields known or not."""
    kept = dict(body)
    if "name" in kept:
        kept["name"] = _normalise(kept["name"], behaviour.names)
    steps = [dict(step) for step in kept["flow"]]
    for step in steps:
        if "from" in step:
            step["from"] = _normalise(step["from"], behaviour.senders)
    kept["flow"] = steps
    _keep_extra(kept, EXTRA_SCENARIO_FIELD, behaviour, is_new=is_new)
    for step in steps:
        _keep_extra(step, EXTRA_STEP_FIELD, behaviour, is_new=is_new)
    return kept


def _keep_extra(fields: dict[str, Any], name: str, behaviour: Behaviour, *, is_new: bool) -> None:
    if behaviour.extra_fields == "absent":
        fields.pop(name, None)
    elif is_new:
        fields.setdefault(name, _EXTRA_VALUES[name])


def _normalise(text: str, how: str) -> str:
    match how:
        case "trimmed":
            return " ".join(text.split())
        case "lower":
            return text.lower()
        case "upper":
            return text.upper()
        case "nfkc":
            return unicodedata.normalize("NFKC", text)
        case "cut":
            return text[:_CUT_LENGTH]
        case _:
            return text
