"""Edits of a flow in its text: senders, and steps taken out, put in and moved as whole items with their comments."""

from collections.abc import Sequence

from msgspec import Struct

from omnictl.config.edit import (
    EditRefusedError,
    Place,
    add_key,
    descend,
    ending_of,
    line_end,
    line_start,
    remove_key,
    replace_scalar,
    root_of,
)
from omnictl.config.nodes import Kind, Node, find_dashes
from omnictl.config.scalars import escape_references, write_scalar
from omnictl.model.acceptance import PlacedStep
from omnictl.model.scenario import Step


def set_sender(text: str, place: Place, index: int, sender: str | None) -> str:
    """Return the text with another sender in a step of the file, counted from 0; None takes it out."""
    path = ("flow", index)
    step = descend(root_of(text, place), path)
    if step.kind is not Kind.MAPPING:
        raise EditRefusedError("the step is no mapping")
    if sender is None:
        return remove_key(text, step, "from")
    if step.get("from") is None:
        return add_key(text, step, "from", escape_references(sender), place, after="channel")
    return replace_scalar(text, place, (*path, "from"), escape_references(sender))


def arrange_steps(text: str, place: Place, steps: Sequence[PlacedStep]) -> str:
    """Return the text with the items of the flow in another order: those with an origin moved whole, others written."""
    flow = descend(root_of(text, place), ("flow",))
    if [each.origin for each in steps] == list(range(len(flow.items))):
        return text
    if not steps:
        raise EditRefusedError("no step of the flow would be left, as where each side removed what the other kept")
    if flow.kind is not Kind.LIST or not flow.items:
        raise EditRefusedError("the flow is no list of steps that can be written")
    if flow.is_flow:
        return _arrange_in_brackets(text, flow, steps, place)
    return _arrange_lines(text, flow, steps)


# --- Block style: whole lines ------------------------------------------------------------------------------------


def _arrange_lines(text: str, flow: Node, steps: Sequence[PlacedStep]) -> str:
    starts = _item_starts(text, flow)
    end = _last_line_end(text, flow)
    ending = ending_of(text)
    blocks = [text[a:b] for a, b in zip(starts, [*starts[1:], end], strict=True)]
    ended = [each if each.endswith("\n") else each + ending for each in blocks]
    new = _Sample.of(text, flow)
    written = "".join(
        new.write_item(each.step, ending) if each.origin is None else ended[each.origin] for each in steps
    )
    if not text[starts[0] : end].endswith("\n"):
        written = written.removesuffix(ending)
    return text[: starts[0]] + written + text[end:]


def _item_starts(text: str, flow: Node) -> list[int]:
    """Return where each item starts, with the comments and empty lines right above its dash."""
    dashes = find_dashes(text, flow)
    if len(dashes) != len(flow.items) or any(text[line_start(text, each) : each].strip(" ") for each in dashes):
        raise EditRefusedError("the steps do not stand on lines of their own")
    starts = []
    for number, dash in enumerate(dashes):
        indent = dash - line_start(text, dash)
        limit = line_end(text, flow.items[number - 1].end) if number else _key_line_end(text, dash)
        starts.append(_with_comments(text, line_start(text, dash), limit, indent))
    return starts


def _key_line_end(text: str, dash: int) -> int:
    """Return the end of the last line before a dash that is neither empty nor a comment: that of the key."""
    at = line_start(text, dash)
    while at > 0 and _is_remark(text[line_start(text, at - 1) : at]):
        at = line_start(text, at - 1)
    return at


def _with_comments(text: str, start: int, limit: int, indent: int) -> int:
    """Go up over comments and empty lines; a comment that is indented further belongs to the item above."""
    while start > limit:
        above = line_start(text, start - 1)
        line = text[above:start]
        if not _is_remark(line) or (line.strip() and _indent_of(line) > indent):
            return start
        start = above
    return start


def _is_remark(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _last_line_end(text: str, flow: Node) -> int:
    """Return where the lines of the last item end, its further indented comments included."""
    dashes = find_dashes(text, flow)
    indent = dashes[-1] - line_start(text, dashes[-1])
    end = line_end(text, flow.items[-1].end)
    while end < len(text):
        line = text[end : line_end(text, end)]
        if not (line.strip() and _is_remark(line) and _indent_of(line) > indent):
            return end
        end = line_end(text, end)
    return end


class _Sample(Struct, frozen=True):
    """How the steps of a list in block style are written: the spaces before and after the dash, in braces or not."""

    indent: int
    gap: int
    in_braces: bool

    @classmethod
    def of(cls, text: str, flow: Node) -> "_Sample":
        dash = find_dashes(text, flow)[0]
        first = flow.items[0]
        between = text[dash + 1 : first.content]
        gap = len(between) if between.strip(" ") == "" and between else 1
        return cls(dash - line_start(text, dash), gap, all(each.is_flow for each in flow.items))

    def write_item(self, step: Step, ending: str) -> str:
        lead = f"{' ' * self.indent}-{' ' * self.gap}"
        if self.in_braces:
            return f"{lead}{_in_braces(step, as_json=False)}{ending}"
        lines = [f"{lead}channel: {write_scalar(escape_references(step.channel))}"]
        if step.sender is not None:
            sender = write_scalar(escape_references(step.sender))
            lines.append(f"{' ' * (self.indent + 1 + self.gap)}from: {sender}")
        return "".join(f"{each}{ending}" for each in lines)


# --- Flow style: items between commas ----------------------------------------------------------------------------


class _Item(Struct, frozen=True):
    """One item between brackets: what stands before it since the line above, itself, and the comment behind it."""

    before: str
    written: str
    behind: str = ""


def _arrange_in_brackets(text: str, flow: Node, steps: Sequence[PlacedStep], place: Place) -> str:
    spans = [(each.start, each.end) for each in flow.items]
    edges = [flow.content + 1, *(end for _, end in spans)]
    gaps = [text[a:b] for a, b in zip(edges, [*(start for start, _ in spans), flow.end - 1], strict=True)]
    opened, first = _cut_line(gaps[0], at_start=True)
    behind, before, closing = _share_gaps(gaps[1:])
    items = [_Item(lead, text[a:b], rest) for lead, (a, b), rest in zip([first, *before], spans, behind, strict=True)]
    between = before[0] if before and "#" not in before[0] else _bare_space(first) or " "
    new = [
        items[each.origin] if each.origin is not None else _Item(between, _write_inline(each.step, place, items[0]))
        for each in steps
    ]
    has_last_comma = closing.startswith(",")
    written = [
        f"{_lead(each, number, first, between)}{each.written}"
        f"{',' if number + 1 < len(new) or has_last_comma else ''}{each.behind}"
        for number, each in enumerate(new)
    ]
    inside = opened + "".join(written) + closing.removeprefix(",")
    return text[: flow.content + 1] + inside + text[flow.end - 1 :]


def _lead(item: _Item, number: int, first: str, between: str) -> str:
    """Return what stands before an item: comments move with it, mere space is that of the place."""
    if "#" in item.before:
        return item.before
    return _bare_space(first) if number == 0 else between


def _bare_space(lead: str) -> str:
    """Return the space of a lead without its comments."""
    if "#" not in lead:
        return lead
    return ("\r\n" if "\r\n" in lead else "\n") + lead.rpartition("\n")[2]


def _cut_line(gap: str, *, at_start: bool) -> tuple[str, str]:
    """Part what stands on the line of the item before from what stands above the next one."""
    line, end, _ = gap.partition("\n")
    if not end:
        return ("", gap) if at_start else (gap, "")
    if not line.strip():
        return ("", gap)
    back = 1 if line.endswith("\r") else 0
    return line[: len(line) - back], gap[len(line) - back :]


def _share_gaps(gaps: Sequence[str]) -> tuple[list[str], list[str], str]:
    """Give each gap after an item to the item (a comment on its line) and to the next one; the last one closes."""
    behind, before = [], []
    for number, gap in enumerate(gaps):
        comma, hash_sign = gap.find(","), gap.find("#")
        is_last = number + 1 == len(gaps)
        if (comma < 0 and not is_last) or 0 <= hash_sign < comma:
            raise EditRefusedError("a comment stands between a step and its comma")
        plain = gap if comma < 0 else gap[:comma] + gap[comma + 1 :]
        rest, lead = _cut_line(plain, at_start=False) if "\n" in plain else ("", plain)
        behind.append(rest)
        before.append(lead)
    closing = before.pop()
    return behind, before, ("," if "," in gaps[-1].partition("#")[0] else "") + closing


def _write_inline(step: Step, place: Place, like: _Item) -> str:
    as_json = place.is_json or like.written.lstrip("{ \r\n").startswith('"')
    if as_json and "\n" in like.written:
        return _spread(step, like)
    return _in_braces(step, as_json=as_json)


def _spread(step: Step, like: _Item) -> str:
    """Write a step as JSON over lines, indented as another one is."""
    lead = like.written.partition('"')[0].removeprefix("{")
    closing = like.written[len(like.written.removesuffix("}").rstrip()) :]
    parts = [f'"channel": {write_scalar(escape_references(step.channel), is_json=True)}']
    if step.sender is not None:
        parts.append(f'"from": {write_scalar(escape_references(step.sender), is_json=True)}')
    return "{" + lead + f",{lead}".join(parts) + closing


def _in_braces(step: Step, *, as_json: bool) -> str:
    quote = '"' if as_json else ""
    pairs = [("channel", step.channel), *([("from", step.sender)] if step.sender is not None else [])]
    written = (
        f"{quote}{key}{quote}: {write_scalar(escape_references(value), in_flow=True, is_json=as_json)}"
        for key, value in pairs
    )
    return "{" + ", ".join(written) + "}"
