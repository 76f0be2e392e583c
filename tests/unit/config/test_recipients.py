"""``--to``: what is a phone number, an e-mail address or a push id, and words about mistakes that repeat no address."""

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnictl.config.addresses import PARSERS, find_kind, parse_email, parse_phone, parse_push
from omnictl.config.recipients import MOST_TYPED, parse_recipient, parse_recipients
from omnictl.model.diagnostic import Severity
from omnictl.model.message import Recipient


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("41793026727", "41793026727"),
        ("41793026731", "41793026731"),
        ("+41 79 302 67 27", "41793026727"),
        ("0041 (79) 302-67-27", "41793026727"),
        ("+49 (0) 171 1234567", "491711234567"),
        ("\u202a+41\u00a079\u00a0302 67 27\u202c", "41793026727"),
        ("+385 91 234 5678", "385912345678"),
        ("+39 06 1234 5678", "390612345678"),
    ],
)
def test_phone_numbers_are_digits_in_international_form(text: str, digits: str) -> None:
    address = parse_phone(text)
    assert (address.value, address.mistake, address.doubt) == (digits, "", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("079 302 67 27", "not international"),
        ("+", "digits, spaces"),
        ("()", "not international"),
        ("4912", "too short"),
        ("+49 1", "too short"),
        ("417930267271234567", "too long"),
        ("99912345678", "no country"),
        ("4.1793E+10", "rounded"),
        ("4,1793e+10", "rounded"),
        ("41793026727.0", "decimal"),
        ("41793026727.", "decimal"),
        ("0800-ACME", "digits, spaces"),
        ("41793026727;ext=5", "digits, spaces"),
        ("٤١٧٩٣٠٢٦٧٢٧", "digits, spaces"),
        ("4" * 61, "too long"),
        ("41793026727,41793026731", "digits, spaces"),
    ],
)
def test_what_is_no_phone_number_is_told_without_it(text: str, words: str) -> None:
    address = parse_phone(text)
    assert address.value == ""
    assert words in address.mistake
    assert len(text) < 4 or text not in address.mistake


def test_a_number_that_nobody_is_known_to_use_is_only_doubted() -> None:
    address = parse_phone("447700900123")  # a range that Britain keeps for films
    assert (address.value, address.mistake) == ("447700900123", "")
    assert "nobody is known to use" in address.doubt


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann@Example.COM", "Ann@example.com"),
        (" a@b.test ", "a@b.test"),
        ("a+b@x.example", "a+b@x.example"),
        ("a@münchen.de", "a@xn--mnchen-3ya.de"),
        ("ä@münchen.de", "ä@münchen.de"),
    ],
)
def test_e_mail_addresses_are_normalised(text: str, expected: str) -> None:
    assert parse_email(text).value == expected


@pytest.mark.parametrize(
    "text", ["", "a", "@", "a@", "a@localhost", "a b@x.com", "a@b..com", "a@x.com,b@x.com", "a" * 321]
)
def test_what_is_no_e_mail_address_is_told_without_it(text: str) -> None:
    address = parse_email(text)
    assert address.value == ""
    assert address.mistake
    assert len(text) < 4 or text not in address.mistake


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [("Ab_9-x==", True), ("", False), ("a b", False), ("ä", False), ("x" * 1001, False)],
)
def test_push_ids_stay_as_they_are(text: str, is_fine: bool) -> None:
    address = parse_push(text)
    assert (address.value == text and not address.mistake) if is_fine else address.mistake


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("41793026727", Recipient("41793026727")),
        ("a@b.test", Recipient(email="a@b.test")),
        ("phone=+41 79 302 67 27,email=a@b.test,push=ab==,c", Recipient("41793026727", "a@b.test", "ab==,c")),
        (" phone = 41793026727 , push = x ", Recipient("41793026727", push="x")),
        ("Phone=41793026727", Recipient("41793026727")),
        ("phoneNumber=41793026727,emailAddress=a@b.test", Recipient("41793026727", "a@b.test")),
        ("a=b@x.test", None),
    ],
)
def test_a_person_has_one_address_or_several(text: str, expected: Recipient | None) -> None:
    assert parse_recipient(text, label="--to 1")[0] == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mail=a@b.test", "--to 1: mail= is not known; known: phone= email= push= did you mean email=?"),
        ("phone=41793026727,fax=1", "fax= is not known"),
        ("phone=41793026727,phone=41793026731", "--to 1 has two of phone. several people take several --to"),
        ("phone=", "--to 1, phone: it is empty"),
        ("41793026727,41793026731", "several people take several --to"),
        ("a@b.test,c@d.test", "several people take several --to"),
        ("nobody", "--to 1: a phone number has digits"),
    ],
)
def test_every_mistake_is_told(text: str, words: str) -> None:
    recipient, (found,) = parse_recipient(text, label="--to 1")
    assert recipient is None
    assert (found.code, found.severity) == ("wrong-address", Severity.ERROR)
    assert words in f"{found.detail} {found.hint}"


def test_somebody_who_is_named_twice_gets_one_message() -> None:
    people, diagnostics = parse_recipients(["41793026727", "", "+41 79 302 67 27", "a@b.test", "A@b.test"])
    assert people == (Recipient("41793026727"), Recipient(email="a@b.test"))
    assert [(each.code, each.severity) for each in diagnostics] == [("same-recipient", Severity.WARNING)] * 2
    assert diagnostics[0].detail.startswith("--to 3 ")


def test_a_doubt_is_a_warning() -> None:
    people, (found,) = parse_recipients(["447700900123"], label="line")
    assert len(people) == 1
    assert (found.code, found.severity) == ("doubtful-number", Severity.WARNING)
    assert found.detail.startswith("line 1: ")


def test_there_is_an_end_of_people_and_of_mistakes() -> None:
    people, (found,) = parse_recipients(f"push={number}" for number in range(MOST_TYPED + 5))
    assert (len(people), found.code) == (MOST_TYPED, "too-many-recipients")
    people, diagnostics = parse_recipients(["x"] * 1000)
    assert (len(people), len(diagnostics)) == (0, 101)
    assert "--recipients" in diagnostics[-1].hint


@given(st.one_of(st.text(max_size=40), st.text(alphabet="phone=,@+0123456789.-() email", max_size=40)))
def test_any_text_is_a_person_or_a_mistake(text: str) -> None:
    recipient, diagnostics = parse_recipient(text, label="--to 1")
    is_wrong = any(each.severity is Severity.ERROR for each in diagnostics)
    assert (recipient is None) == is_wrong
    if recipient is not None:
        assert recipient.addresses
        again, _ = parse_recipient(",".join(f"{k}={v}" for k, v in recipient.addresses.items()), label="x")
        assert again == recipient, "what is normalised stays"


@pytest.mark.parametrize(
    "name", ["phone", "phoneNumber", "To", "MSISDN", "gsm", "E-mail", "email address", "pushRegistrationId"]
)
def test_kinds_have_the_names_of_files(name: str) -> None:
    assert find_kind(name) in PARSERS


def test_the_same_person_without_end_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 500
    monkeypatch.setattr("omnictl.config.recipients.MOST_TYPED", most)
    people, found = parse_recipients(repeat("41793026731"), label="line")
    assert len(people) == 1
    assert found[-1].severity is Severity.ERROR
    assert len(found) == most
