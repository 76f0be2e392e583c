"""The order of work, in one place.

records only        refreshes, adoptions and renames that need no request
first               on an empty account: the create that becomes the default, alone, read back
bulk                creates and updates, independent of each other
flip                the account default moves, alone, only if everything before it succeeded
removals            retires and forgets
"""

from collections.abc import Callable

from msgspec import Struct

from omnictl.engine.cost import sends_update
from omnictl.model.change import Adopt, Change, Create, Forget, Refresh, Rename, Retire, SetDefault, Update


class Stages(Struct, frozen=True):
    """The changes of a plan, in the order in which they are done."""

    records: tuple[Change, ...]
    first: tuple[Change, ...]
    bulk: tuple[Change, ...]
    flip: tuple[Change, ...]
    removals: tuple[Change, ...]


def arrange(changes: tuple[Change, ...]) -> Stages:
    """Put each change into its stage."""

    def take(fits: Callable[[Change], bool]) -> tuple[Change, ...]:
        return tuple(each for each in changes if fits(each))

    return Stages(
        records=take(_is_record_only),
        first=take(_is_first),
        bulk=take(lambda each: (not _is_first(each) and isinstance(each, Create)) or _is_bulk_update(each)),
        flip=take(lambda each: isinstance(each, SetDefault)),
        removals=take(lambda each: isinstance(each, Retire | Forget)),
    )


def _is_first(change: Change) -> bool:
    return isinstance(change, Create) and change.becomes_default


def _is_record_only(change: Change) -> bool:
    return isinstance(change, Refresh) or (isinstance(change, Adopt | Rename) and not sends_update(change))


def _is_bulk_update(change: Change) -> bool:
    return isinstance(change, Update | Adopt | Rename) and sends_update(change)
