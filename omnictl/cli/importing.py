"""What import and init share: reading, choosing, writing files and state, and the plan that is to be empty after it."""

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct

from omnictl.cli.context import Session
from omnictl.cli.files import create_texts
from omnictl.cli.ignored import read_ignored
from omnictl.cli.memory import refuse_lost_state
from omnictl.cli.planning import Choices, make_circumstances
from omnictl.cli.progress import Progress
from omnictl.cli.workshop import make_workshop
from omnictl.config.drafting import Drafted, Folder, choose_folder, make_drafts
from omnictl.config.scenarios import LoadedConfiguration, load_configuration
from omnictl.engine.adopting import (
    choose_all,
    choose_one,
    declares_default,
    differs,
    find_holder,
    is_observed,
    unmatched_words,
)
from omnictl.engine.neighbours import Neighbourhood, leave_to_neighbours
from omnictl.engine.view import Circumstances, View
from omnictl.errors import ConfigurationError, UsageError
from omnictl.lint.check import lint
from omnictl.model.address import id_of, make_address
from omnictl.model.adoption import Adoption, Choice, Draft, ImportedRow, ImportReport, LeftOut, Told
from omnictl.model.change import Adopt, Change
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.drift import IgnoreLine
from omnictl.model.pasting import import_line
from omnictl.model.scenario import Configuration, Resource
from omnictl.model.shell import join_words
from omnictl.operations.importing import Imported, ImportRequest, Selected, run_import
from omnictl.operations.plan import plan_from_reading
from omnictl.provider.base import StopSignal
from omnictl.render.importing import tell_left_out
from omnictl.render.plan_words import shown_changes
from omnictl.temporaries import drop_rests


class Wish(Struct, frozen=True):
    """What was asked for: one scenario under an id, or (both None) all that ``only`` names."""

    scenario_id: str | None = None
    key: str | None = None
    only: tuple[str, ...] = ()
    folder: str | None = None
    files_only: bool = False
    dry_run: bool = False
    lock_timeout_seconds: float = 0.0
    told: tuple[Told, ...] = ()


def import_scenarios(session: Session, wish: Wish) -> ImportReport:
    """Import, and hold what stands in files and state afterwards against the account."""
    if not (wish.dry_run or wish.files_only):
        way_out = "or write the files alone, and leave the state to the apply that follows"
        refuse_lost_state(session, or_else=way_out, command=_command_for(wish, files_only=True))
    folder = choose_folder(session.settings, session.environment, wish.folder)
    run = _Run(session, wish, folder, _load(session, folder), read_ignored(session))
    imported = run.execute()
    return run.report(imported)


def _load(session: Session, folder: Folder) -> LoadedConfiguration:
    """Return what the files declare; the folder that is written to need not be there yet."""
    if os.path.lexists(folder.path):
        return session.loaded
    settings, name = session.settings, session.environment.name
    loaded = load_configuration(settings, name, session.options.variables, session.environ)
    found = [each for each in loaded.diagnostics if each.code != "missing-path"]
    if has_errors(found) or len(session.environment.scenario_paths or settings.scenario_paths) > 1:
        return session.loaded
    return loaded


class _Run:
    """One import: what it works with, and what it drafted."""

    def __init__(
        self,
        session: Session,
        wish: Wish,
        folder: Folder,
        loaded: LoadedConfiguration,
        lines: tuple[IgnoreLine, ...],
    ) -> None:
        self._session = session
        self._wish = wish
        self._folder = folder
        self._configuration = loaded.configuration
        self._declared_beside = loaded.declared_beside
        self._lines = lines
        self._drafted = Drafted()

    def execute(self) -> Imported:
        session, wish = self._session, self._wish
        stop = StopSignal()
        with ExitStack() as stack:
            progress = stack.enter_context(Progress(session.output))
            return run_import(
                ImportRequest(
                    look_around=lambda provider, state: make_circumstances(
                        session, provider, state, Choices(), self._declared_beside
                    ),
                    select=self._select,
                    write=self._write,
                    configuration=self._configuration,
                    new_state=session.new_state(),
                    keeps_state=not wish.files_only,
                    is_real=not wish.dry_run,
                    lock_timeout_seconds=wish.lock_timeout_seconds,
                ),
                make_workshop(session, "import", stack, stop, progress.observe, read_only=True),
            )

    def _write(self, drafts: tuple[Draft, ...]) -> None:
        drop_rests(Path(self._folder.path))
        create_texts((Path(each.path), each.text) for each in drafts)

    def _select(self, view: View, circumstances: Circumstances) -> Selected:
        choice = self._choose(view, circumstances)
        holder = find_holder(choice)
        is_free = holder is not None and not declares_default(view, self._declared_beside.values())
        default = holder.address if holder is not None and is_free and holder.resource is None else None
        new = [each for each in choice.adoptions if each.resource is None]
        drafted = make_drafts(
            new,
            self._folder,
            self._session.settings,
            self._session.environment.name,
            default=default,
            with_imports=self._wish.files_only,
        )
        self._drafted = drafted = self._leave_out_unlawful(drafted)
        there = [each for each in choice.adoptions if each.resource is not None]
        adoptions = sorted((*there, *(each.adoption for each in drafted.drafts)), key=lambda each: each.address)
        left_out = (*choice.left_out, *drafted.left_out)
        if self._wish.files_only:
            adoptions, left_out = _without_bare_files(adoptions, left_out, circumstances.environment)
        if holder is not None and holder.resource is not None and holder.resource.default:
            default = holder.address
        if default not in {each.address for each in adoptions}:
            default = None
        return Selected(tuple(adoptions), drafted.drafts, left_out, default, choice.ignored)

    def _choose(self, view: View, circumstances: Circumstances) -> Choice:
        wish, neighbourhood = self._wish, Neighbourhood(circumstances, view.remotes)
        if wish.scenario_id is not None and wish.key is not None:
            return choose_one(view, neighbourhood.claimed, make_address(wish.scenario_id), wish.key)
        told = {*wish.told, *((Told.NEARLY_EQUAL,) if wish.files_only else ())}  # its lines are reviewed
        everything = choose_all(
            view,
            neighbourhood.spoken_for,
            wish.only,
            self._lines,
            neighbourhood.nearly_contested if Told.NEARLY_EQUAL in told else neighbourhood.contested,
            told=told,
        )
        choice = leave_to_neighbours(everything, neighbourhood, told)
        missing = unmatched_words(choice, view.state, wish.only)
        if missing:
            raise UsageError(_matches_nothing(missing))
        return choice

    def _leave_out_unlawful(self, drafted: Drafted) -> Drafted:
        """Leave out what breaks a rule that the project made an error: its file would stop every command."""
        rules = self._session.settings.lint
        if Severity.ERROR.value not in rules.values():
            return drafted
        declared = Configuration({each.address: each for each in drafted.resources})
        broken = {each.source.path: each for each in lint(declared, rules, only=(Severity.ERROR,)) if each.source}
        kept = [each for each in drafted.drafts if each.shown not in broken]
        unlawful = [_breaks_rule(each, broken[each.shown]) for each in drafted.drafts if each.shown in broken]
        addresses = {each.adoption.address for each in kept}
        resources = tuple(each for each in drafted.resources if each.address in addresses)
        return Drafted(tuple(kept), resources, (*drafted.left_out, *unlawful))

    def report(self, imported: Imported) -> ImportReport:
        """Read the files again, and say what the next plan has to say of what was imported."""
        selected, state = imported.selected, imported.reading.state
        drafts = {each.adoption.address: each for each in selected.drafts}
        differing: tuple[Change, ...] | None = None
        others: tuple[Change, ...] = ()
        problems: tuple[Diagnostic, ...] = ()
        try:
            differing, others = self._plan(imported)
        except ConfigurationError as error:
            problems = error.diagnostics
        environment, wish = self._session.environment, self._wish
        left_out = selected.left_out
        return ImportReport(
            environment=environment.name,
            host=imported.circumstances.account.host,
            rows=tuple(_row(each, drafts.get(each.address)) for each in selected.adoptions),
            left_out=left_out,
            differing=differing,
            others=others,
            observed={id_of(each.address): differs(each) for each in selected.adoptions if is_observed(each)},
            default=id_of(selected.default) if selected.default else None,
            serial=state.serial,
            changed=not wish.dry_run and bool(selected.adoptions),
            dry_run=wish.dry_run,
            files_only=wish.files_only,
            production=imported.circumstances.production,
            only_in=self._folder.only_in,
            ignored=selected.ignored,
            diagnostics=(*tell_left_out(left_out, lambda told: _command_for(wish, told)), *problems),
        )

    def _plan(self, imported: Imported) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
        """Return what the next plan would do with what was imported, and with everything else.

        With files alone it adopts what was imported; only what it would send beside that counts.
        """
        wish = self._wish
        if wish.dry_run:
            new = {each.address: each for each in self._drafted.resources}
            configuration = Configuration(dict(sorted({**self._configuration.resources, **new}.items())))
        else:
            configuration = _reload(self._session)
        changes = shown_changes(plan_from_reading(imported.reading, configuration, imported.circumstances))
        addresses = {each.address for each in imported.selected.adoptions}
        own = (each for each in changes if each.address in addresses and not _only_adopts(each, wish))
        return tuple(own), tuple(each for each in changes if each.address not in addresses)


def _command_for(wish: Wish, *told: Told, files_only: bool = False) -> str:
    """Return the command that imports the same: leaving the state alone, or told more of the files."""
    chosen = ["--all"] if wish.scenario_id is None or wish.key is None else [wish.scenario_id, wish.key]
    chosen += [word for each in wish.only for word in ("--only", each)]
    chosen += ["--write", wish.folder] if wish.folder is not None else []
    chosen += dict.fromkeys((*wish.told, *told))
    chosen += ["--files-only"] if files_only or wish.files_only else []
    return join_words(["omnictl", "import", *chosen])


def _reload(session: Session) -> Configuration:
    """Return what the files declare now, whatever was read of them before."""
    settings, name = session.settings, session.environment.name
    loaded = load_configuration(settings, name, session.options.variables, session.environ)
    if has_errors(loaded.diagnostics):
        raise ConfigurationError.of(loaded.diagnostics)
    return loaded.configuration


def _only_adopts(change: Change, wish: Wish) -> bool:
    return wish.files_only and isinstance(change, Adopt) and not change.fields


def _row(adoption: Adoption, draft: Draft | None) -> ImportedRow:
    scenario_id, remote = id_of(adoption.address), adoption.remote
    name = remote.attributes.name
    if draft is not None:
        return ImportedRow(scenario_id, remote.key, name, draft.shown, True, draft.text)
    source = adoption.resource.source if adoption.resource else None
    return ImportedRow(scenario_id, remote.key, name, source.path if source else "-", False)


def _without_bare_files(
    adoptions: Iterable[Adoption], left_out: tuple[LeftOut, ...], environment: str
) -> tuple[list[Adoption], tuple[LeftOut, ...]]:
    """Where the state is left to an apply, a file that is there has to name its key: nobody writes into it here."""
    kept, bare = [], []
    for each in adoptions:
        if each.resource is None or each.resource.import_key == each.remote.key:
            kept.append(each)
        else:
            bare.append(_bare_file(each, each.resource, environment))
    return kept, (*left_out, *bare)


def _bare_file(adoption: Adoption, resource: Resource, environment: str) -> LeftOut:
    source = resource.source
    return LeftOut(
        adoption.remote.key,
        adoption.remote.attributes.name,
        f"its file {source.path if source else id_of(adoption.address)} is there, and does not name its key",
        "add the line to the file",
        (import_line(environment, adoption.remote.key, resource),),
    )


def _breaks_rule(draft: Draft, found: Diagnostic) -> LeftOut:
    remote = draft.adoption.remote
    return LeftOut(
        remote.key,
        remote.attributes.name,
        f"it breaks the rule {found.code}, which is an error in this project: {found.detail}",
        "change it in the web interface, or make the rule a warning while you import",
        (f"lint: {{{found.code}: warning}}",),
    )


def _matches_nothing(words: Iterable[str]) -> Diagnostic:
    return Diagnostic(
        "empty-selection",
        Severity.ERROR,
        "A selection names no scenario",
        f"Nothing that is not managed matches {', '.join(words)}: no id that it would get, and no name; what "
        ".omnictlignore names does not count.",
        hint="see what there is to import with",
        commands=("omnictl import --all --dry-run",),
    )
