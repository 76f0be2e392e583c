"""Edits of a variable of an environment in omnictl.yaml, and which variable a value of a scenario is."""

import re
from collections.abc import Mapping

from omnictl.config.edit import (
    EditRefusedError,
    Place,
    add_key,
    add_mapping,
    descend,
    own,
    replace_scalar,
    root_of,
)
from omnictl.config.nodes import Kind
from omnictl.config.settings import FILE_NAME, Settings

_WHOLE = re.compile(r"\$\{var\.([A-Za-z_][A-Za-z0-9_]*)\}")
_SETTINGS = Place(FILE_NAME, 0)


def find_variable(written: object) -> str | None:
    """Return the variable that a value is and nothing else; None where it is none."""
    match = _WHOLE.fullmatch(written) if isinstance(written, str) else None
    return match[1] if match else None


def has_variable(written: object) -> bool:
    """Tell whether a variable is in a value."""
    return isinstance(written, str) and "${" in written.replace("$${", "")


def find_giver(
    name: str, environment: str, settings: Settings, given: Mapping[str, str], environ: Mapping[str, str]
) -> str:
    """Return what outside of the files gives a variable its value; "" where the files do."""
    if name in given:
        return f"--var {name}"
    is_declared = name in settings.variables or name in settings.environments[environment].variables
    variable = f"OMNICTL_VAR_{name.upper()}"
    return variable if is_declared and variable in environ else ""


def set_variable(text: str, environment: str, name: str, value: str) -> str:
    """Return the text of omnictl.yaml with the value of a variable of an environment. Raises EditRefusedError."""
    path = ("environments", environment, "variables")
    node = descend(root_of(text, _SETTINGS), path[:2])
    if node.kind is not Kind.MAPPING:
        raise EditRefusedError(f"the environment {environment} has no settings yet")
    variables = node.get("variables")
    if variables is None:
        return add_mapping(text, node, "variables", name, value, _SETTINGS)
    if own(variables).kind is not Kind.MAPPING:
        raise EditRefusedError(f"the variables of {environment} are no mapping")
    if variables.get(name) is None:
        return add_key(text, variables, name, value, _SETTINGS)
    return replace_scalar(text, _SETTINGS, (*path, name), value)
