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

_WAVE_SECONDS = 1.0
_LARGEST_WAVE = 256


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
        self._size = max(1, tools.workers)
        self._began_at = float("-inf")

    def prepare(self, flying: int) -> None:
        """Make the next intents durable when the ready ones run out and the budget allows more than are ``flying``.

        Raises StateWriteError where they cannot be.
        """
        if not self.left or len(self.ready) >= self._tools.workers:
            return
        room = self._tools.provider.permits(Operation.CREATE) - len(self.ready) - flying
        size = min(self._size, room, len(self.left))
        if size <= 0:
            return
        wave = [self.left.popleft() for _ in range(size)]
        self._resize()
        intents = [self._make_intent(each) for each in wave]
        self._tools.keeper.advance(lambda state: add_intents(state, intents))
        self._tools.keeper.flush()
        self.ready.extend(Sent(create, intent) for create, intent in zip(wave, intents, strict=True))

    def drop_unsent(self) -> None:
        """Take back the intents whose request never left."""
        for sent in self.ready:
            self._tools.keeper.advance(partial(drop_intent, address=sent.change.address))
        self.ready.clear()
        if self._tools.keeper.failure is None:
            self._tools.keeper.flush()

    def _resize(self) -> None:
        """Aim at about a second's creates, so that no intent grows old before its request leaves."""
        now = self._tools.monotonic()
        quick = now - self._began_at < _WAVE_SECONDS or self._began_at == float("-inf")
        self._size = min(2 * self._size, _LARGEST_WAVE) if quick else max(self._tools.workers, self._size // 2, 1)
        self._began_at = now

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
