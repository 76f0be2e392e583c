"""What is equal, what is nearly equal, and what ``ignore_changes`` takes out."""

import pytest

from omnictl.engine.compare import fold, is_near, wanted
from omnictl.model.scenario import Attributes, IgnoredField
from tests.builders import flow


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("Order updates", "order updates", True),
        ("Order updates", " Order \t updates ", True),
        ("Ⅷ", "VIII", True),
        ("STRASSE", "straße", True),
        ("12345678", "123456789", True),
        ("1234567", "12345678", False),
        ("12345678", "x12345678", False),
        ("", "anything", False),
        ("Order updates", "Orders updates", False),
    ],
)
def test_a_near_name(one: str, other: str, near: bool) -> None:
    mine, theirs = (Attributes(name, flow("SMS:A")) for name in (one, other))
    assert is_near(mine, theirs) == is_near(theirs, mine) == near


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("SMS:InfoSMS > VIBER", "SMS:infosms > VIBER", True),
        ("SMS:InfoSMS > VIBER", "VIBER > SMS:InfoSMS", False),
        ("SMS:InfoSMS > VIBER", "SMS:InfoSMS", False),
        ("SMS:InfoSMS > VIBER", "SMS:Other > VIBER", False),
        ("SMS:InfoSMS > VIBER", "SMS > VIBER", False),
        ("SMS > VIBER", "SMS > VIBER:Acme", False),
        ("SMS > VIBER", "SMS > VIBER", True),
    ],
)
def test_a_near_flow(one: str, other: str, near: bool) -> None:
    mine, theirs = (Attributes("Name", flow(text)) for text in (one, other))
    assert is_near(mine, theirs) == is_near(theirs, mine) == near


def test_both_name_and_flow_have_to_be_near() -> None:
    assert not is_near(Attributes("Name", flow("SMS:A")), Attributes("Another", flow("SMS:A")))
    assert not is_near(Attributes("Name", flow("SMS:A")), Attributes("Name", flow("SMS:B")))


def test_white_space_is_folded() -> None:
    assert fold("  A \n b\u2003C ") == "a b c"


DESIRED = Attributes("Mine", flow("VK > SMS:mine > VIBER:mine"))
ACTUAL = Attributes("Theirs", flow("VK > SMS:theirs > VIBER:theirs"))
SHORTER = Attributes("Theirs", flow("VK > EMAIL:theirs"))


@pytest.mark.parametrize(
    ("ignored", "actual", "expected"),
    [
        ((), ACTUAL, DESIRED),
        (("name",), ACTUAL, Attributes("Theirs", DESIRED.flow)),
        (("flow",), ACTUAL, Attributes("Mine", ACTUAL.flow)),
        (("flow[1].from",), ACTUAL, Attributes("Mine", flow("VK > SMS:theirs > VIBER:mine"))),
        (("flow[1].from", "flow[2].from", "name"), ACTUAL, Attributes("Theirs", ACTUAL.flow)),
        (("flow[0].from", "flow[2].from"), ACTUAL, Attributes("Mine", flow("VK > SMS:mine > VIBER:theirs"))),
        (("flow[3].from",), ACTUAL, DESIRED),
        (("flow[\u0662].from",), ACTUAL, DESIRED),
        (("flow[2].from",), SHORTER, DESIRED),
        (("flow[1].from",), SHORTER, DESIRED),
        (("another",), ACTUAL, DESIRED),
    ],
)
def test_what_is_ignored_is_as_the_account_has_it(
    ignored: tuple[str, ...], actual: Attributes, expected: Attributes
) -> None:
    assert wanted(DESIRED, actual, [IgnoredField(each) for each in ignored]) == expected


def test_a_step_that_only_the_account_has_is_not_brought_back() -> None:
    shorter = Attributes("Mine", flow("VK"))
    assert wanted(shorter, ACTUAL, [IgnoredField("flow[1].from")]) == shorter
