"""Taking messages: which scenario, which ids, what is refused, and the answer. The failover is in delivery.py."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from msgspec import Struct

from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.channels import ADDRESSES, plain_address
from omnictl.sandbox.clock import to_ms
from omnictl.sandbox.codes import get_status, write_status
from omnictl.sandbox.delivery import ENROUTE, REFUSED, deliver
from omnictl.sandbox.errors import bad_request
from omnictl.sandbox.outbox import Taken, has_message, put_messages
from omnictl.sandbox.personas import find_persona
from omnictl.sandbox.pushes import plan_push
from omnictl.sandbox.sends import Destination, Send
from omnictl.sandbox.store import Stored, World

_REPEATED = "General/5/23"
_NOBODY = "General/5/51"


class _Receipt(Struct, frozen=True):
    """What the answer says of one message."""

    to: Mapping[str, Any]
    status: str
    message_id: str


def send(world: World, behaviour: Behaviour, request: Send, now: float) -> dict[str, Any]:
    """Take the messages of a request and return the answer. Raises ApiError where there is no scenario for it."""
    now_ms = to_ms(now)
    with world.transaction():
        scenario = find_scenario(world, request)
        bulk_id = request.bulk_id or str(uuid4())
        receipts, taken = list[_Receipt](), list[Taken]()
        seen = set[str]()
        for each in request.destinations:
            message_id = each.message_id or str(uuid4())
            status = _judge(world, behaviour, each, message_id, seen)
            seen.add(message_id)
            receipts.append(_Receipt(each.to, status, message_id))
            if status == ENROUTE:
                taken.append(_take(world, request, each, scenario, message_id, bulk_id, now_ms))
        put_messages(
            world,
            taken,
            now_ms,
            is_reported=request.is_notified,
            plan_push=lambda kind: plan_push(request, kind),
        )
    return _write_answer(behaviour, request, receipts, bulk_id)


def find_scenario(world: World, request: Send) -> Stored:
    """Return the scenario that is asked for, or the default. Raises ApiError."""
    if request.scenario_key is not None:
        found = world.get(request.scenario_key)
        if found is None:
            raise bad_request({"scenarioKey": ["must be the key of a scenario"]})
        return found
    defaults = world.defaults()
    if not defaults:
        raise bad_request({"scenarioKey": ["must not be empty where there is no default scenario"]})
    return defaults[-1]


def _judge(world: World, behaviour: Behaviour, destination: Destination, message_id: str, seen: set[str]) -> str:
    """Return the status with which a message is answered: it is on its way, or refused."""
    addresses = [plain_address(destination.to[name]) for name in ADDRESSES if destination.to.get(name)]
    if not addresses:
        return _NOBODY
    if behaviour.repeated_message_ids == "rejected" and (message_id in seen or has_message(world, message_id)):
        return _REPEATED
    for address in addresses:
        persona = find_persona(world, address, "")
        if persona.outcome == "refused":
            return persona.status or REFUSED
    return ENROUTE


def _take(
    world: World,
    request: Send,
    destination: Destination,
    scenario: Stored,
    message_id: str,
    bulk_id: str,
    now_ms: int,
) -> Taken:
    attempts = deliver(
        scenario.body["flow"],
        request.contents,
        destination.to,
        lambda address, channel: find_persona(world, address, channel),
        max(now_ms, request.send_at_ms or 0),
    )
    return Taken(message_id, bulk_id, scenario.key, destination.to, request.callback, attempts)


def _write_answer(behaviour: Behaviour, request: Send, receipts: list[_Receipt], bulk_id: str) -> dict[str, Any]:
    shows_bulk = len(receipts) > 1 or (request.bulk_id is not None and behaviour.reply_bulk_id == "supplied")
    messages = [
        {"to": each.to, "status": write_status(get_status(each.status)), "messageId": each.message_id}
        for each in receipts
    ]
    return {**({"bulkId": bulk_id} if shows_bulk else {}), "messages": messages}
