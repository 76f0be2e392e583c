"""Making a plan from the outside world: read state and account, settle what is unknown in memory, compare."""

from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.advance import note_reading, record_created
from omnictl.engine.planner import make_plan
from omnictl.engine.recover import Ambiguous, settle
from omnictl.engine.removal import unretired_words
from omnictl.engine.selection import unmatched
from omnictl.engine.view import Circumstances, View
from omnictl.errors import ConfigurationError, RefusalKind, RefusedError, UsageError
from omnictl.model.address import id_of
from omnictl.model.change import Forget, Retire
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.plan import Plan, Settled
from omnictl.model.scenario import Configuration, Remote
from omnictl.model.state import State
from omnictl.operations.account import Observe, read_account
from omnictl.provider.base import Provider


class Reading(Struct, frozen=True):
    """A complete reading of the account, and the state with what it settled worked in."""

    state: State
    remotes: Mapping[str, Remote]
    settled: tuple[Settled, ...]


def read_and_settle(
    provider: Provider, state: State, circumstances: Circumstances, *, workers: int, observe: Observe
) -> Reading:
    """Read the account and look for the creates that an earlier run left open. Writes nothing."""
    remotes = read_account(provider, state, workers=workers, observe=observe)
    settlement = settle(state, remotes, circumstances.elsewhere)
    if settlement.ambiguous:
        raise RefusedError(RefusalKind.POLICY, *map(describe_ambiguity, settlement.ambiguous))
    after = note_reading(state, circumstances.account, len(remotes), circumstances.created_at)
    for found in settlement.found:
        after = record_created(after, found.intent, found.remote, found.intent.created_at)
    settled = (
        *(Settled(each.intent.address, each.remote.key) for each in settlement.found),
        *(Settled(each.intent.address, None) for each in settlement.absent),
    )
    return Reading(replace(after, listed=len(remotes)), remotes, settled)


def plan_from_reading(reading: Reading, configuration: Configuration, circumstances: Circumstances) -> Plan:
    """Make the plan. Raises UsageError for a selection that names nothing, ConfigurationError for what cannot be."""
    refuse_empty_selection(configuration, reading.state, circumstances)
    view = View(configuration, reading.state, reading.remotes)
    plan = make_plan(view, circumstances, reading.settled)
    if words := unretired_words(plan.changes, view, circumstances):
        raise UsageError(_nothing_to_retire(words, plan))
    if has_errors(plan.diagnostics):
        raise ConfigurationError.of(plan.diagnostics)
    return plan


def refuse_empty_selection(configuration: Configuration, state: State, circumstances: Circumstances) -> None:
    """Refuse words of --only and --exclude that name nothing."""
    addresses = {*configuration.resources, *state.records}
    words = unmatched((*circumstances.only, *circumstances.exclude), addresses, configuration.resources)
    if words:
        ids = [id_of(each) for each in addresses]
        close = [each for word in words for each in get_close_matches(word, ids, n=1)]
        raise UsageError(
            Diagnostic(
                "empty-selection",
                Severity.ERROR,
                "A selection names no scenario",
                f"Nothing matches {', '.join(words)}: no id of the files or the state, and no label.",
                hint=f"did you mean {', '.join(close)}? See all ids with"
                if close
                else "an id glob (otp-*) or label:KEY=VALUE; see the ids with",
                commands=("omnictl state list",),
            )
        )


def _nothing_to_retire(words: tuple[str, ...], plan: Plan) -> Diagnostic:
    leaving = [id_of(each.address) for each in plan.changes if isinstance(each, Forget | Retire)]
    return Diagnostic(
        "nothing-to-retire",
        Severity.ERROR,
        "--retire names no scenario that leaves the configuration",
        f"Nothing matches {', '.join(map(repr, words))}. In this plan leave: {', '.join(leaving) or 'none'}.",
        hint="take the scenario out of the files first; to retire it whenever that happens, write "
        "lifecycle.on_removal: retire",
    )


def describe_ambiguity(ambiguous: Ambiguous) -> Diagnostic:
    """Say which scenarios a person has to choose from, with the commands that choose."""
    ids = [id_of(each.address) for each in ambiguous.intents]
    rows = "\n".join(
        f'{near.key}  {"equal" if near.exact else "nearly equal"}  "{near.attributes.name}"'
        for near in ambiguous.candidates
    )
    keys = [near.key for near in ambiguous.candidates]
    return Diagnostic(
        "ambiguous-create",
        Severity.ERROR,
        "An earlier create cannot be told from other scenarios",
        f"The outcome of the create of {', '.join(ids)} is unknown, and the account has several scenarios that may be "
        f"it:\n{rows}",
        hint="look at them in the web interface, then say which one it is, or that it is none of them",
        commands=(
            *(f"omnictl state settle {scenario_id} --key {key}" for scenario_id in ids for key in keys),
            *(f"omnictl state settle {scenario_id} --absent" for scenario_id in ids),
        ),
    )


CODES = {
    "nothing-to-retire": "--retire takes the id, or a glob, of scenarios that no file declares any more. It named none "
    "that leaves in this plan, and none that an earlier run retired.",
    "empty-selection": "--only or --exclude names nothing that is declared or recorded. A selection that matches "
    'nothing is a mistake and never reads as "no changes".',
    "ambiguous-create": "A create was sent, its answer was lost, and more scenarios match it than were sent, or one "
    "nearly matches. A wrong guess would double or lose a key, so a person chooses.",
}
