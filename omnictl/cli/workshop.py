"""What an operation that keeps state works with, made from the session; it is closed with the run."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from omnictl.cli.context import Session
from omnictl.cli.provider import open_provider
from omnictl.cli.system import utc_now
from omnictl.model.outcome import Event
from omnictl.model.state import State
from omnictl.operations.apply import Workshop
from omnictl.provider.base import Provider, StopSignal


def make_workshop(
    session: Session,
    operation: str,
    stack: ExitStack,
    stop: StopSignal,
    observe: Callable[[Event], None],
    *,
    read_only: bool,
    seconds: float | None = None,
) -> Workshop:
    """Return the workshop of an operation; ``stack`` closes the provider that it opens.

    ``seconds`` is how long it takes at most, for those who wait for its lock; None where nobody knows.
    """
    expected_end = None if seconds is None else utc_now() + timedelta(seconds=seconds)

    def open_one(state: State) -> Provider:
        provider = open_provider(session, state, stop, observe, read_only=read_only)
        # After a stop something may still be in flight; its connection is not cut by us.
        stack.callback(lambda: None if stop.is_set else provider.close())
        return provider

    return Workshop(
        open_provider=open_one,
        backend=session.backend,
        stop=stop,
        observe=observe,
        clock=utc_now,
        monotonic=time.monotonic,
        workers=session.workers,
        holder=session.holder(operation, expected_end),
    )
