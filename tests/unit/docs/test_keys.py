"""The pages about settings and scenario files name every key of the schemas and every variable, and no other."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from omnictl.config.endings import ENDINGS
from omnictl.config.schema import schema_text
from omnictl.config.settings import BudgetSettings, Environment, GuardSettings, RemovalSettings
from omnictl.engine.view import RemovalRules
from omnictl.model.scenario import CHANNELS, OLD_CHANNELS
from omnictl.provider.base import PUBLISHED_BUDGETS
from omnictl.transport.client import CONNECT_SECONDS, READ_SECONDS
from tests.unit.docs.pages import ROOT, first_cells, read, section

# Names of the page and of comments that stand for many, and those of the completion protocol of click.
_NO_VARIABLES = {"OMNICTL_VAR_", "INFOBIP_DOMAIN", "INFOBIP_API_KEY_PRODUCTION", "OMNICTL_COMPLETE", "TF_HTTP_"}


def _keys(schema: Any, root: Any, where: str = "") -> Iterator[str]:
    """Return the path of every key that a schema allows; ``NAME`` stands for a name that the author chooses."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if where:
        yield where
    if where == "lint":
        return  # its rules are a table that make docs writes
    for key, inner in schema.get("properties", {}).items():
        yield from _keys(inner, root, f"{where}.{key}" if where else key)
    if isinstance(schema.get("items"), dict) and schema["items"].get("type") == "object":
        yield from (each for each in _keys(schema["items"], root, f"{where}[]") if each != f"{where}[]")
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and where != "environments.NAME.variables":
        inside = [each for each in _keys(more, root, f"{where}.NAME") if each != f"{where}.NAME"]
        yield from inside or ([f"{where}.NAME"] if where in ("labels", "import") else ())
    for each in schema.get("anyOf", ()):
        yield from (key for key in _keys(each, root, where) if key != where)


@pytest.mark.parametrize(("kind", "page"), [("settings", "settings.md"), ("scenario", "scenarios.md")])
def test_every_key_of_the_schema_has_its_row_and_no_other(kind: str, page: str) -> None:
    schema = json.loads(schema_text(kind))
    rows = first_cells(section(read(page), "Every key"))
    assert sorted(rows) == sorted(set(_keys(schema, schema)))


def test_every_variable_of_the_environment_has_its_row_and_no_other() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "omnictl").rglob("*.py"))
    named = set(re.findall(r"\b_?((?:OMNICTL|INFOBIP|TF_HTTP)_[A-Z_]+)\b", code)) - _NO_VARIABLES
    rows = first_cells(section(read("settings.md"), "Environment variables"))
    assert sorted(rows) == sorted(named)


def test_the_usual_values_are_those_of_the_code() -> None:
    rows = read("settings.md")
    environment, guards, removal = Environment("usual"), GuardSettings(), RemovalSettings()
    assert (removal.retire_marker, removal.longest_name) == (RemovalRules().marker, RemovalRules().longest_name)
    assert f"| `removal.retire_marker` | `'{removal.retire_marker}'` |" in rows
    assert f"| `removal.longest_name` | `{removal.longest_name}` |" in rows
    assert f"| `environments.NAME.workers` | `{environment.workers}` |" in rows
    assert f"| `guards.mass_change_share` | `{guards.mass_change_share}` |" in rows
    assert f"| `guards.mass_change_count` | `{guards.mass_change_count}` |" in rows
    for operation, budget in PUBLISHED_BUDGETS.items():
        assert isinstance(BudgetSettings(budget.limit, budget.window_seconds), BudgetSettings)
        assert f"| `environments.NAME.budgets.{operation}.limit` | `{budget.limit}` |" in rows
        assert f"| `environments.NAME.budgets.{operation}.window_seconds` | `{budget.window_seconds:g}` |" in rows
    assert f"| connecting | {CONNECT_SECONDS:g} s |" in rows
    assert f"| an answer | {READ_SECONDS:g} s " in rows


def test_channels_and_endings_are_those_of_the_code() -> None:
    text = read("scenarios.md")
    words = set(re.findall(r"\b[A-Z_]{3,}\b", section(text, "Channels")))
    assert {*CHANNELS, *OLD_CHANNELS} <= words
    for ending in ENDINGS:
        assert f"`{ending}`" in section(text, "Which files are read")
