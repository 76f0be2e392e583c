"""Lines that people paste into the file of a scenario, spelled as its keys are: on lines of their own, or in braces."""

from collections.abc import Sequence
from json import dumps

from omnictl.model.scenario import Resource


def import_line(environment: str, key: str, resource: Resource) -> str:
    """Return the line that imports, in the place of the one that is there for other environments, if any."""
    keys = {**resource.imports, environment: key}
    if resource.in_braces:
        return f'"import": {{{", ".join(_quoted(name, each) for name, each in keys.items())}}},'
    return f"import: {{{', '.join(f'{name}: {each}' for name, each in keys.items())}}}"


def _quoted(name: str, value: str) -> str:
    return f"{dumps(name)}: {dumps(value)}"


def previous_ids_line(ids: Sequence[str], resource: Resource) -> str:
    """Return the line that says what a scenario was called before."""
    if resource.in_braces:
        return f'"previous_ids": {dumps(ids)},'
    return f"previous_ids: [{', '.join(ids)}]"
