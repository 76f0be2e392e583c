"""The parameters of a request: names in any case, repeated or joined by commas, unknown ones ignored."""

import re
from collections.abc import Callable

from werkzeug.wrappers import Request

from omnictl.sandbox.errors import ApiError, invalid

_MOST_DIGITS = 9


class Query:
    """The parameters of one request. Every reader raises what ``refuse`` makes of the errors."""

    def __init__(self, request: Request, refuse: Callable[[dict[str, list[str]]], ApiError] = invalid) -> None:
        self._values: dict[str, list[str]] = {}
        self._refuse = refuse
        for name, values in request.args.lists():
            self._values.setdefault(name.lower(), []).extend(each for each in values if each)

    def text(self, name: str) -> str | None:
        """Return the first value; None where there is none."""
        values = self._values.get(name.lower())
        return values[0] if values else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all values, those joined by commas too."""
        joined = ",".join(self._values.get(name.lower(), ()))
        return tuple(each for each in (part.strip() for part in joined.split(",")) if each)

    def number(self, name: str, usual: int) -> int:
        """Return a whole number of at least 0."""
        text = self.text(name)
        if text is None:
            return usual
        if not re.fullmatch(r"[0-9]+", text):
            raise self._refuse({name: ["must be greater than or equal to 0"]})
        if len(text) > _MOST_DIGITS:
            raise self._refuse({name: [f"must have at most {_MOST_DIGITS} digits"]})
        return int(text)

    def flag(self, *names: str) -> bool | None:
        """Return what the first of several spellings says that says anything."""
        for name in names:
            text = (self.text(name) or "").lower()
            if text in ("true", "1"):
                return True
            if text in ("false", "0"):
                return False
        return None
