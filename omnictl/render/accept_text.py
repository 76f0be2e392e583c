"""What accept did or would do, in words: the diff of each file, what was taken over, and what stays as it is."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from omnictl.render.difference import render_difference
from omnictl.render.style import Style


class EditedFile(Struct, frozen=True):
    """The text of a file before and after."""

    path: str
    before: str
    after: str


class Unchanged(Struct, frozen=True):
    """A scenario of which nothing is accepted; ``command`` accepts what differs all the same, "" where nothing does.

    ``is_ignored``: somebody changed it on the account, in fields that the file ignores; else its file says something
    else than was recorded, whoever is right.
    """

    scenario_id: str
    command: str = ""
    is_ignored: bool = False


def render_edits(files: Sequence[EditedFile], style: Style) -> str:
    """Return the diff of each file."""
    return "\n\n".join(render_difference(each.before, each.after, each.path, style) for each in files)


def render_acceptance(
    files: Sequence[EditedFile],
    accepted: Mapping[str, Sequence[str]],
    unchanged: Sequence[Unchanged],
    style: Style,
    *,
    dry_run: bool,
) -> str:
    """Return the diffs and what they mean; the command that comes next is said by whoever knows it."""
    word = "Would accept" if dry_run else "Accepted"
    said = [f"{style.paint('bold', word)}: {each} ({', '.join(fields)})" for each, fields in accepted.items()]
    said += [line for each in unchanged for line in _say_unchanged(each)]
    if files and dry_run:
        said.append("Nothing was written.")
    return "\n\n".join(part for part in (render_edits(files, style), "\n".join(said)) if part)


def _say_unchanged(unchanged: Unchanged) -> tuple[str, ...]:
    scenario_id = unchanged.scenario_id
    if not unchanged.command:
        return (f"No drift: {scenario_id} is on the account as its file says; there is nothing to accept.",)
    if unchanged.is_ignored:
        return (
            f"No drift: {scenario_id} was changed on the account in fields that its file ignores.",
            "To take over the account's value all the same",
            f"    {unchanged.command}",
        )
    return (
        f"Nothing to accept: {scenario_id} has no change on the account that its file lacks; the rest awaits an apply.",
        "To write the account's value into the file",
        f"    {unchanged.command}",
    )
