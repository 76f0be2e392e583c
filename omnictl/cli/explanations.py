"""Every diagnostic code with its explanation, gathered from the modules that make diagnostics."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import omnictl
from omnictl.engine.guard import EXPLANATIONS


def all_codes() -> dict[str, str]:
    """Return the explanation of each code; guards are among them, since a refused guard is a diagnostic."""
    codes = {guard.value: text for guard, text in EXPLANATIONS.items()}
    for name in _module_names():
        found = getattr(import_module(name), "CODES", None)
        if isinstance(found, dict):
            codes.update(found)
    return codes


def _module_names() -> Iterator[str]:
    """Every module of ours but the sandbox, which has no diagnostics, and the entry points."""
    for module in pkgutil.walk_packages(omnictl.__path__, "omnictl."):
        if not module.name.startswith(("omnictl.sandbox", "omnictl.__main__")):
            yield module.name
