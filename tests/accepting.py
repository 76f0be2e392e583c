"""Accepting in a project on disk, as the command does it: what the account has, drafted, proven, and written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from omnictl.config.accepting import Draft, Project, draft_acceptances
from omnictl.config.proving import prove
from omnictl.config.scenarios import validate_all
from omnictl.config.settings import find_settings, load_settings
from omnictl.durable import Replacement, replace_files
from omnictl.engine.accepting import accept_account
from omnictl.model.address import make_address
from omnictl.model.diagnostic import Diagnostic, has_errors
from omnictl.model.scenario import Attributes, Step
from omnictl.model.state import Record


@dataclass(frozen=True)
class Accepted:
    """What came of it: the draft, why it must not be, and what the file was to become."""

    draft: Draft
    problems: Sequence[Diagnostic]
    target: Attributes

    @property
    def codes(self) -> list[str]:
        return [each.code for each in self.problems]

    def write(self) -> None:
        assert not self.problems
        replace_files([Replacement(Path(each.path), each.before, each.after) for each in self.draft.edits])


def read_project(
    root: Path, environment: str, given: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Project:
    """Read a project that has no mistake."""
    settings, problems = load_settings(find_settings(root), root)
    assert not problems, problems
    validation = validate_all(settings, given or {}, environ or {})
    assert not has_errors(validation.diagnostics), validation.diagnostics
    return Project(settings, environment, validation, given or {}, environ or {})


def accept(
    root: Path,
    *fields: str,
    environment: str = "default",
    scenario_id: str = "a",
    name: str | None = None,
    flow: Sequence[Step] | None = None,
    **given: Mapping[str, str],
) -> Accepted:
    """Accept another name or flow of the account; everything was as the file says when it was applied."""
    project = read_project(root, environment, **given)
    resource = project.resources[make_address(scenario_id)]
    was = resource.attributes
    record = Record(resource.address, "KEY", was, was)
    actual = replace(was, name=was.name if name is None else name, flow=was.flow if flow is None else tuple(flow))
    accepted = accept_account(resource, record, actual, fields)
    draft = draft_acceptances(project, [accepted])
    problems: Sequence[Diagnostic] = draft.refusals
    if not problems:
        _, problems = prove(draft, {resource.address: accepted.attributes})
    return Accepted(draft, problems, accepted.attributes)
