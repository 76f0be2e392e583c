"""A reading that goes beside the writes of an apply."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from omnictl.model.scenario import Remote


class Reading:
    """A reading that goes beside the writes, in the first of their places; its answer is asked for when they ended.

    ``key`` says what is read, when it begins.
    """

    def __init__(self, read: Callable[[str], Remote | None], key: Callable[[], str]) -> None:
        self._read = read
        self._key = key
        self._future: Future[Remote | None] | None = None

    def begin(self, pool: ThreadPoolExecutor) -> None:
        """Read as soon as a worker is free."""
        self._future = pool.submit(self._read, self._key())

    def wait(self, seconds: float) -> None:
        """Wait for the answer, at most so long."""
        if self._future is not None:
            wait((self._future,), seconds)

    @property
    def has_begun(self) -> bool:
        """Whether it was asked for."""
        return self._future is not None

    @property
    def has_answer(self) -> bool:
        """Whether it was answered, if only by an error."""
        return self._future is not None and self._future.done() and not self._future.cancelled()

    @property
    def answer(self) -> Remote | None:
        """What was read. Raises what the reading raised."""
        return None if self._future is None else self._future.result()
