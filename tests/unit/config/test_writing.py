"""A scenario written as YAML reads back byte for byte, and fmt leaves the file as it is."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnictl.config.format import format_text
from omnictl.config.settings import Environment, Settings
from omnictl.config.writing import CODES, read_back, write_scenario
from omnictl.model.address import make_address
from omnictl.model.adoption import Adoption, Draft
from omnictl.model.scenario import Attributes, Remote, Step

SETTINGS = Settings(Path(), environments={name: Environment(name) for name in ("test", "production")})
ODD = [
    "0123",
    "no",
    "Null",
    "TRUE",
    "1e5",
    "+385911234567",
    "12:30",
    "1_000",
    "~",
    "<<",
    "-",
    "- x",
    "? x",
    "a: b",
    "a #b",
    "#",
    "'quoted'",
    '"quoted"',
    "it's",
    "back\\slash",
    "${var.x}",
    "$${var.x}",
    "${a${b}",
    "${",
    "$$",
    "}${x",
    " leading",
    "trailing ",
    "two  spaces",
    "line\nend",
    "carriage\r\nreturn",
    "tab\t",
    "bell\a\x00\x1b[31m",
    "\x85 \u2028 \u2029 \ufeff",
    "\ufffe\uffff",
    "\xa0",
    "😀 👩‍👩‍👧",
    "שלום עולם",
    "مرحبا",
    "a\u202eb",
    "Заказ",
    "e\u0301",
    "---",
    "...",
    "%YAML",
    "@x",
    "`x`",
    "[a]",
    "{a: b}",
    "a, b",
    "!tag",
    "&anchor",
    "*alias",
    "|",
    ">",
    "=",
    "x" * 300,
]


def draft_of(attributes: Attributes, **more: object) -> Draft:
    text = write_scenario("an-id", attributes, **more)  # type: ignore[arg-type]
    return Draft(Adoption(make_address("an-id"), Remote("KEY", attributes)), "/x/an-id.yaml", "an-id.yaml", text)


def assert_kept(attributes: Attributes, **more: object) -> None:
    """Hold that a file says what it was made of, and that fmt has nothing to mend."""
    draft = draft_of(attributes, **more)
    resource, diagnostics = read_back(draft, SETTINGS, "test")
    assert diagnostics == ()
    assert resource is not None
    assert resource.attributes == attributes
    assert format_text(draft.text, draft.shown) == (draft.text, ())


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_is_kept(text: str) -> None:
    assert_kept(Attributes(text, (Step("SMS", text), Step("VKONTAKTE"))))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.sampled_from("$${}va.r: #-'\"\\ \n"), min_size=1),
)
@example("a", "${x}$${y}")
def test_any_text_is_kept(name: str, sender: str) -> None:
    assert_kept(Attributes(name, (Step("SMS", sender),)))


@pytest.mark.parametrize(
    "more",
    [
        {"default": True},
        {"only_in": "test"},
        {"only_in": "test", "imports": "CD26"},
        {"imports": {"test": "9A41", "production": "CD26"}},
        {"default": True, "only_in": "test", "imports": {"test": "1e5"}},
    ],
)
def test_every_line_stands_in_its_place(more: dict[str, object]) -> None:
    assert_kept(Attributes("A", (Step("SMS", "x"),)), **more)


def test_a_usual_file_is_pleasant() -> None:
    attributes = Attributes("My VK-SMS scenario", (Step("VKONTAKTE"), Step("SMS", "InfoSMS")))
    text = write_scenario("vk-sms", attributes, default=True, only_in="test", imports={"test": "CD26"})
    assert text == (
        "id: vk-sms\n"
        "name: My VK-SMS scenario\n"
        "flow:\n"
        "  - channel: VKONTAKTE\n"
        "  - channel: SMS\n"
        "    from: InfoSMS\n"
        "default: true\n"
        "only_in: [test]\n"
        "import:\n"
        "  test: CD26\n"
    )


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        (Attributes("half \ud800", (Step("SMS"),)), "cannot-be-written"),
        (Attributes("A", (Step("sms"),)), "cannot-be-written"),
        (Attributes("", (Step("SMS"),)), "empty-text"),
        (Attributes("A", ()), "empty-value"),
        (Attributes("A", (Step("RCS"),)), "unknown-channel"),
        (Attributes("A", (Step("SMS"),) * 101), "too-many-elements"),
        (
            Attributes("A", (Step("SMS", "0123456789abcdef0123456789abcdef-01234567-0123-0123-0123-0123456789ab"),)),
            "secret-in-file",
        ),
        (Attributes("x" * 1_100_000, (Step("SMS"),)), "cannot-be-written"),
    ],
)
def test_what_no_file_holds_is_told(attributes: Attributes, code: str) -> None:
    resource, diagnostics = read_back(draft_of(attributes), SETTINGS, "test")
    assert resource is None
    assert code in [each.code for each in diagnostics]


def test_the_code_is_explained() -> None:
    assert set(CODES) == {"cannot-be-written"}
