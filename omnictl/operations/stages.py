"""Doing the stages of a plan in their order: records, first, bulk, flip, removals. The order itself is engine.order."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from omnictl.engine import order
from omnictl.engine.advance import (
    record_default,
    record_echo,
    record_refreshed,
    record_removed,
    record_written,
    touch_updated,
)
from omnictl.errors import OmnictlError, OutcomeUnknownError, RefusedError, RemoteError, StoppedError
from omnictl.model.address import id_of
from omnictl.model.change import Adopt, Change, Create, Forget, Refresh, Rename, Retire, SetDefault, Update
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Fate
from omnictl.model.scenario import Remote
from omnictl.operations.creating import Bulk
from omnictl.operations.echo import note_normalisation
from omnictl.operations.reading_back import Reading
from omnictl.operations.run import Tally, Tools
from omnictl.operations.settling import has_waited, settle_intents
from omnictl.operations.updating import Written, write_update

REPEATS = 2
"""How often a create that is surely absent is sent again in one run."""


class Stages:
    """Runs the stages of one plan against one reading of the account.

    ``begin`` is for before the first write of the state, which so carries the records and the first intents; ``run``
    for after it.
    """

    def __init__(
        self,
        tools: Tools,
        tally: Tally,
        remotes: Mapping[str, Remote],
        elsewhere: Mapping[str, str],
        stages: order.Stages,
    ) -> None:
        self._tools = tools
        self._tally = tally
        self._remotes = remotes
        self._elsewhere = elsewhere
        self._stages = stages
        self._creates = [each for each in (*stages.first, *stages.bulk) if isinstance(each, Create)]
        self._updates = [each for each in stages.bulk if isinstance(each, Update | Adopt | Rename)]

    def begin(self) -> None:
        """Change the records that need no request, and make the first intents; nothing is written or sent."""
        for change in self._stages.records:
            if isinstance(change, Refresh):
                self._tools.keeper.advance(partial(record_refreshed, change=change))
            elif isinstance(change, Adopt | Rename):
                self._record_unsent(change, self._tools.clock())
        leader = self._creates[0] if self._stages.first else None
        self._bulk = Bulk(self._tools, self._tally, self._remotes, self._creates, self._updates, leader)
        self._bulk.prepare()

    def _record_unsent(self, change: Adopt | Rename, now: datetime) -> None:
        self._tools.keeper.advance(lambda state: record_written(state, change, change.actual, now))

    def run(self) -> None:
        """Do everything that may be done; what is left out has no outcome."""
        for change in self._stages.records:
            self._tally.end(change, Fate.DONE, key=change.key if isinstance(change, Adopt | Rename) else None)
        if not self._create_and_update():
            return
        if self._may_go_on and self._stages.flip:
            self._flip(self._stages.flip)
        flipped = all(self._tally.fate_of(each) is Fate.DONE for each in self._stages.flip)
        if self._may_go_on and flipped:
            self._remove(self._stages.removals)

    @property
    def _may_go_on(self) -> bool:
        return not (self._tools.stop.is_set or self._tally.halted) and self._tools.keeper.failure is None

    def _create_and_update(self) -> bool:
        """Send the first and the bulk; on an empty account the create that becomes the default goes alone.

        Returns whether the rest may follow: without that one, another would become the default.
        """
        first = self._stages.first
        reading = Reading(self._tools.provider.get, lambda: self._key_of(first[0])) if first else None
        self._bulk.run(reading)
        self._repeat_unknown(self._creates)
        if not all(self._tally.fate_of(each) is Fate.DONE for each in first):
            return False
        if reading is not None:
            self._follow(reading)
            self._note_first(first, reading)
        return True

    def _follow(self, reading: Reading) -> None:
        """Send what waited for a first create that was lost from sight, and found later."""
        creates = [each for each in self._creates if self._tally.fate_of(each) is None]
        updates = [each for each in self._updates if self._tally.fate_of(each) is None]
        if self._may_go_on and (creates or updates or not reading.has_begun):
            Bulk(self._tools, self._tally, self._remotes, creates, updates).run(reading)
            self._repeat_unknown(creates)

    def _key_of(self, change: Change) -> str:
        return self._tools.keeper.state.records[change.address].key

    def _note_first(self, changes: tuple[Change, ...], reading: Reading) -> None:
        """Record what was read back of the first create; an error of the reading ends the run."""
        for change in changes if reading.has_answer else ():
            key, remote = self._key_of(change), reading.answer
            if remote is not None and remote.is_default:
                managed = change.address if self._tally.plan.default.managed else None
                self._tools.keeper.advance(partial(record_default, address=managed, key=key))
            else:
                self._tally.notes.append(default_not_taken(key))

    def _repeat_unknown(self, creates: list[Create]) -> None:
        """Look for what stayed unknown, and repeat what is surely absent."""
        for _ in range(REPEATS):
            unknown = [each for each in creates if self._tally.fate_of(each) is Fate.UNKNOWN]
            if not unknown or not self._may_go_on:
                return
            absent = self._settle(unknown)
            if not absent:
                return
            Bulk(self._tools, self._tally, self._remotes, absent).run()

    def _settle(self, unknown: list[Create]) -> list[Create]:
        """Return the unknown creates that are surely absent; those found are done."""
        tools = self._tools
        tools.keeper.flush()  # looking may take long
        account = self._tally.plan.account
        try:
            settlements = settle_intents(tools, account, self._elsewhere, lost_at=self._tally.lost_at)
        except (RefusedError, StoppedError, RemoteError) as error:
            self._tally.notes.extend(error.diagnostics)
            return []
        self._remotes = settlements.remotes
        by_address = {each.address: each for each in unknown}
        for found in settlements.found:
            create = by_address.get(found.intent.address)
            if create is not None:
                self._tally.end(create, Fate.DONE, key=found.remote.key)
        absent = {each.address for each in settlements.absent}
        return [each for each in unknown if each.address in absent]

    def _flip(self, changes: tuple[Change, ...]) -> None:
        """Move the account default: alone, only after everything before it succeeded, and read back."""
        if not self._tally.all_done:
            self._tally.notes.append(_default_not_tried())
            return
        for change in changes:
            if isinstance(change, SetDefault):
                self._flip_one(change)

    def _flip_one(self, change: SetDefault) -> None:
        record = self._tools.keeper.state.records.get(change.address)
        if record is None:
            return
        if self._tally.default_may_return and not has_waited(
            self._tools, self._tools.provider.capabilities.settle_seconds
        ):
            return
        now = self._tools.clock()
        self._tools.keeper.advance(lambda state: touch_updated(state, change.address, now))
        self._tools.keeper.flush()
        sent = False
        try:
            written = write_update(
                self._tools.provider, record.key, seen=record.observed, desired=record.applied, default=True
            )
            self._tally.writes_sent += written.sent
            sent = True
            self._note_echo(change, written)
            remote = self._tools.provider.get(record.key)
        except OmnictlError as error:
            if isinstance(error, StoppedError) and not sent:
                return
            lost = isinstance(error, OutcomeUnknownError)
            self._tally.writes_sent += lost
            self._tally.end(change, Fate.UNKNOWN if sent or lost else Fate.FAILED, problem=error)
            return
        if remote is None or not remote.is_default:
            self._tally.end(change, Fate.FAILED, problem=default_not_taken(record.key))
            return
        self._tools.keeper.advance(lambda state: record_default(state, change.address, record.key))
        self._tally.end(change, Fate.DONE, key=record.key)

    def _note_echo(self, change: SetDefault, written: Written) -> None:
        if written.sent:
            echoed = written.remote.attributes
            self._tools.keeper.advance(lambda state: record_echo(state, change.address, echoed))
            note_normalisation(self._tally, id_of(change.address), written.desired, echoed)

    def _remove(self, changes: tuple[Change, ...]) -> None:
        """Retire what is to be retired, then forget the rest."""
        retires = [each for each in changes if isinstance(each, Retire)]
        Bulk(self._tools, self._tally, self._remotes, updates=retires).run()
        for change in changes:
            if isinstance(change, Forget) and self._may_go_on:
                now = self._tools.clock()
                self._tools.keeper.advance(partial(record_removed, change=change, now=now))
                self._tally.end(change, Fate.DONE, key=None if change.vanished else change.recorded.key)


def default_not_taken(key: str) -> Diagnostic:
    """The default is elsewhere, though the API accepted that it moves."""
    return Diagnostic(
        "default-not-taken",
        Severity.ERROR,
        "The account default did not move",
        f"The API accepted the request, but {key} is not the account default when read back.",
        hint="plan again to see who is the default now",
    )


def _default_not_tried() -> Diagnostic:
    return Diagnostic(
        "default-not-tried",
        Severity.WARNING,
        "The account default was not moved",
        "It moves last, and only if everything before it succeeded; something did not.",
        hint="run the same command again when the cause is mended",
    )


CODES = {
    "default-not-taken": "A scenario was sent with default: true and accepted, but read back it is not the default.",
    "default-not-tried": "The default moves only after all other changes succeeded, so that live traffic never goes to "
    "a half-made configuration.",
}
