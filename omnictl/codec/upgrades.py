"""States of older formats, brought to the next format step by step; what is written is always the newest format."""

from collections.abc import Callable, Mapping

from omnictl.codec.shapes import as_object
from omnictl.model.scenario import Json

Document = Mapping[str, Json]


def _nest_attributes(document: Document) -> Document:
    """From 0, the format before the first release: name and flow stood in the record itself, and there was no kind."""
    records: dict[str, Json] = {}
    for scenario_id, value in as_object(document.get("records"), "records").items():
        fields = dict(as_object(value, f"records.{scenario_id}"))
        applied = {name: fields.pop(name, None) for name in ("name", "flow")}
        records[scenario_id] = {**fields, "applied": applied}
    return {**document, "kind": "state", "format_version": 1, "records": records}


UPGRADES: tuple[Callable[[Document], Document], ...] = (_nest_attributes,)
"""The step at index N makes format N + 1 of format N."""
