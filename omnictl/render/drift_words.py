"""What drift says, in words: for the text and Markdown alike. How it is laid out is theirs."""

from msgspec import Struct

from omnictl.model.address import id_of
from omnictl.model.drift import DefaultMoved, Drift, Item, Kind, NameRow, Placed, Row, StepRow
from omnictl.model.scenario import IgnoredField
from omnictl.render.plan_words import describe_fields
from omnictl.render.style import Style, sanitize
from omnictl.render.words import count, quote, short_key, step_text

NOBODY_KNOWS = "Who changed it is not known: the API does not say."
_FOLDED = ("before", "after")
_NAMED_UNMANAGED = 5
_LONGEST_NAME = 40


class Cells(Struct, frozen=True):
    """A row in words: what it is called, and the field as recorded, on the account and in the files."""

    label: str
    recorded: str
    account: str
    files: str
    verdict: str


def say_header(drift: Drift, dot: str) -> str:
    """Return what is compared with what, and in which environment."""
    return f"{sanitize(drift.environment)} {dot} {say_recorded(drift)}"


def say_recorded(drift: Drift) -> str:
    """Return what is compared with what."""
    if drift.recorded_at is None:
        return "nothing recorded yet; the account now"
    by = f" ({sanitize(drift.recorded_by)})" if drift.recorded_by else ""
    return f"recorded {drift.recorded_at:%Y-%m-%d %H:%MZ}{by} against the account now"


def say_item(item: Item) -> str:
    """Return what stands beside the id of a scenario."""
    said = {
        Kind.CONFLICT: "changed on the account and in the files",
        Kind.VANISHED: "no longer on the account",
        Kind.DRIFT: "changed on the account only",
    }.get(item.kind) or say_ignored(item.ignored[0])
    if item.recorded_as is not None:
        said += f"; recorded as {id_of(item.recorded_as)}"
    if not item.declared:
        said += "; no file declares it any more"
    return said + ("; only observed" if item.observed else "")


def say_details(item: Item, style: Style) -> tuple[tuple[str, str], ...]:
    """Return named details: what changed on the account (a conflict has its rows instead), and what is ignored."""
    shown = describe_fields(item.changes, style) if item.kind is Kind.DRIFT else iter(())
    edits = tuple((name, text) for name, text in shown if name not in _FOLDED)
    left = item.ignored[1:] if item.kind is Kind.IGNORED else item.ignored
    return (*edits, *(("ignored", say_ignored(each)) for each in left))


def say_ignored(ignored: IgnoredField) -> str:
    """Return which field differs and why that is let be."""
    until = f" until {ignored.until}" if ignored.until else ""
    reason = f": {quote(ignored.reason)}" if ignored.reason else ""
    return f"{ignored.field} differs; ignore_changes{until}{reason}"


def say_row(row: Row) -> Cells:
    """Return a row in words."""
    verdict = row.verdict.value
    if isinstance(row, NameRow):
        files = "-" if row.files is None else quote(row.files)
        return Cells("name", quote(row.recorded), quote(row.account), files, verdict)
    there = row.recorded or row.account or row.files
    label = "sender" if row.is_sender else f"step {there.position if there is not None else 0}"
    account, files = (_say_placed(each, sender_only=row.is_sender) for each in (row.account, row.files))
    return Cells(label, _say_placed(row.recorded), account, files, verdict)


def _say_placed(placed: Placed | None, *, sender_only: bool = False) -> str:
    if placed is None:
        return "-"
    if sender_only:
        return sanitize(placed.step.sender or "-")
    return f"{step_text(placed.step)} (now step {placed.position})" if placed.moved else step_text(placed.step)


def say_default(moved: DefaultMoved, style: Style) -> str:
    """Return where the account default went."""
    return f"the account default moved: {id_of(moved.address)} {style.arrow} {_holder(moved, style)}"


def _holder(moved: DefaultMoved, style: Style) -> str:
    if moved.key is None:
        return "nobody"
    if moved.now is not None:
        return id_of(moved.now)
    return f"{quote(moved.name)} (key {short_key(moved.key, style)}, not managed here)"


def say_result(drift: Drift, exit_code: int) -> str:
    """Return the counts of the scenarios that were looked at, and how many differ."""
    counts = drift.counts
    strict = (
        f" What nobody manages counts with --strict (exit {exit_code})." if exit_code and not drift.differing else ""
    )
    if not counts.managed and not drift.differing:
        return f"No drift: nothing is recorded in {_chosen(drift)}.{strict}"
    if counts.as_recorded == counts.managed and not drift.differing:
        are = "is" if counts.managed == 1 else "are"
        return f"No drift: {count(counts.managed, 'scenario')} in {_chosen(drift)} {are} as recorded.{strict}"
    numbers = (
        (counts.as_recorded, "as recorded"),
        (counts.as_declared, "as declared"),
        (counts.drift, "drift"),
        (counts.conflict, "conflict"),
        (counts.vanished, "vanished"),
        (counts.ignored, "ignored"),
    )
    parts = ", ".join(f"{number} {word}" for number, word in numbers if number)
    moved = "; the account default moved" if drift.default is not None else ""
    ending = f" (exit {exit_code})" if drift.differing else ""
    differ = "none differs" if not drift.differing else f"{drift.differing} differ{'s' * (drift.differing == 1)}"
    chosen = f" in {_chosen(drift)}" if drift.selection.only or drift.selection.exclude else ""
    return f"{counts.managed} managed{chosen}: {parts}{moved}. {differ.capitalize()}{ending}.{strict}"


def _chosen(drift: Drift) -> str:
    selection = drift.selection
    words = (*(f"only {each}" for each in selection.only), *(f"not {each}" for each in selection.exclude))
    return f"{sanitize(drift.environment)} ({sanitize(', '.join(words))})" if words else sanitize(drift.environment)


def say_edited(drift: Drift) -> str | None:
    """Return how many scenarios wait for an apply: that is no drift."""
    number = drift.counts.edited
    if not number:
        return None
    if number == 1:
        return "1 of them differs in its file from what was recorded, and is not applied yet."
    return f"{number} of them differ in their files from what was recorded, and are not applied yet."


def say_unlike(drift: Drift) -> str | None:
    """Return how many files of only observed scenarios say something else than the account: no apply changes that."""
    number = drift.counts.unlike
    if not number:
        return None
    if number == 1:
        return "1 of them is only observed, and its file says something else than the account: accept takes that over."
    unlike = "their files say something else than the account"
    return f"{number} of them are only observed, and {unlike}: accept takes that over."


def say_unmanaged(drift: Drift, *, how: str = "", names: bool = True) -> str:
    """Return how many scenarios nobody manages, the coverage, and the first names; ``how`` says what to do."""
    left, coverage = drift.not_managed, f"coverage {round(drift.coverage * 10_000) // 10 / 10:.1f} %"
    if not left:
        what = "Everything that .omnictlignore does not name" if drift.unmanaged else "Everything on the account"
        return f"{what} is managed, {coverage}." if drift.on_account else ""
    shown = [_short_name(each.name) for each in left[:_NAMED_UNMANAGED]] if names else []
    more = f" and {len(left) - len(shown)} more" if shown and len(left) > len(shown) else ""
    listed = f": {', '.join(shown)}{more}" if shown else ""
    return f"{len(left)} not managed, {coverage}{listed}{how}"


def say_let_be(drift: Drift, how: str) -> str | None:
    """Return how many unmanaged scenarios .omnictlignore names; ``how`` says where their names are."""
    number = len(drift.unmanaged) - len(drift.not_managed)
    if not number:
        return None
    return f"{number} more not managed and ignored by .omnictlignore{how}"


def say_elsewhere(drift: Drift) -> str | None:
    """Return how many scenarios other environments of the account manage."""
    if not drift.elsewhere:
        return None
    names = ", ".join(sorted(set(drift.elsewhere.values())))
    return f"{len(drift.elsewhere)} managed elsewhere, on the same account ({sanitize(names)})."


def short_value(row: Row, side: Placed | str | None) -> str:
    """Return the one word by which a person knows a value: a sender, a channel, a name."""
    if isinstance(side, str):
        return _short_name(side)
    if side is None:
        return "-"
    if isinstance(row, StepRow) and row.is_sender and side.step.sender:
        return sanitize(side.step.sender)
    return sanitize(side.step.channel)


def _short_name(name: str) -> str:
    return quote(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..")
