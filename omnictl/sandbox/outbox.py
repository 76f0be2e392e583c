"""The messages of a world in SQLite: what was taken, each attempted step, and what becomes known of it when."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from msgspec import Struct

from omnictl.sandbox.delivery import Attempt
from omnictl.sandbox.store import World

_COLUMNS = (
    "events.id, messages.message_id, steps.row_id, messages.bulk_id, messages.callback, steps.channel, steps.recipient,"
    " steps.sender, steps.text, steps.sent_at, steps.segments, steps.mcc_mnc, steps.price, events.at, events.status,"
    " events.error"
)
_JOINED = "JOIN steps ON steps.id = events.step JOIN messages ON messages.id = steps.message"
_LATEST = (
    "(SELECT id FROM events WHERE step = steps.id AND kind <> 'seen' AND at <= ? ORDER BY at DESC, id DESC LIMIT 1)"
)


class Taken(Struct, frozen=True):
    """One message as the service took it, with all that will become of it."""

    message_id: str
    bulk_id: str
    scenario_key: str
    to: Mapping[str, Any]
    callback: str | None
    attempts: tuple[Attempt, ...]


class Row(Struct, frozen=True):
    """One row of a report or log; ``at`` is when its status became so. Times are milliseconds."""

    event: int
    message_id: str
    row_id: str
    bulk_id: str
    callback: str | None
    channel: str
    recipient: str
    sender: str | None
    text: str | None
    sent_at: int
    segments: int
    mcc_mnc: str | None
    price: float
    at: int
    status: str
    error: str


class Condition(Struct, frozen=True):
    """One condition of a query: a piece of SQL, and its values."""

    sql: str
    values: tuple[object, ...]


class Push(Struct, frozen=True):
    """One push that is to be made: of which event, where to, and how often it was tried."""

    id: int
    event: int
    kind: str
    url: str
    attempts: int
    row: Row


def one_of(column: str, values: Sequence[object]) -> Condition:
    """Return the condition that a column has one of some values."""
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def has_message(world: World, message_id: str) -> bool:
    """Tell whether a message with this id was taken before."""
    return bool(world.query("SELECT 1 FROM messages WHERE message_id = ? LIMIT 1", message_id))


def put_messages(
    world: World,
    messages: Sequence[Taken],
    now_ms: int,
    *,
    is_reported: bool,
    plan_push: Callable[[str], tuple[str, str, str] | None],
) -> None:
    """Keep messages with all their steps and events.

    Where they are not reported, only the log knows of them. ``plan_push`` says for a kind of event whether it is
    pushed: its URL, the state and a note.
    """
    with world.transaction():
        message, step, event = (_last_id(world, table) for table in ("messages", "steps", "events"))
        rows: dict[str, list[tuple[object, ...]]] = {"messages": [], "steps": [], "events": [], "pushes": []}
        for each in messages:
            message += 1
            to = json.dumps(each.to)
            rows["messages"].append(
                (message, each.message_id, each.bulk_id, each.scenario_key, to, each.callback, now_ms)
            )
            for attempt in each.attempts:
                step += 1
                rows["steps"].append((step, message, str(uuid4()), *_step_fields(attempt)))
                for known in attempt.events:
                    event += 1
                    kind = "silent" if known.kind == "report" and not is_reported else known.kind
                    group = int(known.status.split("/")[1])
                    rows["events"].append((event, step, known.at, kind, known.status, group, known.error, None))
                    push = plan_push(kind)
                    if push is not None:
                        url, state, note = push
                        rows["pushes"].append((None, event, url, known.at, 0, state, note))
        for table, lines in rows.items():
            if lines:
                marks = ", ".join("?" * len(lines[0]))
                world.query_many(f"INSERT INTO {table} VALUES ({marks})", lines)  # noqa: S608


def _last_id(world: World, table: str) -> int:
    return int(world.query(f"SELECT COALESCE(MAX(id), 0) FROM {table}")[0][0])  # noqa: S608


def _step_fields(attempt: Attempt) -> tuple[object, ...]:
    return (
        attempt.channel,
        attempt.recipient,
        attempt.sender,
        attempt.text,
        attempt.sent_at,
        attempt.segments,
        attempt.mcc_mnc,
        attempt.price,
    )


def take_reports(
    world: World, conditions: Sequence[Condition], *, since_ms: int, until_ms: int, limit: int, now_ms: int
) -> list[Row]:
    """Return the unread reports, the oldest first, and mark them as read."""
    where, values = _where(conditions)
    with world.transaction():
        rows = _read_rows(
            world,
            f"SELECT {_COLUMNS} FROM events {_JOINED}"  # noqa: S608
            " WHERE events.taken_at IS NULL AND events.kind = 'report' AND events.at > ? AND events.at <= ?"
            f"{where} ORDER BY events.at, events.id LIMIT ?",
            since_ms,
            until_ms,
            *values,
            limit,
        )
        mark_taken(world, [each.event for each in rows], now_ms)
    return rows


def mark_taken(world: World, events: Sequence[int], now_ms: int) -> None:
    """Mark reports as read."""
    world.query_many("UPDATE events SET taken_at = ? WHERE id = ?", [(now_ms, each) for each in events])


def list_log(world: World, conditions: Sequence[Condition], *, since_ms: int, until_ms: int, limit: int) -> list[Row]:
    """Return the attempted steps with the latest that is known of each, the newest first."""
    where, values = _where(conditions)
    return _read_rows(
        world,
        f"SELECT {_COLUMNS} FROM steps JOIN messages ON messages.id = steps.message"  # noqa: S608
        f" JOIN events ON events.id = {_LATEST} WHERE steps.sent_at > ? AND steps.sent_at <= ?{where}"
        " ORDER BY steps.sent_at DESC, steps.id DESC LIMIT ?",
        until_ms,
        since_ms,
        until_ms,
        *values,
        limit,
    )


def list_due_pushes(world: World, now_ms: int, first_until_ms: int, limit: int) -> list[Push]:
    """Return the pushes whose time has come; a first attempt's time may be another one than the clock's."""
    rows = world.query(
        f"SELECT pushes.id, events.kind, pushes.url, pushes.attempts, {_COLUMNS} FROM pushes"  # noqa: S608
        f" JOIN events ON events.id = pushes.event {_JOINED}"
        " WHERE pushes.state = 'due' AND (pushes.due_at <= ? OR (pushes.attempts = 0 AND pushes.due_at <= ?))"
        " ORDER BY pushes.due_at, pushes.id LIMIT ?",
        now_ms,
        first_until_ms,
        limit,
    )
    return [Push(number, row[0], kind, url, attempts, Row(*row)) for number, kind, url, attempts, *row in rows]


def claim_push(world: World, push: Push, next_at: int, note: str) -> bool:
    """Count an attempt and set the time of the next; False where somebody else has made it in the meantime."""
    return bool(
        world.query(
            "UPDATE pushes SET attempts = attempts + 1, due_at = ?, note = ?"
            " WHERE id = ? AND attempts = ? AND state = 'due' RETURNING 1",
            next_at,
            note,
            push.id,
            push.attempts,
        )
    )


def end_push(world: World, push: Push, state: str, note: str) -> None:
    """Write down that a push was made, or is given up."""
    world.query("UPDATE pushes SET state = ?, note = ? WHERE id = ?", state, note, push.id)


def list_pushes(world: World) -> list[dict[str, Any]]:
    """Return all pushes and how they stand, as they are shown."""
    rows = world.query(
        "SELECT messages.message_id, events.kind, url, pushes.due_at, attempts, state, note FROM pushes"  # noqa: S608
        f" JOIN events ON events.id = pushes.event {_JOINED} ORDER BY pushes.id"
    )
    names = ("messageId", "kind", "url", "due_at", "attempts", "state", "note")
    return [dict(zip(names, row, strict=True)) for row in rows]


def list_messages(world: World) -> list[dict[str, Any]]:
    """Return every message that was taken, in the order of the first time, and how many times."""
    rows = world.query(
        "SELECT message_id, bulk_id, recipient, scenario_key, COUNT(*), MIN(taken_at) FROM messages"
        " GROUP BY message_id ORDER BY MIN(id)"
    )
    return [
        {
            "messageId": message,
            "bulkId": bulk,
            "to": json.loads(to),
            "scenarioKey": key,
            "times": times,
            "at": at / 1000,
        }
        for message, bulk, to, key, times, at in rows
    ]


def count_outbox(world: World, since_ms: int, until_ms: int) -> dict[str, int]:
    """Return how many messages were taken, how many reports are unread, and how many pushes are still to be made."""
    unread = "SELECT COUNT(*) FROM events WHERE taken_at IS NULL AND kind = 'report' AND at > ? AND at <= ?"
    return {
        "messages": int(world.query("SELECT COUNT(*) FROM messages")[0][0]),
        "unread_reports": int(world.query(unread, since_ms, until_ms)[0][0]),
        "pushes_due": int(world.query("SELECT COUNT(*) FROM pushes WHERE state = 'due'")[0][0]),
    }


def _where(conditions: Sequence[Condition]) -> tuple[str, list[object]]:
    text = "".join(f" AND {each.sql}" for each in conditions)
    return text, [value for each in conditions for value in each.values]


def _read_rows(world: World, statement: str, *values: object) -> list[Row]:
    return [Row(*row) for row in world.query(statement, *values)]
