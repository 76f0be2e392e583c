"""Whatever a file looks like and whatever the account has: it reads back as the account, or nothing is written."""

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.model.address import make_address
from omnictl.model.scenario import CHANNELS, Attributes, Step
from tests.accepting import accept, read_project
from tests.projects import write

BENT = "no ~ null 0123 +385 12:30 1_000 true # {x} [x] ${x} $${x} ${var.y} $ it's \" \\ é 😀 << *a &a !x % @ `"
SIGNS = "a,b ? : - --- ... = > |"
ODD = (" x ", "a: b", "a #b", "- a", "${a ${b}", "a\nb", "\t", "\u202e", "\u2028", "\x7f", "\x00", "\ufeff", "\x85")
TEXTS = st.one_of(
    st.text(min_size=1, max_size=12).filter(lambda each: not re.search("[\ud800-\udfff]", each)),
    st.sampled_from((*BENT.split(" "), *SIGNS.split(" "), *ODD)),
)
STEPS = st.builds(Step, st.sampled_from(CHANNELS), st.none() | TEXTS)
FLOWS = st.lists(STEPS, min_size=1, max_size=6)
SPACES = st.sampled_from(["", "\n", "  # remark\n", "    # further in\n", "# at the margin\n", "\n  # a\n\n"])


@st.composite
def scalars(draw: Any, text: str) -> str:
    """Write a text in one of the ways that hold it."""
    escaped = text.replace("${", "$${")
    ways = [json.dumps(escaped)]
    if text.isprintable() and text.strip() == text:
        ways.append("'" + escaped.replace("'", "''") + "'")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", text) and text.lower() not in (
        "no",
        "null",
        "true",
        "yes",
        "on",
        "off",
        "n",
        "y",
    ):
        ways += [text, text]
    return str(draw(st.sampled_from(ways)))


PLAIN = st.text("ABCDEFxyz é'\"#:,[]{}", min_size=1, max_size=8).filter(lambda each: each.strip() == each)


@st.composite
def documents(draw: Any, scenario_id: str = "a") -> str:
    """Return a scenario in a layout that somebody may have chosen."""
    flow = draw(st.lists(st.builds(Step, st.sampled_from(CHANNELS), st.none() | PLAIN), min_size=1, max_size=5))
    indent = draw(st.sampled_from(["", "  ", "    "]))
    in_brackets = draw(st.booleans())
    remark = st.sampled_from(["", "  # said", "   #"])
    steps = [draw(_steps(each, indent, in_braces=in_brackets)) for each in flow]
    if in_brackets and draw(st.booleans()):
        listed = "flow: [" + ", ".join(steps) + "]" + draw(remark) + "\n"
    elif in_brackets:
        lines = [f"  {draw(SPACES).strip(' ')}{indent}  {each},{draw(remark)}\n" for each in steps]
        listed = "flow: [\n" + "".join(lines) + "  ]\n"
    else:
        listed = f"flow:{draw(remark)}\n" + "".join(draw(SPACES) + each for each in steps) + draw(SPACES)
    parts = [
        f"id: {scenario_id}{draw(remark)}\n",
        f"name: {draw(scalars(draw(PLAIN) + scenario_id * 3))}{draw(remark)}\n",
        listed,
        *draw(st.sampled_from([[], ["description: |\n  flow:\n  - channel: SMS\n"], ["labels: {a: b}  # x\n"]])),
    ]
    return "".join(draw(st.permutations(parts)))


@st.composite
def _steps(draw: Any, step: Step, indent: str, *, in_braces: bool) -> str:
    channel = draw(st.sampled_from([step.channel, f'"{step.channel}"']))
    pairs = [f"channel: {channel}", *([f"from: {draw(_senders(step.sender))}"] if step.sender is not None else [])]
    pairs = draw(st.permutations(pairs))
    if in_braces:
        return "{" + ", ".join(pairs) + "}"
    if draw(st.booleans()):
        return f"{indent}- {{{', '.join(pairs)}}}\n"
    remark = st.sampled_from(["", "  # of the step"])
    gap = draw(st.sampled_from([" ", "   "]))
    between = draw(st.sampled_from(["", "", "# between"]))
    lines = [f"{each}{draw(remark)}\n" for each in pairs]
    lines = [lines[0], f"{between}\n", *lines[1:]] if between else lines
    return f"{indent}-{gap}" + f"{indent} {gap}".join(lines)


def _senders(text: str) -> st.SearchStrategy[str]:
    quoted = [json.dumps(text), "'" + text.replace("'", "''") + "'"]
    return st.sampled_from(quoted)


@st.composite
def files(draw: Any) -> bytes:
    """Return a file: one document or several, with either line end, with or without what ends it."""
    texts = [draw(documents("a"))]
    if draw(st.booleans()):
        texts = draw(st.permutations([*texts, draw(documents("b"))]))
    text = draw(st.sampled_from(["", "---\n", "# head\n"])) + "---\n".join(texts)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    mark: str = draw(st.sampled_from(["", "\ufeff"]))
    whole: str = mark + text
    return whole.encode()


def comments_of(text: str) -> list[str]:
    return re.findall(r"# (?:remark|further in|at the margin|said|of the step|between|head)", text)


def shape_of(text: str) -> str:
    """Return the layout of a JSON text, without what its texts say."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', "text", text)


@settings(max_examples=300)
@given(files(), TEXTS, FLOWS)
def test_a_file_reads_back_as_the_account(content: bytes, name: str, flow: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = root / "scenarios" / "a.yaml"
        path.parent.mkdir()
        path.write_bytes(content)
        before = read_project(root, "default").resources
        accepted = accept(root, name=name, flow=flow)
        assert accepted.codes == []
        assert accepted.target == Attributes(name, tuple(flow))
        accepted.write()
        after = read_project(root, "default").resources
        assert after[make_address("a")].attributes == accepted.target
        assert after.get(make_address("b")) == before.get(make_address("b"))
        written = path.read_bytes()
        assert written.endswith(b"\n") == content.endswith(b"\n")
        assert written.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
        if b"\r\n" in content:
            assert not re.search(rb"(?<!\r)\n", written)
        assert read_project(root, "default").validation.files == 1
        again = accept(root, name=name, flow=flow)
        assert not again.draft.edits


@settings(max_examples=150)
@given(files(), FLOWS)
def test_no_comment_is_lost_with_a_step_that_stays(content: bytes, flow: list[Step]) -> None:
    """Comments go with the steps that go, and with no other."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = root / "scenarios" / "a.yaml"
        path.parent.mkdir()
        path.write_bytes(content)
        was = read_project(root, "default").resources[make_address("a")].attributes.flow
        accepted = accept(root, flow=[*flow, *was][::-1])
        assert accepted.codes == []
        accepted.write()
        assert sorted(comments_of(path.read_text())) == sorted(comments_of(content.decode()))


@settings(max_examples=150)
@given(files())
def test_no_comment_is_lost_with_a_sender(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = root / "scenarios" / "a.yaml"
        path.parent.mkdir()
        path.write_bytes(content)
        was = read_project(root, "default").resources[make_address("a")].attributes.flow
        accepted = accept(root, flow=[Step(each.channel) for each in was])
        assert accepted.codes == []
        accepted.write()
        assert sorted(comments_of(path.read_text())) == sorted(comments_of(content.decode()))


@settings(max_examples=100)
@given(st.lists(st.builds(Step, st.sampled_from(CHANNELS), st.none() | TEXTS), min_size=1, max_size=4), TEXTS, FLOWS)
@example([Step("SMS", "A")], "b", [Step("VIBER", "B"), Step("SMS", None)])
def test_json_reads_back_as_the_account(was: Sequence[Step], name: str, flow: list[Step]) -> None:
    body = {
        "name": "A",
        "flow": [{"channel": each.channel, **({"from": "A"} if each.sender is not None else {})} for each in was],
    }
    for layout in ({}, {"indent": 2}, {"indent": 4}, {"separators": (",", ":")}):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            path = root / "scenarios" / "a.json"
            path.parent.mkdir()
            text = json.dumps(body, **layout)
            path.write_text(text)
            accepted = accept(root, name=name, flow=flow)
            assert accepted.codes == []
            accepted.write()
            assert read_project(root, "default").resources[make_address("a")].attributes == accepted.target
            written = path.read_text()
            assert "separators" in layout or shape_of(written) == shape_of(json.dumps(json.loads(written), **layout))


WRITTEN = st.sampled_from(["A", "${var.x}", "${var.y}", "Shop ${var.x}", "$${var.x}", "&n A", "'${var.y}'"])


@st.composite
def projects(draw: Any) -> dict[str, str]:
    """Return a project of two environments, whose scenarios may be of one of them and share variables and anchors."""
    given = st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["A", "B", "'C'"]))
    lines = "".join(f"  {name}: {{variables: {_braces(draw(given))}}}\n" for name in ("test", "production"))
    files = {"omnictl.yaml": f"version: 1\nvariables: {{x: D, y: {{default: E}}}}\nenvironments:\n{lines}"}
    for scenario_id in draw(st.sampled_from(["a", "ab", "abc"])):
        name = draw(WRITTEN)
        sender = draw(WRITTEN.filter(lambda each: each != "&n A") | st.just("*n" if name == "&n A" else "F"))
        more = draw(st.sampled_from(["", "only_in: [test]\n", "description: ${var.x}\n", "labels: {a: '${var.y}'}\n"]))
        text = f"id: {scenario_id}\nname: {name}\n{more}flow:\n  - channel: SMS\n    from: {sender}\n"
        files[f"scenarios/{scenario_id}.yaml"] = text + draw(st.sampled_from(["", "  - channel: VKONTAKTE\n"]))
    return files


def _braces(given: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in given.items()) + "}"


def _everything(root: Path) -> dict[str, dict[Any, Any]]:
    configurations = read_project(root, "test").validation.configurations
    return {name: dict(each.resources) for name, each in configurations.items()}


@settings(max_examples=300)
@given(projects(), st.none() | st.sampled_from("ABCX"), st.none() | st.sampled_from("ABCFX"), st.booleans())
def test_nothing_else_changes_in_any_environment(
    files: dict[str, str], name: str | None, sender: str | None, gains_a_step: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, files)
        address = make_address("a")
        before = _everything(root)
        flow = list(before["test"][address].attributes.flow)
        flow[0] = replace(flow[0], sender=sender or flow[0].sender)
        accepted = accept(
            root, environment="test", name=name, flow=[*flow, Step("EMAIL", "M")] if gains_a_step else flow
        )
        event(f"refused: {accepted.codes}")
        if accepted.problems:
            return
        accepted.write()
        before["test"][address] = replace(before["test"][address], attributes=accepted.target)
        assert _everything(root) == before
