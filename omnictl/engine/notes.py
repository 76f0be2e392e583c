"""What a plan says beside its changes: things that are as they are, but that a reader should know."""

from collections.abc import Iterable, Iterator

from omnictl.engine.view import View
from omnictl.model.address import Address, id_of
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.scenario import Protection


def note_configuration(view: View, watched: Iterable[Address]) -> tuple[Diagnostic, ...]:
    """Return notes and errors that come from comparing files, state and account, address by address."""
    return (*_imports(view), *_watched(view, watched), *_lifted_protections(view), *_late_twins(view))


def _imports(view: View) -> Iterator[Diagnostic]:
    """``import:`` must name a scenario that exists and that no other address has."""
    owners = {record.key: record.address for record in view.state.records.values()}
    for resource in view.configuration.resources.values():
        key = resource.import_key
        if key is None or resource.address in view.state.records:
            continue
        source = resource.sources.get("import") or resource.source
        if key not in view.remotes:
            yield Diagnostic(
                "import-missing",
                Severity.ERROR,
                "The scenario to import is not on the account",
                f"{id_of(resource.address)} imports {key}, but the account has no scenario with this key.",
                source,
                hint="check the key and the environment",
            )
        elif key in owners:
            yield Diagnostic(
                "import-taken",
                Severity.ERROR,
                "The scenario to import belongs to another address",
                f"{id_of(resource.address)} imports {key}, which is recorded as {id_of(owners[key])}.",
                source,
                hint=f"to rename it, write previous_ids: [{id_of(owners[key])}] instead",
            )


def _watched(view: View, watched: Iterable[Address]) -> Iterator[Diagnostic]:
    for address in watched:
        resource = view.configuration.resources[address]
        there = "differs from its file" if address in view.state.records else "is not on the account under a known key"
        yield Diagnostic(
            "observed-differs",
            Severity.NOTE,
            "A scenario that is only observed differs",
            f"{id_of(address)} {there}; lifecycle.manage is observe, so nothing is written.",
            resource.source,
        )


def _lifted_protections(view: View) -> Iterator[Diagnostic]:
    for address, resource in view.configuration.resources.items():
        record = view.state.records.get(address)
        before = record.lifecycle.protected if record else Protection.NONE
        if before is not Protection.NONE and resource.lifecycle.protected is Protection.NONE:
            yield Diagnostic(
                "protection-lifted",
                Severity.NOTE,
                "A protection is lifted by this apply",
                f"{id_of(address)} was protected ({before}); the lifting takes effect in the next apply.",
                resource.sources.get("lifecycle") or resource.source,
            )


def _late_twins(view: View) -> Iterator[Diagnostic]:
    """A create that was repeated may have a twin that appeared late."""
    owned = {record.key for record in view.state.records.values()} | {each.key for each in view.state.tombstones}
    for repeated in view.state.repeated_creates:
        record = view.state.records.get(repeated.address)
        ours = record.key if record else "not recorded"
        for key, remote in sorted(view.remotes.items()):
            if key not in owned and remote.attributes == repeated.body:
                yield Diagnostic(
                    "late-twin",
                    Severity.WARNING,
                    "A create that was repeated has appeared twice",
                    f"{id_of(repeated.address)} is {ours}; {key} is equal to it and appeared after the create "
                    "was repeated. Both can be sent through, and neither can be deleted.",
                    hint="rename the one that nobody uses in the web interface",
                )


CODES = {
    "import-missing": "import: names a key that the account does not have. Check the key and the environment.",
    "import-taken": "import: names a key that already belongs to another address. A key belongs to one address.",
    "observed-differs": "lifecycle.manage is observe: differences are shown and nothing is written.",
    "protection-lifted": "The file no longer protects the scenario, but the state still remembers it. This apply lifts "
    "it; guarded changes become possible in the next one.",
    "late-twin": "A create whose outcome was unknown was not found in time, was sent again, and the first one appeared "
    "later after all. Scenarios cannot be deleted: rename the one that nobody uses.",
}
