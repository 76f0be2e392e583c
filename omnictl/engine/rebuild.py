"""Rebuilding a lost state: which scenario of the account belongs to which id. What is not certain is left out."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from omnictl.engine.bent import find_cut
from omnictl.engine.doubts import MOST_NAMED
from omnictl.engine.neighbours import Neighbourhood
from omnictl.engine.pairing import Likeness, find_near, find_rivals, pair
from omnictl.engine.recover import owned_keys
from omnictl.engine.rename import find_keyless
from omnictl.engine.view import Circumstances, View
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.address import Address, id_of
from omnictl.model.adoption import Told
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.key import Ends
from omnictl.model.scenario import Lifecycle, Remote, Resource
from omnictl.model.state import AccountDefault, Record, State


class Evidence(StrEnum):
    """What says that a key belongs to an id."""

    LOG = "log"
    IMPORT = "import"
    EQUAL = "equal"


class Claim(Struct, frozen=True, order=True):
    """An id and a key that a log or a file puts together.

    ``may_be_cut``: the key may be the beginning of another. ``ends``: no more is known of it than these.
    """

    address: Address
    key: str
    evidence: Evidence
    may_be_cut: bool = False
    ends: Ends | None = None


class Doubt(StrEnum):
    """Why an id got no record although something on the account may be it."""

    SEVERAL_KEYS = "several-keys"
    SHARED_KEY = "shared-key"
    NOT_ALONE = "not-alone"
    NOT_EQUAL = "not-equal"


class Candidate(Struct, frozen=True):
    """A scenario that an id may be; ``likeness`` says why, where nothing names its key."""

    remote: Remote
    likeness: Likeness | None = None


class LeftOut(Struct, frozen=True):
    """An id that a person has to decide about, and the scenarios that it may be, the likeliest first."""

    address: Address
    doubt: Doubt
    candidates: tuple[Candidate, ...]


class Rebuilt(Struct, frozen=True):
    """The state with what was found in it.

    ``absent`` are keys that were named and that the account does not have, ``elsewhere`` those that another
    environment has; ``owners`` maps keys to the names of these. ``near`` is how many of what was left out nearly equal
    one scenario each, and nothing else.
    """

    state: State
    taken: tuple[Claim, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    absent: tuple[Claim, ...] = ()
    elsewhere: tuple[Claim, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    near: int = 0


def rebuild_state(view: View, told: Iterable[Claim], circumstances: Circumstances) -> Rebuilt:
    """Give a record to each address without one whose scenario is certain: by a log, an import line, or equality.

    No record is changed or dropped, and no key is given to two addresses.
    """
    told = [whole for each in told for whole in _made_whole(each, view)]
    _refuse_foreign_log(told, view)
    records = view.state.records
    missing = [each for each in view.configuration.resources.values() if each.address not in records]
    claims = [*(each for each in told if each.address not in records), *_imports(missing, told)]
    neighbourhood = Neighbourhood(circumstances, view.remotes)
    taken_keys = owned_keys(view.state) | set(neighbourhood.claimed)
    clear, doubtful = _resolve(each for each in claims if each.key in view.remotes and each.key not in taken_keys)
    taken_keys |= {each.key for each in claims} | set(neighbourhood.spoken_for)
    free = [remote for key, remote in sorted(view.remotes.items()) if key not in taken_keys]
    not_here = [each for each in claims if each.key not in view.remotes or each.key in neighbourhood.claimed]
    decided = {*(each.address for each in (*clear, *not_here)), *doubtful}
    unclaimed = [each for each in _waiting(view) if each.address not in decided]
    cut = find_cut(view.remotes.values()) if unclaimed else 0
    paired = pair(free, unclaimed, neighbourhood.contested, cut=cut)
    equal = [Claim(each.address, key, Evidence.EQUAL) for key, each in paired.items()]
    taken = (*clear, *equal)
    found = {each.address for each in equal}
    left = [each for each in unclaimed if each.address not in found]
    unpaired = [each for each in free if each.key not in paired]
    return Rebuilt(
        _record_all(view, taken),
        tuple(sorted(taken)),
        (*_tell_doubts(doubtful, view), *_look_alikes(left, unpaired, cut)),
        absent=tuple(each for each in claims if each.key not in view.remotes),
        elsewhere=tuple(each for each in claims if each.key in neighbourhood.claimed),
        owners=neighbourhood.claimed,
        near=len(find_near(free, unclaimed, neighbourhood.contested, cut, paired.keys())) if left else 0,
    )


def _made_whole(claim: Claim, view: View) -> Iterator[Claim]:
    """Yield a claim with its whole key, unless more than one key of the account may be meant."""
    if claim.ends is not None:
        found = [each for each in view.remotes if claim.ends.fit(each)]
        if len(found) < 2:
            yield replace(claim, key=found[0], ends=None) if found else claim
    elif not claim.may_be_cut or [each for each in view.remotes if each.startswith(claim.key)] == [claim.key]:
        yield claim


def _refuse_foreign_log(told: Collection[Claim], view: View) -> None:
    """Refuse a log of which the account knows nothing: scenarios never disappear."""
    if told and not any(each.key in view.remotes for each in told):
        raise RefusedError(RefusalKind.POLICY, _foreign_log(told))


def _imports(missing: Iterable[Resource], told: Iterable[Claim]) -> Iterator[Claim]:
    """Yield what import lines say, but for one that is older than a rename that previous_ids tells of."""
    owners = {each.key: id_of(each.address) for each in told}
    for each in missing:
        if each.import_key is not None and owners.get(each.import_key) not in each.previous_ids:
            yield Claim(each.address, each.import_key, Evidence.IMPORT)


def _waiting(view: View) -> list[Resource]:
    """Return the files of which nothing says which scenarios they are: no import line, no rename, no tombstone."""
    return [each for each, stone in find_keyless(view) if stone is None and each.import_key is None]


def _resolve(claims: Iterable[Claim]) -> tuple[list[Claim], dict[Address, list[Claim]]]:
    """Return the claims that nothing contradicts, and those that something does by their address."""
    keys_of: dict[Address, dict[str, Claim]] = defaultdict(dict)
    owners_of: dict[str, set[Address]] = defaultdict(set)
    for each in claims:
        keys_of[each.address].setdefault(each.key, each)
        owners_of[each.key].add(each.address)
    clear: list[Claim] = []
    doubtful: dict[Address, list[Claim]] = {}
    for address, found in keys_of.items():
        if len(found) == 1 and all(len(owners_of[key]) == 1 for key in found):
            clear += found.values()
        else:
            doubtful[address] = list(found.values())
    return clear, doubtful


def _tell_doubts(doubtful: Mapping[Address, Sequence[Claim]], view: View) -> Iterator[LeftOut]:
    for address, claims in sorted(doubtful.items()):
        doubt = Doubt.SEVERAL_KEYS if len(claims) > 1 else Doubt.SHARED_KEY
        yield LeftOut(address, doubt, tuple(Candidate(view.remotes[each.key]) for each in claims))


def _look_alikes(left: Iterable[Resource], unpaired: Sequence[Remote], cut: int) -> Iterator[LeftOut]:
    """Name what each id without a record may be; an import leaves the same scenarios out."""
    remotes = {each.key: each for each in unpaired}
    candidates: dict[Address, list[Candidate]] = defaultdict(list)
    for key, rivals in sorted(find_rivals(unpaired, left, knows_files=False, cut=cut).items()):
        known = {likeness: Candidate(remotes[key], likeness) for likeness in {each.likeness for each in rivals}}
        for each in rivals:
            candidates[each.resource.address].append(known[each.likeness])
    for address, found in sorted(candidates.items()):
        likeliest = tuple(sorted(found, key=lambda each: each.likeness or Likeness.EQUAL))
        is_equal = likeliest[0].likeness is Likeness.EQUAL
        yield LeftOut(address, Doubt.NOT_ALONE if is_equal else Doubt.NOT_EQUAL, likeliest)


def _record_all(view: View, taken: Iterable[Claim]) -> State:
    """Record each as the account shows it: what differs from the files is for the next plan to say."""
    records = {**view.state.records, **{each.address: _record(each, view) for each in taken}}
    state = replace(view.state, records=records)
    return replace(state, account_default=_default_of(state, view))


def _record(claim: Claim, view: View) -> Record:
    shown = view.remotes[claim.key].attributes
    resource = view.configuration.resources.get(claim.address)
    lifecycle = replace(resource.lifecycle, ignore_changes=()) if resource is not None else Lifecycle()
    return Record(claim.address, claim.key, shown, shown, lifecycle=lifecycle)


def _default_of(state: State, view: View) -> AccountDefault:
    """Return who holds the default, where the state did not know it and a file declares the holder."""
    declared = view.configuration.declared_default
    record = state.records.get(declared.address) if declared is not None else None
    if state.account_default != AccountDefault() or record is None or record.key not in view.default_keys:
        return state.account_default
    return AccountDefault(record.address, record.key)


def describe_left_out(each: LeftOut) -> Diagnostic:
    """Say why an id got no record, with the commands that choose."""
    name, named = id_of(each.address), each.candidates[:MOST_NAMED]
    rows = [_row(candidate) for candidate in named]
    rows += [f"and {len(each.candidates) - MOST_NAMED} more"] if len(each.candidates) > MOST_NAMED else []
    return Diagnostic(
        "rebuild-in-doubt",
        Severity.WARNING,
        "An id got no record, for nothing certain says which scenario it is",
        "\n".join([f"{name}: {_DOUBTS[each.doubt]}", *rows]),
        hint="look at them in the web interface, then choose; without a choice the next plan is about to create it",
        commands=tuple(f"omnictl import {name} {candidate.remote.key}" for candidate in named),
    )


def _row(candidate: Candidate) -> str:
    why = "" if candidate.likeness is None else f"  {_LIKENESSES[candidate.likeness]}"
    return f'{candidate.remote.key}  "{candidate.remote.attributes.name}"{why}'


def describe_near(number: int) -> Diagnostic:
    """Say that files and scenarios nearly equal each other, and how they are brought together."""
    return Diagnostic(
        "rebuild-nearly-equal",
        Severity.NOTE,
        "Files and scenarios nearly equal each other, and nothing else",
        f"Of what is in doubt that are {number}: they differ in case and spaces, or are cut short, as a service may "
        "bend what it is sent.",
        hint="where it does, they are the same, and this adopts them all",
        commands=(f"omnictl import --all {Told.NEARLY_EQUAL}",),
    )


def describe_absent(absent: Sequence[Claim]) -> Diagnostic:
    """Say which keys were named and are not there."""
    return Diagnostic(
        "rebuild-absent",
        Severity.WARNING,
        "The account does not have all keys that were named",
        f"{_listed(absent)}. They are left out.",
        hint="check that the log is one of this environment",
    )


def describe_elsewhere(elsewhere: Sequence[Claim], names: Mapping[str, str]) -> Diagnostic:
    """Say which keys were named and belong to other environments."""
    whose = ", ".join(sorted({names[each.key] for each in elsewhere}))
    return Diagnostic(
        "rebuild-elsewhere",
        Severity.WARNING,
        "Another environment manages keys that were named",
        f"{_listed(elsewhere)}: managed in {whose}. They are left out.",
        hint="check that the log is one of this environment",
    )


def _foreign_log(told: Collection[Claim]) -> Diagnostic:
    return Diagnostic(
        "foreign-log",
        Severity.ERROR,
        "The account has none of the scenarios that the log names",
        f"It names {_listed(sorted(told))}, and none of these is on the account. Scenarios never disappear, so it is "
        "the log of another account.",
        hint="check --env and the log",
    )


def _listed(claims: Sequence[Claim]) -> str:
    shown = ", ".join(f"{id_of(each.address)} ({each.key})" for each in claims[:_MOST_LISTED])
    left = len(claims) - _MOST_LISTED
    return f"{shown} and {left} more" if left > 0 else shown


_MOST_LISTED = 10
_DOUBTS = {
    Doubt.SEVERAL_KEYS: "it is named with more than one key",
    Doubt.SHARED_KEY: "its key is named with another id too",
    Doubt.NOT_ALONE: "one is equal in name and flow, but another file or scenario may be meant",
    Doubt.NOT_EQUAL: "none is equal in name and flow",
}
_LIKENESSES = {
    Likeness.EQUAL: "equal in name and flow",
    Likeness.KEY_IN_ID: "the id has the beginning of its key",
    Likeness.NAME: "the same name, another flow",
    Likeness.NEAR: "nearly equal, but for case, spaces or a name cut short",
    Likeness.ID: "its name gives this id",
    Likeness.FLOW: "the same flow, another name",
}

CODES = {
    "rebuild-nearly-equal": "After state rebuild some ids are in doubt that nearly equal one scenario each, and "
    "nothing else: letter case, spaces, a name cut short. import --all --nearly-equal takes them.",
    "rebuild-in-doubt": "state rebuild records an id only where one scenario is certain: the log names it, import: "
    "does, or exactly one is equal in name and flow and no other may be meant. Here a person has to choose.",
    "rebuild-absent": "The log or an import line names keys that are not on the account: it may be the log of another "
    "environment.",
    "rebuild-elsewhere": "A key belongs to one environment. Those that another environment of the same account "
    "manages are not recorded here.",
    "foreign-log": "Scenarios never disappear, so an account that has none of the keys of a log is not the one that "
    "the log is of.",
}
