"""What can be done about drift: for each way a caption, and a command to copy. Commands name their environment."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from omnictl.model.address import id_of
from omnictl.model.drift import Drift, Item, Kind, Row, StepRow, Verdict
from omnictl.model.shell import quote_word
from omnictl.render.drift_words import short_value
from omnictl.render.style import sanitize
from omnictl.render.words import count

MOST_IDS = 20
"""How many ids a command names at most; longer ones are not read, and hardly copied."""
_MOST_CONFLICTS = 10


class Way(Struct, frozen=True):
    """One way out: what it means, and the parts of its command (none: the caption says it all)."""

    caption: str
    command: tuple[str, ...] = ()


def ways_out(drift: Drift) -> tuple[Way, ...]:
    """Return what can be done, in the order in which it is to be considered."""
    return (
        *_accept(drift),
        *_apply(drift),
        *_conflicts(drift),
        *_renamed(drift),
        *_vanished(drift),
        *_default(drift),
    )


def _accept(drift: Drift) -> Iterator[Way]:
    right = [id_of(each.address) for each in drift.items if _is_for_files(each)]
    if not right:
        return
    shown, left = right[:MOST_IDS], len(right) - MOST_IDS
    about = _listed(right) if len(right) <= 3 else count(len(right), "scenario")
    files = "the file" if len(right) == 1 else "the files"
    first = f", the first {MOST_IDS}" if left > 0 else ""
    yield Way(
        f"The account is right about {about}: write it into {files}{first}", _command(drift, "omnictl accept", shown)
    )


def _is_for_files(item: Item) -> bool:
    """Tell whether the whole of what the account has may go into the file without undoing an edit there."""
    return (
        item.declared
        and item.recorded_as is None
        and (item.kind is Kind.DRIFT or (item.kind is Kind.CONFLICT and item.observed))
    )


def _apply(drift: Drift) -> Iterator[Way]:
    back = sum(1 for each in drift.items if _is_put_back(each))
    default = drift.default is not None and drift.default.source is not None
    parts = [count(back, "scenario")] if back else []
    parts += ["the account default"] if default else []
    if parts:
        selection = [f"--only {quote_word(each)}" for each in drift.selection.only]
        selection += [f"--exclude {quote_word(each)}" for each in drift.selection.exclude]
        caption = f"The files are right about everything (puts back {' and '.join(parts)})"
        if not drift.guards:
            yield Way(caption, _command(drift, "omnictl apply", (), selection))
            return
        names = _listed(list(dict.fromkeys(each.partition("=")[0] for each in drift.guards)))
        allowed = [f"--allow {quote_word(each)}" for each in drift.guards[:MOST_IDS]]
        yield Way(
            f"{caption}; a guard holds that back until it is allowed ({names})",
            _command(drift, "omnictl plan", (), [*selection, *allowed, "--out plan.json"]),
        )


def _is_put_back(item: Item) -> bool:
    return item.kind in (Kind.DRIFT, Kind.CONFLICT) and item.declared and not item.observed


def _conflicts(drift: Drift) -> Iterator[Way]:
    conflicts = [each for each in drift.items if _is_put_back(each) and each.kind is Kind.CONFLICT]
    conflicts = [each for each in conflicts if each.recorded_as is None]
    yield from (_decide(drift, each) for each in conflicts[:_MOST_CONFLICTS])
    left = len(conflicts) - _MOST_CONFLICTS
    if left > 0:
        yield Way(f"{count(left, 'more conflict')}: decide each in the same way")


def _decide(drift: Drift, item: Item) -> Way:
    """Return how to keep what the account alone changed; where both changed all of it, what the account has."""
    alone = [row for row in item.rows if row.verdict is Verdict.ACCOUNT]
    chosen = alone or [row for row in item.rows if row.verdict is Verdict.CONFLICT]
    scenario_id = id_of(item.address)
    if not chosen:
        return Way(f"{scenario_id}: of the account nothing is left to accept; apply writes what the file has")
    said = _say_apply(item.rows)
    caption = f"{scenario_id}: apply {said}; to keep {_listed([_say_kept(row) for row in chosen])} and nothing else"
    if all(row.acceptable for row in chosen):
        fields = [f"--field {quote_word(each)}" for each in dict.fromkeys(row.field for row in chosen)]
        return Way(caption, _command(drift, "omnictl accept", [scenario_id], fields))
    if not alone or all(row.verdict is not Verdict.CONFLICT for row in item.rows):  # that is all of the account's
        return Way(caption, _command(drift, "omnictl accept", [scenario_id]))
    caption = f"{scenario_id}: apply {said}; to see what its file would be as the account has it"
    return Way(caption, _command(drift, "omnictl accept", [scenario_id], ["--dry-run"]))


def _say_apply(rows: Sequence[Row]) -> str:
    """Return what an apply makes of the rows of a conflict."""
    said: dict[str, list[str]] = {"keeps": [], "drops": [], "puts back": [], "moves back": []}
    for row in rows:
        if row.verdict is Verdict.CONFLICT and row.files is not None:
            said["keeps"].append(short_value(row, row.files))
        elif row.verdict is Verdict.CONFLICT:
            said["drops"].append(short_value(row, row.account))
        elif row.verdict is Verdict.ACCOUNT:
            verb = "puts back" if row.account is None else "moves back" if _has_moved(row) else "drops"
            said[verb].append(short_value(row, row.recorded if row.account is None else row.account))
    return _listed([f"{verb} {_listed(values)}" for verb, values in said.items() if values])


def _has_moved(row: Row) -> bool:
    return isinstance(row, StepRow) and row.account is not None and row.account.moved


def _say_kept(row: Row) -> str:
    """Return what accepting a row keeps of the account."""
    if row.account is None:
        return f"the flow without {short_value(row, row.recorded)}"
    return f"{short_value(row, row.account)}{' where it is' * _has_moved(row)}"


def _renamed(drift: Drift) -> Iterator[Way]:
    """Return how what was renamed in the files alone can be accepted: accept goes by the id that is recorded."""
    renamed = [each for each in drift.items if each.kind in (Kind.DRIFT, Kind.CONFLICT)]
    for item in renamed:
        if item.recorded_as is not None:
            new, old = id_of(item.address), id_of(item.recorded_as)
            caption = (
                f"{new}: still recorded as {old}; to keep what the account has, first give it its new id in the state"
            )
            yield Way(caption, _command(drift, "omnictl state mv", [old, new]))


def _vanished(drift: Drift) -> Iterator[Way]:
    gone = [id_of(each.address) for each in drift.items if each.kind is Kind.VANISHED and each.declared]
    if gone:
        about = _listed(gone) if len(gone) <= 3 else count(len(gone), "scenario")
        allowed = [f"--allow vanished={each}" for each in gone[:MOST_IDS]]
        caption = f"{about}: gone from the account; creating it anew gives it another key"
        yield Way(caption, _command(drift, "omnictl plan", (), [*allowed, "--out plan.json"]))


def _default(drift: Drift) -> Iterator[Way]:
    moved = drift.default
    if moved is not None and moved.source is not None and moved.now is not None:
        yield Way(
            f"The account is right about the default: take default: true out of {sanitize(moved.source.path)}, and "
            f"write it into the file of {id_of(moved.now)}"
        )


def command_here(drift: Drift, verb: str) -> tuple[str, ...]:
    """Return the parts of a command that names the environment of the drift."""
    return _command(drift, verb, ())


def _command(drift: Drift, verb: str, ids: Sequence[str], options: Sequence[str] = ()) -> tuple[str, ...]:
    where = f"--env {quote_word(drift.environment)}{' --sandbox' * drift.sandbox}"
    return (verb, *ids, *options, where) if ids else (f"{verb} {where}", *options)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
