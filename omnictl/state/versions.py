"""Kept versions of a state: the ones that the last runs began with, and the last ones of the run itself."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from omnictl.codec.state import decode_state
from omnictl.durable import make_private_directory, read_regular_file, replace_file, shown
from omnictl.errors import StateError, StateWriteError
from omnictl.model.state import State
from omnictl.state.base import StateVersion
from omnictl.state.problems import cannot

KEPT_RUNS = 10
KEPT_STEPS = 3
_NAME = re.compile(r"(\d{8,16})(\.step)?\.json", re.ASCII)
_UNSAFE = re.compile(r"[^0-9A-Za-z-]")


class Versions:
    """The kept versions under one directory, a directory for each lineage in it.

    A run writes the state many times. The version that it began with is kept longer than those on its way, so that
    one can go back to before an apply.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, content: bytes, lineage: str, serial: int, *, written_at: float, begins_run: bool) -> None:
        """Keep a version that is about to be replaced, with the time at which it was written.

        Raises StateWriteError where the one that a run began with cannot be kept; a later one is worth less than a key.
        """
        name = f"{serial:08d}.json" if begins_run else f"{serial:08d}.step.json"
        try:
            directory = make_private_directory(self._directory / _directory_of(lineage))
            replace_file(directory / name, content, private=True, modified_at=written_at)
            self._prune(directory)
        except OSError as error:
            if begins_run:
                raise StateWriteError(cannot("keep", self._shown, error)) from None

    @property
    def _shown(self) -> str:
        return shown(self._directory.parent)

    def _prune(self, directory: Path) -> None:
        found = _list(directory)
        steps = [path for _, path in found if path.name.endswith(".step.json")]
        runs = [path for _, path in found if not path.name.endswith(".step.json")]
        for old in (*steps[KEPT_STEPS:], *runs[KEPT_RUNS:]):
            with suppress(OSError):
                old.unlink()

    def all(self) -> tuple[StateVersion, ...]:
        """Return the kept versions of every lineage, the last written first. Raises StateError."""
        try:
            lineages = [each for each in self._directory.iterdir() if each.is_dir()] if self._directory.is_dir() else []
            found = [
                StateVersion(each.name, serial, datetime.fromtimestamp(path.stat().st_mtime, UTC), str(path))
                for each in lineages
                for serial, path in _list(each)
            ]
        except OSError as error:
            raise StateError(cannot("read", self._shown, error)) from None
        return tuple(sorted(found, key=lambda each: (each.written_at, each.serial), reverse=True))

    def find(self, lineage: str, serial: int) -> Path | None:
        """Return where a version is kept."""
        versions = _list(self._directory / _directory_of(lineage))
        return next((path for number, path in versions if number == serial), None)

    def read(self, lineage: str, serial: int) -> State | None:
        """Return a version; None where it is not kept, or goes while it is looked for. Raises StateError."""
        path = self.find(lineage, serial)
        if path is None:
            return None
        try:
            content = read_regular_file(path)
        except OSError as error:
            raise StateError(cannot("read", shown(path), error)) from None
        return None if content is None else decode_state(content, path=shown(path))

    def serials(self, lineage: str) -> list[int]:
        """Return the kept serials of a lineage, the highest first."""
        return [serial for serial, _ in _list(self._directory / _directory_of(lineage))]


def _directory_of(lineage: str) -> str:
    """Return the name of the directory of a lineage; a lineage comes from a file, so it may be any text."""
    return _UNSAFE.sub("_", lineage)[:64] or "_"


def _list(directory: Path) -> list[tuple[int, Path]]:
    """Return serial and path of each version in a directory, the highest first."""
    if not directory.is_dir():
        return []
    named = ((_NAME.fullmatch(path.name), path) for path in directory.iterdir())
    return sorted(((int(match[1]), path) for match, path in named if match), reverse=True)
