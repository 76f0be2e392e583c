"""Files from disk: never blocking, never more than a bound, UTF-8, and then YAML or JSON by their name."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from omnictl.config.documents import LARGEST_BYTES, Mark, MistakeError, Reading, mistake, source_at
from omnictl.config.endings import is_json_name
from omnictl.config.yaml import parse_yaml
from omnictl.model.diagnostic import Source

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def read_file(path: Path | str, shown: str) -> Reading:
    """Read a file; never blocks on what is no regular file, and never raises. ``shown`` is its path for people."""
    try:
        return parse_text(decode(read_bytes(path, shown), shown), shown)
    except MistakeError as found:
        return Reading(diagnostics=[found.diagnostic], is_whole=False)


class Overlay(Struct, frozen=True):
    """Texts that stand in for files, by the real path of each: what the files would say after an edit.

    Everything else is read from disk.
    """

    texts: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: Path | str, shown: str) -> Reading:
        """Read a file, or the text that stands in for it; never raises. ``shown`` is its path for people."""
        text = self.texts.get(os.path.realpath(path)) if self.texts else None
        return read_file(path, shown) if text is None else parse_text(text, shown)


ON_DISK = Overlay()
"""Nothing stands in for any file."""


def parse_text(text: str, shown: str) -> Reading:
    """Parse a text as what its name says: JSON, or else YAML. A leading byte order mark means nothing."""
    text = text.removeprefix("\ufeff")
    if is_json_name(shown):
        from omnictl.config.strict_json import parse_strict_json

        return parse_strict_json(text, shown)
    return parse_yaml(text, shown)


def read_bytes(path: Path | str, shown: str) -> bytes:
    """Return the bytes of a regular file of a bounded size. Raises MistakeError for everything else."""
    try:
        handle = os.open(path, _FLAGS)
        try:
            kind = os.fstat(handle)
            if not stat.S_ISREG(kind.st_mode):
                what = "a directory" if stat.S_ISDIR(kind.st_mode) else "not a regular file"
                raise MistakeError(mistake("not-a-file", "A file was expected", f"It is {what}.", Source(shown)))
            content = os.read(handle, min(kind.st_size, LARGEST_BYTES) + 1)
        finally:
            os.close(handle)
    except OSError as error:
        detail = f"{error.strerror or error}."
        raise MistakeError(mistake("unreadable-file", "The file cannot be read", detail, Source(shown))) from None
    if len(content) > LARGEST_BYTES or kind.st_size > LARGEST_BYTES:
        detail = f"It has {max(kind.st_size, len(content)):,} bytes; {LARGEST_BYTES:,} are read at most."
        hint = "split it; one file a scenario is usual"
        raise MistakeError(mistake("file-too-large", "The file is too large", detail, Source(shown), hint=hint))
    if len(content) != kind.st_size:
        detail = f"It had {kind.st_size:,} bytes, and {len(content):,} were read."
        hint = "run the same command again when nothing writes to it any more"
        raise MistakeError(
            mistake("file-in-motion", "The file changed as it was read", detail, Source(shown), hint=hint)
        )
    return content


def decode(content: bytes, shown: str) -> str:
    """Return the text of a file. Raises MistakeError, with the place, where it is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        before = content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", "replace")
        detail = f"The byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8."
        hint = "save the file as UTF-8"
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            detail = "It looks like UTF-16."
        source = source_at(shown, content.decode("utf-8", "replace"), Mark(line, len(before) + 1))
        raise MistakeError(mistake("not-utf-8", "The file is not UTF-8", detail, source, hint=hint)) from None


CODES = {
    "not-a-file": "A directory, a fifo or a device stands where a file was expected. Nothing is read from it.",
    "file-too-large": "The file has more than a megabyte; a scenario has a few hundred bytes.",
    "file-in-motion": "A file grew or shrank as it was read, so that what was read may be half of it. Run the same "
    "command again.",
    "unreadable-file": "The file cannot be opened. Check that it exists and may be read.",
    "not-utf-8": "The file holds bytes that are not UTF-8. Save it as UTF-8.",
}
