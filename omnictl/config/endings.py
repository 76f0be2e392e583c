"""What a file is by its name: scenarios, a message, JSON, or a name that was meant for one of these."""

ENDINGS = (".yaml", ".yml", ".json")
"""The endings of what is read, whatever their letter case."""
_OTHER_KINDS = tuple(f".{kind}{ending}" for kind in ("message", "omnitest") for ending in ENDINGS)
_MESSAGES = tuple(f".message{ending}" for ending in ENDINGS)
_SLIPS = (
    *(".yalm", ".ymal", ".yaaml", ".yamll", ".yam", ".ymll", ".yl", ".jsno", ".josn", ".jsn"),
    *(f"{ending}{more}" for ending in ENDINGS for more in (".txt", " ", ".", ",")),
)
"""Endings that nobody gives on purpose: typing errors, and what editors hang on to a name."""


def is_scenario_name(name: str) -> bool:
    """Tell whether a file of this name declares scenarios: not hidden, not of another kind."""
    return name.lower().endswith(ENDINGS) and not name.lower().endswith(_OTHER_KINDS) and not _is_unread(name)


def is_message_name(name: str) -> bool:
    """Tell whether a file of this name holds a message."""
    return name.lower().endswith(_MESSAGES) and not _is_unread(name)


def is_json_name(name: str) -> bool:
    """Tell whether a file of this name, or path, is JSON; every other is YAML."""
    return name.lower().endswith(".json")


def is_misspelt(name: str) -> bool:
    """Tell whether a file of this name is not read, though it surely was meant to be."""
    return name.lower().endswith(_SLIPS) and not _is_unread(name)


def _is_unread(name: str) -> bool:
    return name.startswith((".", "_"))
