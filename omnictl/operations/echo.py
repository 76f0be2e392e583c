"""The echo of a write against its request: what the service made of what was sent, told once."""

from collections.abc import Iterable

from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Attributes
from omnictl.operations.run import Tally


def note_normalisation(tally: Tally, scenario_id: str, sent: Attributes, echoed: Attributes) -> None:
    """Add a note where the service answered with something else than was sent; it is no difference afterwards."""
    if sent == echoed:
        return
    tally.notes.append(
        Diagnostic(
            "normalised",
            Severity.NOTE,
            "The service changed what was sent",
            f"{scenario_id}: {describe_differences(sent, echoed)}. This is remembered and is no drift.",
        )
    )


def describe_differences(sent: Attributes, echoed: Attributes) -> str:
    """Return the differing fields with both values, as one line."""
    from deepdiff import DeepDiff  # loaded late: it is slow to import, and echoes rarely differ

    changes = DeepDiff(_to_document(sent), _to_document(echoed), verbose_level=2, view="tree")
    levels = [level for kind in changes.values() for level in kind]
    told = {_spell(level.path(output_format="list")): (_show(level.t1), _show(level.t2)) for level in levels}
    return ", ".join(f"{path} was sent as {one} and is {other}" for path, (one, other) in sorted(told.items()))


def _spell(path: Iterable[str | int]) -> str:
    """Return a place as files and diagnostics name it: ``flow[1].from``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _show(value: object) -> str:
    return "absent" if value is None or repr(value) == "not present" else repr(value)


def _to_document(attributes: Attributes) -> dict[str, object]:
    flow = [{"channel": step.channel, "from": step.sender} for step in attributes.flow]
    return {"name": attributes.name, "flow": flow}


CODES = {
    "normalised": "The reply to a write shows another value than was sent: the service trims, cuts or changes it. Both "
    "are remembered, so that it is never taken for drift.",
}
