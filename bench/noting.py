"""omnictl with the writes of a local state noted: ``python -m bench.noting FILE ARGUMENTS``; a line of JSON each.

A file has no server that could count. Noted is what the port of the backend is asked to write.
"""

import json
import sys
import time
from pathlib import Path

from omnictl.cli.main import main
from omnictl.model.state import State
from omnictl.state.local.backend import LocalBackend


def note_writes(path: Path) -> None:
    """Note when each write began, and how many bytes it made."""
    write = LocalBackend.write

    def write_and_note(self: LocalBackend, state: State) -> None:
        at = time.monotonic()
        write(self, state)
        with path.open("a") as file:
            file.write(json.dumps([at, Path(self.location).stat().st_size]) + "\n")

    LocalBackend.write = write_and_note  # type: ignore[method-assign]


if __name__ == "__main__":
    note_writes(Path(sys.argv.pop(1)))
    main()
