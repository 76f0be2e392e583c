"""What recent runs used of the budgets, as the state remembers it: to the second, so never too early."""

from datetime import timedelta

from msgspec.structs import replace

from omnictl.cli.provider import recent_requests
from omnictl.provider.base import Operation
from tests.builders import NOW, Scene


def test_a_time_to_the_second_counts_as_the_end_of_that_second() -> None:
    state = Scene().remember("a").state
    (record,) = state.records.values()
    updated = replace(record, updated_at=NOW + timedelta(seconds=60))
    found = recent_requests(replace(state, records={record.address: updated}), NOW + timedelta(seconds=61), 600)
    assert found == {
        Operation.CREATE: [NOW + timedelta(seconds=1)],
        Operation.UPDATE: [NOW + timedelta(seconds=61)],
    }


def test_what_left_before_the_window_does_not_count() -> None:
    state = Scene().remember("a").state
    assert recent_requests(state, NOW + timedelta(seconds=601), 600)[Operation.CREATE] != []
    assert recent_requests(state, NOW + timedelta(seconds=602), 600)[Operation.CREATE] == []
