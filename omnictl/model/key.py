"""Keys in short: what people are shown of a long one."""

from msgspec import Struct


class Ends(Struct, frozen=True, order=True):
    """The beginning and the end of a key that is told in short."""

    first: str
    last: str

    def fit(self, key: str) -> bool:
        """Tell whether a key is one that is told so."""
        return len(key) > len(self.first) + len(self.last) and key.startswith(self.first) and key.endswith(self.last)
