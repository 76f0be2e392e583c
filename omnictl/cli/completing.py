"""What a shell offers after Tab: ids, environments, guards, codes; from files and state, never from the network."""

from collections.abc import Iterable, Iterator

import click
from click.shell_completion import CompletionItem, shell_complete

from omnictl.cli.context import Session, get_session
from omnictl.errors import OmnictlError
from omnictl.model.address import id_of
from omnictl.model.plan import Guard

VARIABLE = "_OMNICTL_COMPLETE"
"""The variable with which the script of a shell asks for completion; Click's name for it."""


def answer(command: click.Command, instruction: str) -> int:
    """Write what the script of a shell asked for, and return the exit code."""
    return shell_complete(command, {}, "omnictl", VARIABLE, instruction)


def complete_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the ids of the files and of the state, with their names."""
    return _starting(dict((*_recorded(ctx), *_declared(ctx))).items(), incomplete)


def complete_recorded_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the ids of the state."""
    return _starting(_recorded(ctx), incomplete)


def complete_environments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the environments of the settings."""
    try:
        names = [(name, "") for name in get_session(ctx).settings.environments]
    except OmnictlError:
        return []
    return _starting(names, incomplete)


def complete_allowances(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the guards, and behind the sign of equality the ids."""
    guard, equals, begun = incomplete.partition("=")
    if not equals:
        return _starting(((f"{each.value}=", "") for each in Guard), incomplete)
    return [CompletionItem(f"{guard}={each.value}", help=each.help) for each in complete_ids(ctx, param, begun)]


def complete_codes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer everything that explain knows."""
    from omnictl.cli.explanations import all_subjects

    return _starting(((each, "") for each in all_subjects()), incomplete)


def _declared(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from omnictl.config.scenarios import load_configuration

    try:
        session = get_session(ctx)
        loaded = load_configuration(session.settings, session.environment.name, {}, session.environ)
    except OmnictlError:
        return
    for address, resource in loaded.configuration.resources.items():
        yield id_of(address), resource.attributes.name


def _recorded(ctx: click.Context) -> Iterator[tuple[str, str]]:
    try:
        session: Session = get_session(ctx)
        state = session.backend.read()
    except OmnictlError:
        return
    for address, record in state.records.items() if state is not None else ():
        yield id_of(address), record.applied.name


def _starting(rows: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    """Return the words that begin so; a help text must stay on its line."""
    return [
        CompletionItem(word, help=" ".join(text.split()) if text.isprintable() and text else None)
        for word, text in sorted(rows)
        if word.startswith(incomplete)
    ]
