"""What was asked for, was not answered, and appears only later: scenarios and messages."""

from contextlib import suppress
from typing import Any

from omnictl.sandbox.account import create, update
from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.clock import to_ms
from omnictl.sandbox.errors import ApiError
from omnictl.sandbox.sending import send
from omnictl.sandbox.sends import read_send
from omnictl.sandbox.store import Later, World


def commit_later(world: World, at: float, key: str | None, body: dict[str, Any], flag: bool | None) -> None:
    """Let the write of a scenario appear at its time; ``key`` is None for a create."""
    world.put_later(Later(at, key, body, flag))


def commit_send_later(world: World, at: float, content: bytes, *, is_simple: bool) -> None:
    """Let the messages of a body be taken at their time."""
    with world.transaction():
        world.query("INSERT INTO later_sends (at, is_simple, content) VALUES (?, ?, ?)", at, is_simple, content)


def commit_due(world: World, behaviour: Behaviour, now: float) -> None:
    """Do what was not answered and whose time has come, as of its time: the lag of the list runs since.

    What is refused by then is lost: nobody is left to hear of it.
    """
    if not world.has_due(now):
        return
    with world.transaction():
        for each in world.take_due(now):
            with suppress(ApiError):
                _commit(world, behaviour, each)
        late = world.query("DELETE FROM later_sends WHERE at <= ? RETURNING at, is_simple, content", now)
        for at, is_simple, content in sorted(late):
            with suppress(ApiError):
                send(world, behaviour, read_send(content, to_ms(at), is_simple=bool(is_simple)), at)


def _commit(world: World, behaviour: Behaviour, late: Later) -> None:
    if late.key is None:
        create(world, behaviour, late.body, late.flag, late.at)
    else:
        update(world, behaviour, late.key, late.body, late.flag, late.at)
