"""A state that could not be stored, saved beside the user."""

import tempfile
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from omnictl.codec.shapes import MOST
from omnictl.codec.state import encode_state
from omnictl.durable import make_private_directory, replace_file, shown
from omnictl.errors import StateWriteError
from omnictl.model.state import State
from omnictl.state.problems import cannot

_FOLDER = "errored"
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
    try:
        return _save(make_private_directory(work_dir / _FOLDER), environment, state.serial, content)
    except OSError:
        pass
    try:
        return _save(Path(tempfile.mkdtemp(prefix=_PREFIX)), environment, state.serial, content)
    except OSError as error:
        raise StateWriteError(cannot("write", tempfile.tempdir or "the temporary directory", error)) from None


def _save(directory: Path, environment: str, serial: int, content: bytes) -> str:
    names = (f"{environment}-{serial}{f'-{n}' if n > 1 else ''}.json" for n in count(1))
    path = next(directory / name for name in names if not (directory / name).exists())
    replace_file(path, content, private=True)
    return shown(path)
