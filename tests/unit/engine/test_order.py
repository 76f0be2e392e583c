"""In which stage each kind of change is done, and that none is done twice or left out."""

from collections import Counter

from omnictl.engine.order import arrange
from omnictl.model.address import id_of
from omnictl.model.change import Change
from tests.unit.engine.changes import one_of_each


def ids(changes: tuple[Change, ...]) -> list[str]:
    return [id_of(each.address) for each in changes]


def test_each_kind_has_its_stage() -> None:
    stages = arrange(one_of_each())
    assert ids(stages.records) == ["stale", "adopted", "after"]
    assert ids(stages.first) == ["first"]
    assert ids(stages.bulk) == ["new", "edited", "adopted-too", "after-too"]
    assert ids(stages.flip) == ["chosen"]
    assert ids(stages.removals) == ["retired", "gone"]


def test_every_change_is_in_one_stage() -> None:
    changes = one_of_each()
    stages = arrange(changes)
    done = (*stages.records, *stages.first, *stages.bulk, *stages.flip, *stages.removals)
    assert Counter(ids(done)) == Counter(ids(changes))
