"""Markdown in which every text stays a text, and comments that fit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from omnictl.model.change import Action
from omnictl.model.outcome import Fate
from omnictl.render.markdown import render_diagnostics_markdown, render_plan_markdown, render_report_markdown
from omnictl.render.markup import COMMENT_UNITS, alert, block, code, fitting, fold, prose, units
from omnictl.render.words import quote
from tests.builders import Scene, problem
from tests.golden.test_reports import finished, outcome


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("plain words, and more.", "plain words, and more."),
        ('named "test" (KAKAO_ALIM)', 'named "test" (KAKAO_ALIM)'),
        ("a -> b", "a → b"),
        ("ask @team now", "ask `@team` now"),
        ("fix #12 and GH-12", "fix `#12` and `GH-12`"),
        ("see www.example.com", "see `www.example.com`"),
        ("see https://example.com/x", "see `https://example.com/x`"),
        ("mail a@b.example", "mail `a@b.example`"),
        ("*bold* _it_ ~~no~~", "`*bold* _it_ ~~no~~`"),
        ("a | b", "a `|` b"),
        ("<b> &amp; [x](y)", "`<b> &amp; [x](y)`"),
        ("tick ` and `` ticks", "tick `` ` `` and ``` `` ``` ticks"),
        ("- item", "`-` item"),
        (":tada: yes", "`:tada:` yes"),
        ("1. first", "`1.` first"),
        ("name:", "name:"),
        ("test (127.0.0.1:18433), 8 scenarios", "test (`127.0.0.1:18433`), 8 scenarios"),
        ('renamed to "[retired] R"; stays', 'renamed to `"[retired] R"`; stays'),
        ('renamed to "[retired] Order of May", key C', 'renamed to `"[retired] Order of May"`, key C'),
        ('the name was "A" and is "B_ of C".', 'the name was "A" and is `"B_ of C"`.'),
        ('the name was "a b" and is "c d"', 'the name was "a b" and is "c d"'),
        ('a quotation "that never _ends', 'a quotation "that never `_ends`'),
        ('"[x]" and ("[y] z")', '`"[x]"` and (`"[y] z"`)'),
        ("call f(x) (see #12)", "call `f(x)` (see `#12`)"),
        ("(a#b) c (d#e)", "(`a#b`) c (`d#e`)"),
        ("(#a) (#b)", "`(#a) (#b)`"),
        ("what #12?", "what `#12`?"),
        ("((#))", "((`#`))"),
        ("(a#b", "(`a#b`"),
        ("-- :", "`--` :"),
    ],
)
def test_prose(text: str, markup: str) -> None:
    assert prose(text) == markup


@pytest.mark.parametrize(
    ("text", "span"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), (" a ", "`  a  `"), ("", "` `"), ("\n", "`\\x0a`")],
)
def test_code(text: str, span: str) -> None:
    assert code(text) == span


@given(st.text())
def test_a_code_span_never_ends_early(text: str) -> None:
    span = code(text)
    fence = re.match("`+", span)
    assert fence is not None
    inside = span[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)
    assert "\n" not in span


def test_a_block_has_a_fence_that_is_longer_than_any_in_it() -> None:
    assert block(["a ```` b"], "sh") == "`````sh\na ```` b\n`````"


def test_alerts_and_folds() -> None:
    assert alert("NOTE", "a\n\nb") == "> [!NOTE]\n> a\n>\n> b"
    assert fold("a", "b") == "<details><summary>a</summary>\n\nb\n\n</details>"


def test_fitting() -> None:
    assert fitting(["abc", "d", "efgh"], 6) == ("abc", "d")
    assert fitting([], 6) == ()
    assert units("a📣") == 3


def test_a_long_text_does_not_take_the_room_of_all() -> None:
    assert code("x" * 600).endswith("… (100 more characters)`")


def crowd(number: int, name: str = "A name 📣") -> Scene:
    scene = Scene()
    for i in range(number):
        scene.declare(f"scenario-{i:04}", name, "WHATSAPP:447700900123 > SMS:InfoSMS")
    return scene


def test_a_plan_that_is_too_long_is_cut_between_changes() -> None:
    text = render_plan_markdown(crowd(1200).plan())
    assert COMMENT_UNITS * 0.9 < units(text) <= COMMENT_UNITS
    shown = [line for line in text.splitlines() if line.startswith("- **create**")]
    left = re.search(r"_(\d+) more changes are not shown here", text)
    assert left is not None
    assert len(shown) + int(left[1]) == 1200
    assert "**Plan: 1200 creates; 0 unchanged.**" in text
    assert text.endswith("omnictl apply --env production\n```\n")
    assert all(line.endswith(".yaml:1`)") for line in shown)


def test_guards_are_kept_where_changes_are_cut() -> None:
    scene = crowd(1200)
    for i in range(1200):
        scene.remember(f"scenario-{i:04}", f"Old {i} `", "VIBER:A > WHATSAPP:447700900123 > SMS:InfoSMS")
    text = render_plan_markdown(scene.plan())
    assert units(text) <= COMMENT_UNITS
    assert text.index("Apply will refuse this plan") < text.index("**Plan: 1200 updates")
    assert text.index("more guards are not shown here") < text.index("**Plan: 1200 updates")
    assert "omnictl plan --help" in text
    assert text.count("<details>") == text.count("</details>")
    assert "more changes are not shown here" in text


def test_flows_are_cut_before_changes() -> None:
    scene = Scene()
    for i in range(30):
        scene.declare(f"s-{i:02}", "A name", "SMS:A > VIBER:B").remember(f"s-{i:02}", "A name", "VIBER:B > SMS:A")
    text = render_plan_markdown(scene.plan(), most_units=6000)
    assert units(text) <= 6000
    assert text.count("- **update**") == 30
    assert re.search(r"_Before and after of \d+ more flows are not shown here", text)


def test_reports_and_diagnostics_are_cut_as_well() -> None:
    report = finished(*(outcome(f"s-{i:05}", Action.CREATE, Fate.DONE) for i in range(3000)))
    text = render_report_markdown(report)
    assert units(text) <= COMMENT_UNITS
    assert "more outcomes are not shown here" in text
    told = render_diagnostics_markdown([problem(detail=f"Number {i}.") for i in range(3000)], summary="3000 errors")
    assert units(told) <= COMMENT_UNITS
    assert "more diagnostics are not shown here" in told


NASTY = st.text(alphabet=st.sampled_from("`|<>@#*_~[]()!:/.\\\n\r\t ax&-+=\u202e\x1b📣"), max_size=40)


def inlines(markdown: str) -> list[Token]:
    """Return all inline tokens, as a reader of GitHub's Markdown makes them."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [child for token in tokens for child in token.children or []]


@given(NASTY)
def test_no_name_becomes_markup(name: str) -> None:
    text = render_plan_markdown(Scene().declare("a", name, "SMS").plan())
    tokens = inlines(text)
    assert quote(name) in [each.content for each in tokens if each.type == "code_inline"]
    assert {each.type for each in tokens} <= {"text", "softbreak", "code_inline", "strong_open", "strong_close"}
    assert [each.content for each in tokens if each.type == "text" and "@" in each.content] == []


@given(NASTY, NASTY)
def test_no_sentence_becomes_markup(one: str, other: str) -> None:
    text = render_diagnostics_markdown([problem(summary=f"{one} named {other}", detail=f"{other}\n{one}", hint=one)])
    tokens = [each for each in inlines(text) if each.type not in ("strong_open", "strong_close")]
    assert {each.type for each in tokens} <= {"text", "softbreak", "code_inline"}
    for each in tokens:
        assert each.type != "text" or not re.search(r"[@#<>|*\[\]!]", each.content)
