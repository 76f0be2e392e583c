"""Projects on disk for tests: files written, read for one or all environments, and what was told of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from omnictl.config.scenarios import LoadedConfiguration, Validation, load_configuration, validate_all
from omnictl.config.settings import find_settings, load_settings
from omnictl.model.diagnostic import Diagnostic, Source

GOOD = "id: {id}\nname: {id}\nflow:\n  - channel: VKONTAKTE\n  - channel: SMS\n    from: InfoSMS\n"


def good(scenario_id: str, more: str = "") -> str:
    """Return a scenario without mistakes, with more lines at its end."""
    return GOOD.format(id=scenario_id) + more


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def validate(root: Path, *, paths: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> Validation:
    """Validate a project for all its environments; its settings have no mistake."""
    settings, diagnostics = load_settings(find_settings(root), root)
    assert not diagnostics, diagnostics
    return validate_all(settings, variables or {}, {}, [root / each for each in paths])


def load(
    root: Path,
    environment: str,
    *,
    variables: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> LoadedConfiguration:
    """Load a project for one environment."""
    settings, diagnostics = load_settings(find_settings(root), root)
    assert not diagnostics, diagnostics
    return load_configuration(settings, environment, variables or {}, environ or {})


def told(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """Return ``path:line:column code`` of each diagnostic."""
    return [f"{_place(each.source)} {each.code}" if each.source else each.code for each in diagnostics]


def _place(source: Source) -> str:
    return ":".join(str(part) for part in (source.path, source.line, source.column) if part is not None)
