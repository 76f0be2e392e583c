"""httpx without its command line, which loads rich: that takes as long as the rest of httpx, and is not needed."""

import sys

_COMMAND_LINE = "httpx._main"

sys.modules.setdefault(_COMMAND_LINE, None)  # type: ignore[arg-type]  # None makes the import fail, as httpx expects
import httpx as httpx  # noqa: E402

if sys.modules[_COMMAND_LINE] is None:
    del sys.modules[_COMMAND_LINE]
