"""What an apply takes: how many requests of each kind, and how long the throttles make it."""

from collections.abc import Iterable, Sequence

from omnictl.model.change import Adopt, Change, Create, Rename, Retire, SetDefault, Update

SECONDS_PER_REQUEST = 0.3
"""A guess for one request where nothing is known; it only matters where no throttle does."""


def count_creates(changes: Iterable[Change]) -> int:
    """Return how many POSTs the changes need."""
    return sum(1 for each in changes if isinstance(each, Create))


def count_updates(changes: Iterable[Change]) -> int:
    """Return how many PUTs the changes need."""
    return sum(1 for each in changes if sends_update(each))


def sends_update(change: Change) -> bool:
    """Tell whether a change needs a PUT."""
    match change:
        case Update() | SetDefault():
            return True
        case Retire(actual=actual, desired=desired):
            return actual != desired
        case Adopt(fields=fields) | Rename(fields=fields):
            return bool(fields)
        case _:
            return False


def estimate_seconds(
    requests: int, *, limit: int | None, window_seconds: float, used_ages: Sequence[float] = ()
) -> float:
    """Return how long so many requests take under a sliding window; ``used_ages`` are seconds since recent ones.

    Source: a request may leave when fewer than ``limit`` left in the ``window_seconds`` before it.
    """
    if not requests:
        return 0.0
    if limit is None:
        return requests * SECONDS_PER_REQUEST
    leaves = sorted(-age for age in used_ages)
    for _ in range(requests):
        leaves.append(max(0.0, leaves[-limit] + window_seconds) if len(leaves) >= limit else 0.0)
    return leaves[-1] + SECONDS_PER_REQUEST * min(requests, limit)


def count_left(requests: int, seconds: float, limit: int, window_seconds: float, *, permits_now: int) -> int:
    """Return how many requests have not left after so many seconds: what may leave now does, then a limit a window."""
    taken = permits_now + limit * int(seconds / window_seconds)
    return max(0, requests - taken)
