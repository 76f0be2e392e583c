"""How a scenario is to be treated, as its record remembers it: what a plan saw of that, and what was recorded since."""

from collections.abc import Iterator
from typing import assert_never

from omnictl.engine.decide import remembered
from omnictl.model.address import id_of
from omnictl.model.change import Adopt, Change, Create, Forget, Refresh, Rename, Retire, SetDefault, Update
from omnictl.model.plan import Guard, Plan
from omnictl.model.scenario import Lifecycle, Manage, Protection
from omnictl.model.state import Record


def describe_lifecycle_moves(seen: Lifecycle, now: Lifecycle) -> str:
    """Return what the state remembers otherwise of how a scenario is to be treated; "" where nothing."""
    return " and ".join(_describe_lifecycle(seen, now))


def _describe_lifecycle(seen: Lifecycle, now: Lifecycle) -> Iterator[str]:
    if now.protected is Protection.NONE is not seen.protected:
        yield "it is no longer protected"
    elif now.protected is not seen.protected:
        yield f"it is {'less ' * (now.protected.strength < seen.protected.strength)}protected now"
    if now.manage is not seen.manage:
        yield "it is only observed now" if now.manage is Manage.OBSERVE else "it is no longer only observed"
    if now.on_removal is not seen.on_removal:
        yield f"its removal is to {now.on_removal} it now"


def is_protected_since(record: Record, plan: Plan, *, loses: bool) -> bool:
    """Tell whether the guard fired for what a record remembers now, and did not when the plan was made."""
    protection = record.lifecycle.protected
    seen = any(each.guard is Guard.PROTECTED and each.subject == id_of(record.address) for each in plan.guards)
    return protection.forbids(loses=loses) and not seen and not is_planned(record, plan)


def is_planned(record: Record, plan: Plan) -> bool:
    """Tell whether another change of the plan saw, or writes, the lifecycle that a record remembers now."""
    mine = (each for each in plan.changes if each.address == record.address)
    return any(remembered(record.lifecycle) in lifecycles_of(each) for each in mine)


def lifecycles_of(change: Change) -> tuple[tuple[object, ...], ...]:
    """Return what a change saw of a lifecycle, and what it writes, as far as the state remembers it."""
    match change:
        case Update() | Rename() | Refresh():
            return remembered(change.recorded.lifecycle), remembered(change.lifecycle)
        case Create() | Adopt():
            return (remembered(change.lifecycle),)
        case Forget() | Retire():
            return (remembered(change.recorded.lifecycle),)
        case SetDefault():
            return ()
        case _:
            assert_never(change)
