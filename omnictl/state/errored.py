"""What could not be stored, or is to make way for a state, saved beside the user."""

import tempfile
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from omnictl.codec.shapes import MOST
from omnictl.codec.state import encode_state, guess_serial
from omnictl.durable import make_private_directory, replace_file, shown
from omnictl.errors import StateWriteError
from omnictl.model.state import State
from omnictl.state.base import Aside
from omnictl.state.problems import cannot

_FOLDER = "errored"
_UNREADABLE = "unreadable"
_PREFIX = "omnictl-errored-"


def is_errored(path: Path, work_dir: Path) -> bool:
    """Tell whether a file lies where states are saved that could not be stored."""
    folder = path.resolve().parent
    return folder == (work_dir / _FOLDER).resolve() or folder.name.startswith(_PREFIX)


def save_errored(state: State, *, work_dir: Path, environment: str) -> str:
    """Save a state that could not be stored; in the temporary directory where even that fails. Return its path.

    An errored state that is there already is left alone: it may hold the only copy of its keys.
    """
    content = encode_state(replace(state, serial=min(state.serial, MOST))).encode()  # its keys weigh more
    name = f"{environment}-{state.serial}"
    try:
        return _save(make_private_directory(work_dir / _FOLDER), name, content)
    except OSError:
        pass
    try:
        return _save(Path(tempfile.mkdtemp(prefix=_PREFIX)), name, content)
    except OSError as error:
        raise StateWriteError(cannot("write", tempfile.tempdir or "the temporary directory", error)) from None


def save_unreadable(content: bytes, *, work_dir: Path, environment: str) -> Aside:
    """Save what is stored and is no state, before a state takes its place. Raises StateWriteError."""
    folder = work_dir / _UNREADABLE
    try:
        return Aside(_save(make_private_directory(folder), environment, content), guess_serial(content))
    except OSError as error:
        raise StateWriteError(cannot("write", shown(folder), error)) from None


def _save(directory: Path, name: str, content: bytes) -> str:
    names = (f"{name}{f'-{n}' if n > 1 else ''}.json" for n in count(1))
    path = next(directory / name for name in names if not (directory / name).exists())
    replace_file(path, content, private=True)
    return shown(path)
