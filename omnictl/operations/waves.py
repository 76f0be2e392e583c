"""The creates of an apply in waves: their intents are durable before one of them may leave.

The write that carries the keys of one wave carries the intents of the next.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct

from omnictl.engine.advance import add_intents, drop_intent
from omnictl.engine.alikes import Alikes
from omnictl.engine.recover import owned_keys
from omnictl.model.change import Adopt, Create, Rename, Retire, Update
from omnictl.model.scenario import Remote
from omnictl.model.state import Intent
from omnictl.operations.run import Tally, Tools
from omnictl.provider.base import Operation

PutChange = Update | Adopt | Rename | Retire

CREATES_A_SECOND = 20
"""What one worker is thought to do before it is known: an answer in 50 ms."""
_SECONDS_AHEAD = 1.5
"""For how long the intents that are ready shall last: a store takes one write a second, and each takes its time."""
_MOST_READY = 1024
HANDED_OUT = 2
"""How many creates are handed to a worker at once: the one in flight, and the next, so that none waits for the thread
that writes the state. The intents of both are durable. One worker alone stays strictly one thing after the other."""


class Sent(Struct, frozen=True):
    """A request in flight, or ready to be: its change, and for a create the intent."""

    change: Create | PutChange
    intent: Intent | None = None


class Waves:
    """What is left to create, and what is ready: its intent is on disk. Used by one thread alone."""

    def __init__(self, tools: Tools, tally: Tally, remotes: Mapping[str, Remote], creates: Iterable[Create]) -> None:
        self.left = deque(creates)
        self.ready: deque[Sent] = deque()
        self._tools = tools
        self._tally = tally
        self._alikes = Alikes(remotes, owned_keys(tools.keeper.state))
        # An intent that a dead run left counts as a request that may have left: no more of them than is of use.
        self._level = max(1, tools.workers) * (1 if tools.keeper.may_write_often else CREATES_A_SECOND)
        self._filled = 0
        self._filled_at = float("-inf")
        self._ran_out_at: float | None = None

    def prepare(self, flying: int, *, is_idle: bool) -> None:
        """Make more intents durable, as a write is due or the ready ones run out, for as many as the budget allows
        beside those ``flying``. ``is_idle``: nothing is in flight, and nothing is lost by waiting.

        Raises StateWriteError where they cannot be.
        """
        if self._is_time(is_idle=is_idle) and self.add(flying):
            self._tools.keeper.flush()

    def _is_time(self, *, is_idle: bool) -> bool:
        keeper = self._tools.keeper
        runs_out = len(self.ready) < (1 if keeper.may_write_often else self._tools.workers)
        if runs_out and self._ran_out_at is None:
            self._ran_out_at = self._tools.monotonic()
        if keeper.seconds_until_due <= 0.0:
            return True
        return runs_out and (is_idle or keeper.seconds_until_allowed <= 0.0)

    def add(self, flying: int = 0) -> bool:
        """Fill up what is ready with intents that the next write makes durable; return whether there are any."""
        if not self.left:
            return False
        room = self._tools.provider.permits(Operation.CREATE) - len(self.ready) - flying
        if room <= 0:
            self._filled = 0  # from now on it is the budget that sets the pace
            return False
        self._look_at_rate()
        size = min(self._level - len(self.ready), room, len(self.left))
        if size <= 0:
            return False
        wave = [self.left.popleft() for _ in range(size)]
        intents = [self._make_intent(each) for each in wave]
        self._tools.keeper.advance(lambda state: add_intents(state, intents))
        self.ready.extend(Sent(create, intent) for create, intent in zip(wave, intents, strict=True))
        self.measure_anew()
        return True

    def measure_anew(self) -> None:
        """Look from now on how fast those that are ready are sent."""
        self._filled, self._filled_at, self._ran_out_at = len(self.ready), self._tools.monotonic(), None

    def withdraw(self) -> None:
        """Put back what is ready, in its order: something else has to go first."""
        self._withdraw(len(self.ready))

    def _withdraw(self, number: int) -> None:
        for _ in range(number):
            change = self.ready.pop().change
            self._tools.keeper.advance(partial(drop_intent, address=change.address))
            if isinstance(change, Create):
                self.left.appendleft(change)

    def drop_unsent(self) -> None:
        """Take back the intents whose request never left; the next write says so."""
        for sent in self.ready:
            self._tools.keeper.advance(partial(drop_intent, address=sent.change.address))
        self.ready.clear()

    def _look_at_rate(self) -> None:
        """Aim at a little more than a second's creates, so that no intent grows old before its request leaves.

        Where the service has become slow, those that are ready beyond that are put back.
        """
        workers = self._tools.workers
        if self._filled <= HANDED_OUT * workers:  # they were handed out at once, which says nothing of their pace
            self._level = max(self._level, 2 * self._filled)
            return
        until = self._tools.monotonic() if self._ran_out_at is None else self._ran_out_at
        used, seconds = self._filled - len(self.ready), max(until - self._filled_at, 0.001)
        level = max(_SECONDS_AHEAD * used / seconds, self._level / 2, 2 * HANDED_OUT * workers)
        self._level = int(min(level, 2 * self._level, _MOST_READY))
        if len(self.ready) > self._level:
            self._withdraw(len(self.ready) - self._level)
            self.measure_anew()

    def _make_intent(self, create: Create) -> Intent:
        now = self._tools.clock()
        return Intent(
            address=create.address,
            body=create.desired,
            default=create.becomes_default and self._tally.plan.default.managed,
            run=self._tools.run_id,
            created_at=now,
            not_after=self._tools.intent_deadline(now),
            known_keys=tuple(near.key for near in self._alikes.of(create.desired)),
            lifecycle=create.lifecycle,
            replaces=create.replaces,
        )
