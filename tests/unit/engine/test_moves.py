"""What somebody else changed, field by field."""

import pytest

from omnictl.engine.moves import describe_moves
from omnictl.model.scenario import Attributes
from tests.builders import flow

RENAMED, GONE = 'the name was "N" and is "M"', "step 1 of the flow was VKONTAKTE and is not there"
SHIFTED = "step 3 of the flow was SMS InfoSMS and is SMS X, as step 1"
BEFORE = "VKONTAKTE > VIBER:Acme > SMS:InfoSMS"


@pytest.mark.parametrize(
    ("name", "steps", "told"),
    [
        ("N", BEFORE, ""),
        ("M", BEFORE, 'the name was "N" and is "M"'),
        ("N", "VKONTAKTE > VIBER:Acme > SMS:X", "step 3 of the flow was SMS InfoSMS and is SMS X"),
        ("N", "VKONTAKTE > VIBER:Acme > SMS", "step 3 of the flow was SMS InfoSMS and is SMS"),
        ("N", "VKONTAKTE > SMS:InfoSMS", "step 2 of the flow was VIBER Acme and is not there"),
        ("N", f"{BEFORE} > EMAIL:o@acme.example", "step 4 of the flow was not there and is EMAIL o@acme.example"),
        ("N", "VKONTAKTE > PUSH:app > SMS:InfoSMS", "step 2 of the flow was VIBER Acme and is PUSH app"),
        ("N", "VIBER:Acme > SMS:InfoSMS > VKONTAKTE", "step 1 of the flow, VKONTAKTE, is step 3 now"),
        ("M", "SMS:X > VIBER:Acme", f"{RENAMED}, {GONE}, {SHIFTED}"),
    ],
)
def test_each_field_is_told_with_both_values(name: str, steps: str, told: str) -> None:
    assert describe_moves(Attributes("N", flow(BEFORE)), Attributes(name, flow(steps))) == told
