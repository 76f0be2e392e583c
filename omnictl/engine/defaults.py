"""The account default: a singleton of the account, moved only by making another scenario the default."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from omnictl.engine.view import View
from omnictl.model.address import Address, id_of
from omnictl.model.change import Adopt, Change, Create, Rename, SetDefault
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import DefaultMemory
from omnictl.model.scenario import Manage, Resource


class DefaultDecision(Struct, frozen=True):
    """What happens to the default: the changes with it worked in, what is remembered, what is to be said."""

    changes: tuple[Change, ...]
    memory: DefaultMemory
    diagnostics: tuple[Diagnostic, ...] = ()


def decide_default(changes: tuple[Change, ...], view: View, selected: Iterable[Address]) -> DefaultDecision:
    """Add what moves the default, or mark the create that becomes it on an empty account."""
    declared = view.configuration.declared_default
    holder = view.default_keys[0] if view.default_keys else None
    before = DefaultMemory(holder, _address_of(holder, view), managed=declared is not None)
    if not view.remotes:
        return _bootstrap(changes, declared, before)
    diagnostics = (*_several(view, declared), *_unset(view, holder, declared))
    if declared is None:
        released = view.state.account_default.address is not None
        return DefaultDecision(changes, replace(before, after=before.before, released=released), diagnostics)
    key = _key_after(declared.address, changes, view)
    if key is not None and key in view.default_keys:
        return DefaultDecision(changes, replace(before, after=declared.address), diagnostics)
    if declared.lifecycle.manage is Manage.OBSERVE:
        return DefaultDecision(changes, replace(before, after=before.before), (*diagnostics, _only_observed(declared)))
    if declared.address not in set(selected) or not _will_exist(declared.address, changes, key):
        return DefaultDecision(changes, replace(before, after=before.before), diagnostics)
    flip = SetDefault(
        declared.address,
        key,
        declared.attributes,
        previous_key=holder,
        previous=before.before,
        previous_attributes=view.remotes[holder].attributes if holder else None,
        source=declared.sources.get("default") or declared.source,
    )
    return DefaultDecision((*changes, flip), replace(before, after=declared.address), diagnostics)


def _bootstrap(changes: tuple[Change, ...], declared: Resource | None, before: DefaultMemory) -> DefaultDecision:
    """The first scenario of an empty account becomes the default whatever it says: choose it."""
    creates = sorted(each.address for each in changes if isinstance(each, Create))
    if not creates:
        return DefaultDecision(changes, before)
    chosen = declared.address if declared is not None and declared.address in creates else creates[0]
    marked = tuple(
        replace(each, becomes_default=True) if isinstance(each, Create) and each.address == chosen else each
        for each in changes
    )
    managed = declared is not None and declared.address == chosen
    return DefaultDecision(marked, replace(before, after=chosen, managed=managed))


def _address_of(key: str | None, view: View) -> Address | None:
    return next((each.address for each in view.state.records.values() if each.key == key), None)


def _key_after(address: Address, changes: Iterable[Change], view: View) -> str | None:
    """Return the key that the address has once the other changes are done; None if it is yet to be created."""
    for change in changes:
        if change.address == address and isinstance(change, Adopt | Rename):
            return change.key
    record = view.state.records.get(address)
    return record.key if record is not None and record.key in view.remotes else None


def _will_exist(address: Address, changes: Iterable[Change], key: str | None) -> bool:
    return key is not None or any(isinstance(each, Create) and each.address == address for each in changes)


def _several(view: View, declared: Resource | None) -> tuple[Diagnostic, ...]:
    """Say that the account shows more than one default."""
    if len(view.default_keys) < 2:
        return ()
    names: Mapping[str, str] = {key: view.remotes[key].attributes.name for key in view.default_keys}
    listing = ", ".join(f'"{name}" ({key})' for key, name in sorted(names.items()))
    return (
        Diagnostic(
            "several-defaults",
            Severity.WARNING,
            "The account shows more than one default scenario",
            f"It shows {listing} as default. omnictl never unsets one, since the API cannot.",
            declared.source if declared else None,
            hint="ask the support of the service which one sends without a key go to",
        ),
    )


def _unset(view: View, holder: str | None, declared: Resource | None) -> tuple[Diagnostic, ...]:
    """Say that ``default: false`` on the account's default cannot be done."""
    address = _address_of(holder, view)
    resource = view.configuration.resources.get(address) if address else None
    if resource is None or resource.default is not False or declared is not None:
        return ()
    return (
        Diagnostic(
            "default-not-unset",
            Severity.WARNING,
            "The account default cannot be unset",
            f"{id_of(resource.address)} says default: false but is the account default, which the API cannot unset.",
            resource.sources.get("default") or resource.source,
            hint="set default: true on another scenario; this one then loses it",
        ),
    )


def _only_observed(declared: Resource) -> Diagnostic:
    return Diagnostic(
        "default-only-observed",
        Severity.NOTE,
        "A scenario that is only observed is not made the account default",
        f"{id_of(declared.address)} says default: true and is not the account default; lifecycle.manage is observe, so "
        "nothing is written.",
        declared.sources.get("default") or declared.source,
    )


CODES = {
    "default-only-observed": "A file says default: true and lifecycle.manage: observe. What is only observed is never "
    "written, so the account default is not moved to it.",
    "several-defaults": "The account shows more than one scenario as default. Sends without a key go to one of them, "
    "and only the service knows which.",
    "default-not-unset": "A file says default: false for the scenario that is the account default. The API cannot "
    "unset a default; it moves when another scenario says default: true.",
}
