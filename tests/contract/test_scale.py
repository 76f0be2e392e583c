"""A state of ten thousand records in every backend: written, read, replaced, kept, brought back."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.codec.state import encode_state
from omnictl.model.address import make_address
from omnictl.model.scenario import Attributes
from omnictl.model.state import Account, Intent, Record, State
from tests.builders import NOW, flow
from tests.contract.backends.kinds import KINDS, Place

RECORDS = 10_000
INTENTS = 256
FLOW = flow("VKONTAKTE:Company group > VIBER:Company > SMS:InfoSMS")


@pytest.fixture(params=sorted(KINDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place for states that is empty, of each kind."""
    with KINDS[request.param](tmp_path, request) as made:
        yield made


@cache
def large_state() -> State:
    """Return a state as an apply has it on its way: all records, and the intents of a wave."""
    bodies = [Attributes(f"Ваш заказ {number} уже в пути", FLOW) for number in range(RECORDS + INTENTS)]
    records = {
        (address := make_address(f"delivery-{number:05}")): Record(address, f"{number:032X}", body, body, NOW, NOW)
        for number, body in enumerate(bodies[:RECORDS])
    }
    intents = tuple(
        Intent(make_address(f"delivery-{number:05}"), bodies[number], False, "run-1", NOW, NOW)
        for number in range(RECORDS, RECORDS + INTENTS)
    )
    account = Account("xyz1ab.api.infobip.com")
    return State("lineage", "test", 1, account, records, intents=intents, listed=RECORDS)


def is_same(one: State | None, other: State) -> bool:
    """Compare; a failing ``==`` would have pytest print what differs of two such states."""
    return one == other


def test_the_state_is_as_large_as_those_that_reach_a_limit() -> None:
    assert len(encode_state(large_state()).encode()) > 3_500_000


def test_ten_thousand_records_are_written_read_replaced_and_brought_back(place: Place) -> None:
    first = large_state()
    second = replace(first, serial=2, intents=(), listed=RECORDS + INTENTS)
    backend = place.open()
    assert backend.read() is None
    backend.write(first)
    assert is_same(place.open().read(), first)

    backend = place.open()
    backend.read()
    backend.write(second)

    reader = place.open()
    assert is_same(reader.read(), second)
    kept = reader.history()
    assert kept[-1].serial == 1
    back = replace(reader.read_version(kept[-1].lineage, 1), serial=3)
    reader.write(back)
    assert is_same(place.open().read(), replace(first, serial=3))
