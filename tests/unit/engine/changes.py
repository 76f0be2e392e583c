"""One change of each kind, for tests of what is done with changes."""

from omnictl.engine.compare import wanted
from omnictl.engine.diff import diff_attributes
from omnictl.model.change import (
    Adopt,
    Cause,
    Change,
    Create,
    Forget,
    Refresh,
    Rename,
    Retire,
    SetDefault,
    Update,
)
from omnictl.model.scenario import Attributes, Lifecycle, Step
from omnictl.model.state import Record
from tests.worlds import NOW, address

OLD = Attributes("Old", (Step("SMS", "InfoSMS"),))
NEW = Attributes("New", (Step("VIBER", "Acme"), Step("SMS", "InfoSMS")))


def record_of(scenario_id: str, *, lifecycle: Lifecycle = Lifecycle()) -> Record:
    """Return a record whose key is the id in capitals."""
    return Record(address(scenario_id), scenario_id.upper(), OLD, OLD, NOW, None, lifecycle)


def create(scenario_id: str = "new", *, first: bool = False, replaces: str | None = None) -> Create:
    return Create(address(scenario_id), NEW, becomes_default=first, replaces=replaces)


def update(scenario_id: str = "edited", *, lifecycle: Lifecycle = Lifecycle()) -> Update:
    record, desired = record_of(scenario_id), wanted(NEW, OLD, lifecycle.ignore_changes)
    fields = diff_attributes(OLD, desired)
    return Update(record.address, record.key, desired, record, OLD, Cause.EDITED, fields, lifecycle=lifecycle)


def adopt(scenario_id: str = "adopted", *, differs: bool = False, lifecycle: Lifecycle = Lifecycle()) -> Adopt:
    desired = NEW if differs else OLD
    return Adopt(
        address(scenario_id), scenario_id.upper(), desired, OLD, diff_attributes(OLD, desired), lifecycle=lifecycle
    )


def rename(
    scenario_id: str = "after", previous: str = "before", *, differs: bool = False, lifecycle: Lifecycle = Lifecycle()
) -> Rename:
    record = record_of(previous)
    desired = NEW if differs else OLD
    fields = diff_attributes(OLD, desired)
    return Rename(address(scenario_id), record.address, record.key, desired, record, OLD, fields, lifecycle=lifecycle)


def forget(scenario_id: str = "gone", *, vanished: bool = False) -> Forget:
    return Forget(address(scenario_id), record_of(scenario_id), vanished)


def retire(scenario_id: str = "retired") -> Retire:
    return Retire(address(scenario_id), record_of(scenario_id), OLD, Attributes("[retired] Old", OLD.flow))


def set_default(scenario_id: str = "chosen") -> SetDefault:
    return SetDefault(address(scenario_id), scenario_id.upper(), NEW)


def refresh(scenario_id: str = "stale", *, lifecycle: Lifecycle = Lifecycle()) -> Refresh:
    return Refresh(address(scenario_id), record_of(scenario_id), NEW, NEW, lifecycle)


def one_of_each() -> tuple[Change, ...]:
    """Return one change of each kind; adoptions and renames with and without a request."""
    return (
        refresh(),
        adopt(),
        rename(),
        create("first", first=True),
        create(),
        update(),
        adopt("adopted-too", differs=True),
        rename("after-too", "before-too", differs=True),
        set_default(),
        retire(),
        forget(),
    )
