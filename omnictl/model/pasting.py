"""Lines that people paste into the file of a scenario, spelled as its keys are: on lines of their own, or in braces."""

from collections.abc import Sequence

from omnictl.model.scenario import Resource


def import_line(environment: str, key: str, resource: Resource) -> str:
    """Return the line that imports; one for the ``import:`` that is there, where it names other environments."""
    if resource.in_braces:
        one = f'"{environment}": "{key}"'
        return f"{one}," if _has_import(resource) else f'"import": {{{one}}},'
    return f"{environment}: {key}  # under import:" if _has_import(resource) else f"import: {{{environment}: {key}}}"


def _has_import(resource: Resource) -> bool:
    return resource.sources.get("import") is not None


def previous_ids_line(ids: Sequence[str], resource: Resource) -> str:
    """Return the line that says what a scenario was called before."""
    if resource.in_braces:
        quoted = ", ".join(f'"{each}"' for each in ids)
        return f'"previous_ids": [{quoted}],'
    return f"previous_ids: [{', '.join(ids)}]"
