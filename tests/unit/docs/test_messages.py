"""The page about message files: each field of the schema, and examples that are read as it says."""

import io
import json
import re
from pathlib import Path

import pytest

from omnictl.config.messages import load_message
from omnictl.config.recipient_rows import Row, read_rows
from omnictl.config.schema import schema_text
from omnictl.config.variables import Variables
from omnictl.engine.contents import check_contents
from omnictl.model.message import CONTENT_NAMES
from tests.unit.docs.pages import first_cells, read, section

_VARIABLES = Variables({"shop": "Acme"}, frozenset())


def _examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read("messages.md"), re.MULTILINE | re.DOTALL)


def test_every_field_of_a_message_has_its_row() -> None:
    rows = first_cells(section(read("messages.md"), "Every field"))
    properties = json.loads(schema_text("message"))["properties"]
    assert len(rows) == len(set(rows))
    for name, schema in properties.items():
        expected = {f"{name}.{each}" for each in schema["properties"]} if name in CONTENT_NAMES.values() else {name}
        assert expected <= set(rows)


@pytest.mark.parametrize("text", _examples("yaml"))
def test_each_example_is_a_message(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.message.yaml"
    path.write_text(text)
    message, diagnostics = load_message(path, variables=_VARIABLES)
    assert diagnostics == ()
    assert message is not None
    assert check_contents(message) == ()


def test_there_are_examples_and_recipients_among_them() -> None:
    assert len(_examples("yaml")) == 2
    (text,) = _examples("csv")
    found = list(read_rows(io.BytesIO(text.encode()), shown="people.csv"))
    assert [isinstance(each, Row) for each in found] == [True, True]
