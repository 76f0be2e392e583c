"""Pushes of delivery and seen reports to the URL of a request, with the documented retries; none leaves the machine."""

import hmac
import http.client
import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.clock import RETENTION_MS, horizon, to_ms, write_time
from omnictl.sandbox.outbox import Push, claim_push, end_push, list_due_pushes, mark_taken
from omnictl.sandbox.reports import shown_id, write_report
from omnictl.sandbox.sends import Send
from omnictl.sandbox.store import World

_MINUTE_MS = 60_000
_TIMEOUT_SECONDS = 5.0
_MOST_AT_ONCE = 100
_MOST_READ = 65_536

Post = Callable[[str, bytes, Mapping[str, str]], int]
"""Posts a body with headers to a URL and returns the status of the answer. Raises OSError where there is none."""


def plan_push(request: Send, kind: str) -> tuple[str, str, str] | None:
    """Say of a kind of event whether it is pushed: URL, state, note. None where the request does not want it."""
    if request.notify_url is None or not request.is_notified or kind == "silent":
        return None
    if kind == "interim" and not request.is_intermediate:
        return None
    if not request.notifies_in_json:
        return request.notify_url, "not-sent", "XML is not spoken here"
    note = _refusal(request.notify_url)
    return (request.notify_url, "not-sent", note) if note else (request.notify_url, "due", "")


def push_due(world: World, behaviour: Behaviour, now: float, post: Post) -> bool:
    """Make the pushes whose time has come; tell whether there may be more of them.

    Where a URL does not answer, the others to it wait for their next time at once.
    """
    now_ms, silent = to_ms(now), dict[str, str]()
    due = list_due_pushes(world, now_ms, horizon(behaviour, now), _MOST_AT_ONCE)
    for push in due:
        retry = push.attempts + 1
        next_at = now_ms + _MINUTE_MS + _MINUTE_MS * retry**2
        if not claim_push(world, push, next_at, "being sent"):
            continue
        note = silent.get(push.url) or _try(push, behaviour, post)
        if not note:
            end_push(world, push, "sent", "")
            if push.kind == "report" and behaviour.pushed_reports == "taken":
                mark_taken(world, [push.event], now_ms)
            continue
        silent[push.url] = note
        is_last = next_at > push.row.at + RETENTION_MS
        end_push(world, push, "given-up" if is_last else "due", note)
    return len(due) == _MOST_AT_ONCE


def _try(push: Push, behaviour: Behaviour, post: Post) -> str:
    """Make one push; return why it was in vain, or nothing."""
    row = push.row
    if push.kind == "seen":
        document: dict[str, Any] = {
            "messageId": shown_id(row, behaviour),
            "from": row.sender,
            "to": row.recipient,
            "sendAt": write_time(row.sent_at),
            "seenAt": write_time(row.at),
        }
        document = {name: value for name, value in document.items() if value is not None}
    else:
        document = write_report(row, behaviour)
    try:
        status = post(push.url, json.dumps({"results": [document]}, ensure_ascii=False).encode(), {})
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    return "" if 200 <= status < 300 else f"answered {status}"


def sign_each(post: Post, secret: str) -> Post:
    """Return a post that says who it is from: the keyed hash of the body, in a header."""

    def signed(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        digest = hmac.new(secret.encode(), body, "sha1").hexdigest().upper()
        return post(url, body, {**headers, "x-hub-signature": f"SHA1={digest}"})

    return signed


def post_here(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post a body of JSON to this machine; follows no redirect. Raises OSError."""
    note = _refusal(url)
    if note:
        raise OSError(note)
    parts = urlsplit(url)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    error: OSError | None = None
    for host in _hosts(parts):
        connection = http.client.HTTPConnection(host, parts.port or 80, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            response.read(_MOST_READ)
        except ConnectionRefusedError as refused:
            error = refused
        else:
            return response.status
        finally:
            connection.close()
    raise error or OSError("nobody is there")


def _hosts(parts: SplitResult) -> tuple[str, ...]:
    """Return the addresses of this machine that a URL means; a name is not asked for."""
    host = parts.hostname or ""
    return ("127.0.0.1", "::1") if host == "localhost" else (host,)


def _refusal(url: str) -> str:
    """Say why nothing is sent to a URL; empty where it is of this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "the URL cannot be read"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "the URL cannot be read"
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        return "nothing leaves this machine"
    return "" if parts.scheme.lower() == "http" else "only http is spoken to this machine"
