"""What must never reach a terminal, a page or a runner as it is: characters that steer it, or hide."""

import re

_STEERING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
    "\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def find_steering(text: str) -> str:
    """Return the first such character of a text, as U+NNNN; "" where it has none."""
    found = _STEERING.search(text)
    return f"U+{ord(found[0]):04X} after {text[max(0, found.start() - 60) : found.start()]!r}" if found else ""
