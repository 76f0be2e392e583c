"""What is read from the API, in all its spellings, and what is written to it, in the documented one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.model.scenario import Attributes, Json, Remote, Step
from omnictl.provider import wire
from omnictl.provider.wire import ApiError, UnreadableError
from tests.unit.provider.service import BODY, ROW


def read(**fields: object) -> Remote:
    """Read a scenario with these fields."""
    return wire.read_scenario(json.dumps({"key": "K", "name": "n", "flow": [], **fields}).encode())


def test_the_documented_scenario_is_read() -> None:
    remote = wire.read_scenario(json.dumps(ROW).encode())
    assert remote == Remote("CC9F01A5DC7BEE2C2B829D203482A654", BODY, is_default=True)
    assert remote.extra == {}
    assert remote.step_extra == ({}, {})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"default": True}, True),
        ({"default": False}, False),
        ({"default": None}, False),
        ({"defaultScenario": True}, True),
        ({"isDefault": True}, True),
        ({"default": None, "defaultScenario": True}, True),
        ({"default": False, "defaultScenario": True}, False),
        ({"default": "true"}, True),
        ({"default": "False"}, False),
        ({"default": 1}, True),
        ({"default": 0}, False),
        ({"default": []}, False),
    ],
)
def test_the_default_flag_has_three_spellings(fields: dict[str, object], expected: bool) -> None:
    remote = read(**fields)
    assert remote.is_default is expected
    assert remote.extra == {}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"channel": "SMS", "from": "InfoSMS"}, Step("SMS", "InfoSMS")),
        ({"channel": "sms", "from": ""}, Step("SMS")),
        ({"channel": " vkontakte ", "from": None}, Step("VKONTAKTE")),
        ({"channel": "VKONTANTE"}, Step("VKONTAKTE")),
        ({"channel": "Vkontante"}, Step("VKONTAKTE")),
        ({"channel": "BRAND_NEW"}, Step("BRAND_NEW")),
        ({"channel": "WHATSAPP", "from": 441134960000}, Step("WHATSAPP", "441134960000")),
        ({"channel": None}, Step("")),
        ({}, Step("")),
    ],
)
def test_steps_are_canonical(step: dict[str, object], expected: Step) -> None:
    assert read(flow=[step]).attributes.flow == (expected,)


def test_absent_and_null_are_the_same() -> None:
    assert read(name=None, flow=None) == Remote("K", Attributes("", ()))
    assert wire.read_scenario(b'{"key": "K"}') == Remote("K", Attributes("", ()))


@pytest.mark.parametrize(("key", "expected"), [("K", "K"), (17, "17"), (10**30, str(10**30)), ("00a", "00a")])
def test_a_key_is_opaque_text(key: object, expected: str) -> None:
    assert read(key=key).key == expected


def test_a_lone_surrogate_becomes_a_text_that_can_be_stored() -> None:
    assert wire.read_scenario(b'{"key": "K", "name": "a\\ud800b", "flow": []}').attributes.name == "a\ufffdb"
    assert wire.read_scenario(b'{"key": "K", "name": "\\ud83d\\ude00", "flow": []}').attributes.name == "😀"


@pytest.mark.parametrize(
    "fields",
    [
        {"key": None},
        {"key": ""},
        {"key": True},
        {"key": 1.5},
        {"key": ["K"]},
        {"name": ["n"]},
        {"name": False},
        {"flow": "SMS"},
        {"flow": {"channel": "SMS"}},
        {"flow": ["SMS"]},
        {"flow": [{"channel": 1.5}]},
        {"flow": [{"channel": "SMS", "from": {}}]},
    ],
)
def test_what_has_another_shape_is_unreadable(fields: dict[str, object]) -> None:
    with pytest.raises(UnreadableError):
        read(**fields)


@pytest.mark.parametrize(
    "body", [b"", b" ", b"null", b"[]", b'"x"', b"NaN", b'{"key": NaN}', b"{", b"\xff", b"[" * 99_999]
)
def test_what_is_no_scenario_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        wire.read_scenario(body)
    assert caught.value.__context__ is None


def test_a_page_is_read_in_its_order() -> None:
    page = json.dumps({"scenarios": [{**ROW, "key": "B"}, {**ROW, "key": "A"}], "paging": {"more": True}})
    assert [each.key for each in wire.read_page(page.encode())] == ["B", "A"]


def test_a_byte_order_mark_does_no_harm() -> None:
    assert wire.read_page(b'\xef\xbb\xbf{"scenarios": []}') == ()


def test_one_bad_row_spoils_the_page() -> None:
    with pytest.raises(UnreadableError):
        wire.read_page(json.dumps({"scenarios": [ROW, {"name": "no key"}]}).encode())


# --- writing ----------------------------------------------------------------------------------------------------


def written(body: bytes) -> dict[str, Json]:
    """Return what a body says."""
    document: dict[str, Json] = json.loads(body)
    return document


def test_a_create_is_written_as_the_documents_show_it() -> None:
    expected = {name: value for name, value in ROW.items() if name != "key"}
    assert written(wire.write_created(BODY, default=True)) == expected


def test_a_false_flag_and_an_absent_name_are_left_out_of_a_create() -> None:
    assert written(wire.write_created(Attributes("", (Step("SMS"),)), default=False)) == {"flow": [{"channel": "SMS"}]}


def test_an_update_gives_everything_back_that_was_not_changed() -> None:
    current = read(
        name="old",
        flow=[{"channel": "VKONTAKTE", "priority": 1}, {"channel": "sms", "from": "InfoSMS", "ttl": {"unit": None}}],
        defaultScenario=True,
        colour="blue",
        nothing=None,
        tags=["a", None],
    )
    assert written(wire.write_updated(current, BODY, default=False)) == {
        "colour": "blue",
        "tags": ["a", None],
        "name": "My VK-SMS scenario",
        "flow": [
            {"channel": "VKONTAKTE", "priority": 1},
            {"channel": "SMS", "from": "InfoSMS", "ttl": {"unit": None}},
        ],
        "default": False,
    }


def test_unknown_fields_follow_their_steps() -> None:
    current = read(flow=[{"channel": "A", "n": 1}, {"channel": "A", "n": 2}, {"channel": "B", "n": 3}])
    desired = Attributes("n", (Step("B"), Step("C"), Step("A"), Step("A"), Step("A")))
    assert written(wire.write_updated(current, desired, default=True))["flow"] == [
        {"channel": "B", "n": 3},
        {"channel": "C"},
        {"channel": "A", "n": 1},
        {"channel": "A", "n": 2},
        {"channel": "A"},
    ]


def test_a_name_is_taken_away_by_an_empty_one() -> None:
    assert written(wire.write_updated(read(name="old"), Attributes("", ()), default=False))["name"] == ""
    assert "name" not in written(wire.write_updated(read(name=None), Attributes("", ()), default=False))


def test_an_unknown_field_never_replaces_what_is_declared() -> None:
    current = Remote("K", BODY, extra={"name": "x", "key": "x"}, step_extra=({"channel": "x"}, {"from": "x"}))
    document = written(wire.write_updated(current, BODY, default=True))
    assert (document["name"], document["flow"]) == (BODY.name, ROW["flow"])


texts = st.text(st.characters(codec="utf-8"), max_size=8)
steps = st.builds(Step, st.sampled_from(["SMS", "VIBER", "X_1"]), st.none() | texts.filter(bool))
attributes = st.builds(Attributes, texts, st.lists(steps, max_size=4).map(tuple))


@settings(max_examples=100, deadline=None)
@given(attributes, st.booleans())
def test_what_is_written_is_read_back(body: Attributes, default: bool) -> None:
    echo = json.dumps({"key": "K", **written(wire.write_created(body, default=default))}).encode()
    assert wire.read_created(echo, Attributes("other", ()), default=False) == Remote("K", body, default)
    again = json.dumps({"key": "K", **written(wire.write_updated(Remote("K", body), body, default=default))}).encode()
    assert wire.read_updated(again, "K") == Remote("K", body, default)


# --- errors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        ({"messageId": "BAD_REQUEST", "text": "Bad request"}, ApiError("BAD_REQUEST", "Bad request")),
        ({"messageId": 0, "text": None}, ApiError("0", "")),
        (
            {"messageId": "X", "text": "t", "validationErrors": {"a": ["1", "2"], "b": "3", "c": [None]}},
            ApiError("X", "t", ("a: 1, 2", "b: 3", "c: ")),
        ),
        ({"messageId": "X", "text": "t", "validationErrors": ["a", {"b": 1}]}, ApiError("X", "t", ("a", '{"b": 1}'))),
        ({"messageId": "X", "text": "t", "validationErrors": "odd"}, ApiError("X", "t")),
        ({}, None),
        ("no", None),
        (None, None),
    ],
)
def test_errors_of_the_api_are_read(exception: object, expected: ApiError | None) -> None:
    assert wire.read_api_error(json.dumps({"requestError": {"serviceException": exception}}).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b'{"requestError": 1}', b'{"requestError": {}}'])
def test_other_errors_are_not_the_apis(body: bytes) -> None:
    assert wire.read_api_error(body) is None
