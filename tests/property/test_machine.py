"""A life of omnictl at random: edits, faults, crashes, other people, old states; nothing doubled, nothing lost.

Over the real provider and the real sandbox, in a time that nobody waits for, one request at a time: what follows
depends on what came before, so that has to come the same again. What the rules do not promise stands here as an
exception, each with its reason: ``strayed``, ``_known_keys`` and what others do not create, below.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from omnictl.engine import surgery
from omnictl.engine.rebuild import Claim, Evidence
from omnictl.engine.recover import settle
from omnictl.errors import ConfigurationError, LockHeldError, OmnictlError, RefusedError
from omnictl.model.address import Address, id_of
from omnictl.model.change import Action, Forget, Retire
from omnictl.model.diagnostic import Severity
from omnictl.model.outcome import ApplyReport, Ending, Fate
from omnictl.model.plan import Plan
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, OnRemoval, Protection, Step
from omnictl.model.state import State
from omnictl.operations import settling, stages, waves
from omnictl.operations.surgery import settle_absent, settle_found
from omnictl.sandbox.behaviour import Behaviour
from omnictl.sandbox.faults import parse_fault
from tests.mortal import Moment, Watch
from tests.property.realm import NOBODY, SETTLE_SECONDS, PatientStop, Realm, as_attributes, owned_by
from tests.property.stories import EDITS, EVERYTHING_ALLOWED, IDS, attributes, edit_files
from tests.worlds import Killed, World, declare

LOST = ["cut-after", "cut-before", "late-commit=20", "late-commit=50", "500-after", "cut-after,times=2"]
"""What a create must survive above all: whether it happened is not known, or not yet to be seen."""

FAULTS = [
    *(f"create:{kind}" for kind in LOST * 3),
    *(
        f"create:{kind}"
        for kind in (
            "cut-body",
            "500",
            "no-key",
            "truncated",
            "html",
            "not-json",
            "wrong-type",
            "redirect",
            "408",
            "429=0",
        )
    ),
    *(f"create:{kind}" for kind in ("400", "401", "409", "503", "late-commit=20,times=2")),
    *(
        f"update:{kind}"
        for kind in ("cut-before", "cut-after", "500-after", "no-key", "late-commit=20", "400", "429=0")
    ),
    *(f"get:{kind}" for kind in ("500", "404,times=2", "truncated", "no-key", "cut-after")),
    *(f"list:{kind}" for kind in ("500", "500,times=9", "truncated", "repeated-page", "short-page", "cut-body", "401")),
    "any:cut-after,times=3,skip=1",
]
SWITCHES = [
    {},
    {"list_lag_seconds": 10.0},
    {"list_lag_seconds": 10.0},
    {"latency_seconds": 0.6},
    {"latency_seconds": 0.6, "page_limit": 2},
    {"page_limit": 3, "list_order": "shuffled"},
    {"list_order": "updated"},
    {"put": "merge", "default_field": "both"},
    {"extra_fields": "present", "created_status": 201},
]
LASTING = [{}, {}, {"names": "lower"}, {"names": "cut"}, {"names": "trimmed"}]
"""How the service bends names, from the beginning on: an account does not change its mind about that."""

PRINTED_PLAN = 3
MOST_RUNS = 20

deaths = st.tuples(st.sampled_from(list(Moment)), st.integers(1, 12))


class Life(RuleBasedStateMachine):
    """One account and one state through anything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        numbers = count(1)  # the same life has the same keys
        self._keys = patch(
            "omnictl.sandbox.account.secrets.token_hex", lambda size: f"{next(numbers) * 7919 % 65536:032x}"
        )
        self._keys.start()
        self.realm = Realm()
        self.strayed: set[str] = set()
        self.gone: set[str] = set()
        self.old: list[State] = []
        self.saved: list[Plan] = []

    def teardown(self) -> None:
        self.realm.service.close()
        self._keys.stop()

    @initialize(switches=st.sampled_from(LASTING), others=st.lists(attributes, max_size=2))
    def begin(self, switches: dict[str, object], others: list[Attributes]) -> None:
        self.lasting = Behaviour(**switches)  # type: ignore[arg-type]
        self.realm.service.behaviour = self.lasting
        for each in others:
            self.realm.plant(each)

    # --- the files -------------------------------------------------------------------------------------------

    @rule(steps=st.lists(st.tuples(st.sampled_from(EDITS), st.sampled_from(IDS), attributes), min_size=1, max_size=4))
    def edit(self, steps: list[tuple[str, str, Attributes]]) -> None:
        edit_files(self._files(), steps)

    @rule(steps=st.lists(st.tuples(st.just("add"), st.sampled_from(IDS), attributes), min_size=1, max_size=4))
    def add(self, steps: list[tuple[str, str, Attributes]]) -> None:
        edit_files(self._files(), steps)

    @precondition(lambda self: self.realm.state.intents)
    @rule(
        data=st.data(), body=attributes, word=st.sampled_from(["edit", "remove", "rename by line", "rename", "default"])
    )
    def edit_what_is_unknown(self, data: st.DataObject, body: Attributes, word: str) -> None:
        """Change the very file whose create is unknown."""
        scenario_id = id_of(data.draw(st.sampled_from(self.realm.state.intents)).address)
        if scenario_id in self.realm.files:
            edit_files(self._files(), [(word, scenario_id, body)])
            event(f"an unknown file: {word}")

    @precondition(lambda self: self.realm.files)
    @rule(
        data=st.data(),
        protection=st.sampled_from(Protection),
        removal=st.sampled_from(OnRemoval),
        ignores=st.booleans(),
    )
    def treat(self, data: st.DataObject, protection: Protection, removal: OnRemoval, ignores: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.realm.files)))
        ignored = (IgnoredField("name"),) if ignores else ()
        lifecycle = Lifecycle(protected=protection, on_removal=removal, ignore_changes=ignored)
        self.realm.files[name] = replace(self.realm.files[name], lifecycle=lifecycle)

    @precondition(lambda self: self.realm.planted)
    @rule(data=st.data(), scenario_id=st.sampled_from(IDS))
    def adopt(self, data: st.DataObject, scenario_id: str) -> None:
        """Write a file that imports a scenario of somebody else."""
        known = self.realm.owned() | {each.import_key for each in self.realm.files.values()}
        keys = sorted(set(self.realm.planted) & set(self.realm.rows()) - known)
        if keys and scenario_id not in self.realm.files and not self._is_recorded(scenario_id):
            key = data.draw(st.sampled_from(keys))
            edit_files(self._files(), [("add", scenario_id, self.realm.planted[key])])
            if scenario_id in self.realm.files:
                self.realm.files[scenario_id] = replace(self.realm.files[scenario_id], import_key=key)

    def _files(self) -> World:
        """The files as the stories edit them."""
        view = World(files=self.realm.files)
        view.backend.stored = self.realm.memory.stored
        return view

    def _is_recorded(self, scenario_id: str) -> bool:
        return any(id_of(each) == scenario_id for each in self.realm.state.records)

    # --- the service -----------------------------------------------------------------------------------------

    @rule(fault=st.sampled_from(FAULTS))
    def fail(self, fault: str) -> None:
        self.realm.service.add_fault(parse_fault(fault))

    @rule(switches=st.sampled_from(SWITCHES))
    def behave(self, switches: dict[str, object]) -> None:
        self.realm.service.behaviour = dataclasses.replace(self.lasting, **switches)  # type: ignore[arg-type]

    @rule(seconds=st.sampled_from([1.0, 15.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        self.realm.time.move(seconds)

    # --- other people ----------------------------------------------------------------------------------------

    @rule(body=attributes, default=st.booleans())
    def others_create(self, body: Attributes, default: bool) -> None:
        """Somebody makes a scenario, perhaps a twin; not of a create that is open: that one may be adopted as ours."""
        bodies = {each.body for each in self.realm.state.intents}
        if not any(_is_alike(body, each) for each in bodies):
            self.realm.plant(body, default=default)

    @rule(data=st.data(), body=attributes, default=st.booleans())
    def others_edit(self, data: st.DataObject, body: Attributes, default: bool) -> None:
        keys = self._known_keys()
        if keys:
            self.realm.edit(data.draw(st.sampled_from(keys)), body, default=default)

    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        """A scenario is gone, which the API cannot; never the last recorded one, or the account would be foreign."""
        keys = self._known_keys()
        recorded = {each.key for each in self.realm.state.records.values()} & set(keys)
        if keys and (key := data.draw(st.sampled_from(keys))) and recorded - {key}:
            self.realm.service.remove(key)
            self.realm.planted.pop(key, None)
            self.gone.add(key)

    def _known_keys(self) -> list[str]:
        """Return what somebody may touch. A create of ours that nobody knows of yet is left alone: once it is edited by
        others, no look at the account can recognise it, and no program can promise anything."""
        unknown = self.realm.made_by_us() - self.realm.owned()
        return sorted(set(self.realm.rows()) - unknown)

    # --- runs ------------------------------------------------------------------------------------------------

    @rule()
    def apply(self) -> None:
        report = self._run(self.realm.apply)
        if report is not None:
            self._check_finished(report)

    @precondition(lambda self: self.realm.files)
    @rule(data=st.data(), option=st.sampled_from(["only", "exclude"]))
    def apply_a_part(self, data: st.DataObject, option: str) -> None:
        """What is not selected is neither changed nor forgotten; open creates are settled all the same."""
        ids = sorted({*self.realm.files, *map(id_of, self.realm.state.records)})
        chosen = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True))
        selection = {option: tuple(chosen)}
        before, rows = self.realm.state, self._bodies()
        opened = {each.address for each in before.intents}
        report = self._run(
            lambda: self.realm.apply(only=selection.get("only", ()), exclude=selection.get("exclude", ()))
        )
        if report is None:
            return
        names = {each.key: id_of(each.address) for each in self.realm.state.records.values()}
        for address, record in before.records.items():
            now = names.get(record.key, id_of(address))  # who is renamed goes by both ids
            if not _is_selected({id_of(address), now}, selection) and address not in opened:
                assert self.realm.state.records.get(address) == record, "an unselected record was changed"
                assert self._bodies().get(record.key) == rows.get(record.key), "an unselected scenario was changed"

    @rule()
    def apply_and_retire(self) -> None:
        """What leaves is retired because somebody asks for it; where nothing leaves that is wrong usage."""
        report = self._run(lambda: self.realm.apply(retire=("*",)))
        if report is not None:
            event("retired on request")
            self._check_finished(report)

    @rule()
    def apply_with_care(self) -> None:
        """Without any allowance a plan with a guard sends nothing at all."""
        before = self._writes()
        try:
            report = self.realm.apply(allowed=NOBODY)
        except RefusedError:
            event("a guard refused")
            assert self._writes() == before
        except OmnictlError:
            pass
        else:
            self._check_finished(report)

    @rule(
        faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3),
        death=st.none() | deaths,
        steps=st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from(IDS), attributes), min_size=1),
    )
    def apply_unkindly(
        self, faults: list[str], death: tuple[Moment, int] | None, steps: list[tuple[str, str, Attributes]]
    ) -> None:
        edit_files(self._files(), steps)
        for each in faults:
            self.realm.service.add_fault(parse_fault(each))
        self.apply_and_die(death) if death else self.apply()
        self.realm.service.clear_faults()

    @rule(death=deaths)
    def apply_and_die(self, death: tuple[Moment, int]) -> None:
        watch = Watch(*death)
        try:
            self._run(lambda: self.realm.apply(watch=watch))
        except Killed:
            event(f"killed {death[0]}")

    @rule(number=st.integers(1, 6))
    def apply_twice_at_once(self, number: int) -> None:
        """A second apply in the middle of the first is refused, and changes nothing."""
        refused: list[bool] = []
        inner = self.realm

        class Meeting(Watch):
            def _begin(self, kind: str, moment: Moment) -> int:
                count = super()._begin(kind, moment)
                if count == number and not refused:
                    refused.append(True)
                    before, watch = inner.memory.stored, inner.memory.watch
                    try:
                        inner.apply()
                    except LockHeldError:
                        inner.memory.watch = watch
                    else:
                        raise AssertionError("two runs held one lock")
                    assert inner.memory.stored == before
                return count

        self._run(lambda: self.realm.apply(watch=Meeting()))

    @rule()
    def plan(self) -> None:
        """A plan writes nothing, neither here nor there."""
        before, writes = self.realm.memory.stored, self._writes()
        try:
            plan = self.realm.plan(allowed=EVERYTHING_ALLOWED)
        except OmnictlError:
            return
        assert self.realm.memory.stored == before
        assert self._writes() == writes
        self.saved = [*self.saved[-PRINTED_PLAN:], plan]

    @precondition(lambda self: self.saved)
    @rule(data=st.data(), death=st.none() | deaths)
    def apply_a_saved_plan(self, data: st.DataObject, death: tuple[Moment, int] | None) -> None:
        """It does what it says, or nothing; a finished one does nothing."""
        plan = data.draw(st.sampled_from(self.saved))
        finished = any(each.plan_id == plan.plan_id and each.finished_at for each in self.realm.state.plans)
        before = self._bodies()
        watch = Watch(*death) if death else Watch()
        try:
            report = self.realm.apply(plan, watch=watch)
        except Killed:
            event("a saved plan was killed")
            return
        except RefusedError:
            event("a saved plan was stale")
            assert self._bodies() == before
            return
        except OmnictlError:
            return
        if finished:
            assert report.ending is Ending.ALREADY_APPLIED
            assert self._bodies() == before

    # --- old states ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.realm.memory.stored is not None)
    @rule()
    def copy_the_state(self) -> None:
        self.old = [*self.old[-PRINTED_PLAN:], self.realm.state]

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def put_an_old_copy_back(self, data: st.DataObject) -> None:
        """By hand, past omnictl: what it has forgotten is nobody's from now on, and only in kept versions."""
        old = data.draw(st.sampled_from(self.old))
        self.realm.time.move(SETTLE_SECONDS)  # a late create whose intent goes now would be nobody's when it comes
        self.strayed |= self.realm.made_by_us() | self.realm.owned()
        self.realm.memory.stored = old
        self.strayed -= owned_by(old)
        event("an old copy was put back")

    @precondition(lambda self: self.old)
    @rule(data=st.data(), way=st.sampled_from(("push", "push --force", "rollback")))
    def go_back(self, data: st.DataObject, way: str) -> None:
        """State push and rollback never drop a key."""
        current, old = self.realm.state, data.draw(st.sampled_from(self.old))
        now = self.realm.time.utc()
        try:
            replaced = (
                surgery.push_state(current, old, "test", now, goes_back=way.endswith("--force")).state
                if way.startswith("push")
                else surgery.roll_back_state(current, old, now).state
            )
        except RefusedError:
            event("push or rollback refused")
            return
        if replaced.serial > current.serial:
            self.realm.write(replaced)
        kept = {each.key: each.lifecycle.protected.strength for each in self.realm.state.records.values()}
        for record in current.records.values():
            strength = record.lifecycle.protected.strength
            assert kept.get(record.key, strength) >= strength, "a protection was lifted by an older state"
        assert owned_by(current) | owned_by(old) <= self.realm.owned()

    @precondition(lambda self: self.realm.memory.stored is not None and self.realm.is_quiet)
    @rule(has_log=st.booleans())
    def lose_the_state(self, has_log: bool) -> None:
        """The disk is gone, and the state is made again from files and account, and perhaps the log of the applies.

        What they do not tell for sure is nobody's from now on. What they tell is recorded once, and nothing is sent.
        """
        realm = self.realm
        realm.time.move(SETTLE_SECONDS)
        self.strayed |= realm.made_by_us() | realm.owned()
        realm.memory.stored, writes, rows = None, self._writes(), self._bodies()
        told = [Claim(Address(address), key, Evidence.LOG) for key, address in realm.told.items()] if has_log else []
        try:
            rebuilding = realm.rebuild(told)
        except OmnictlError as error:
            event(f"not rebuilt: {error.diagnostics[0].code}")
            return
        if rebuilding.replaced.is_changed:
            realm.write(rebuilding.replaced.state)
        self.strayed -= realm.owned()
        assert (self._writes(), self._bodies()) == (writes, rows), "a rebuilding changed the account"
        recorded = {each.key: each.address for each in realm.state.records.values()}
        named = Counter(each.address for each in told if each.key in rows)
        for claim in told:
            if claim.key in rows and named[claim.address] == 1 and claim.key in recorded:
                assert recorded[claim.key] == claim.address, "a key went to another id than the log says"
        event(f"rebuilt {'with' if has_log else 'without'} a log: {bool(recorded)}")

    # --- what holds ------------------------------------------------------------------------------------------

    @invariant()
    def every_key_that_was_told_is_remembered(self) -> None:
        told = set(self.realm.told) - set(self.realm.planted)  # what is adopted has its line until it is remembered
        lost = told & set(self.realm.rows()) - self.realm.owned() - self.strayed
        unsaved = {id_of(each.address) for each in self.realm.state.intents}
        lost = {key for key in lost if self.realm.told[key].removeprefix("scenario.") not in unsaved}
        assert not lost, f"told and not remembered: {lost}"

    @invariant()
    def every_create_that_nobody_knows_has_an_open_intent(self) -> None:
        """At any moment, wherever a run was cut: this is what lets the next run find it."""
        unknown = self.realm.made_by_us() - self.realm.owned() - self.strayed
        intents = Counter(self.realm.state.intents)
        assert len(unknown) <= sum(intents.values()), f"doubled: {unknown}"

    @invariant()
    def what_is_not_ours_is_untouched(self) -> None:
        rows, owned = self.realm.rows(), self.realm.owned()
        for key, body in self.realm.planted.items():
            if key in owned or key in self.strayed:
                continue
            assert as_attributes(rows[key]) == body, "a scenario of others was changed"

    @invariant()
    def a_key_belongs_to_one_address(self) -> None:
        keys = [each.key for each in self.realm.state.records.values()]
        assert len(keys) == len(set(keys))

    def _writes(self) -> int:
        """Return how many creates and updates have reached the service; what it takes late is not counted again."""
        return sum(each["operation"] in ("create", "update") for each in self.realm.service.list_requests())

    def _bodies(self) -> dict[str, Attributes]:
        return {key: as_attributes(row) for key, row in self.realm.rows().items()}

    def _run(self, apply: Callable[[], ApplyReport]) -> ApplyReport | None:
        try:
            return apply()
        except OmnictlError as error:
            event(f"ended by {error.diagnostics[0].code}")
            return None

    def _check_finished(self, report: ApplyReport) -> None:
        """After an apply of everything that did everything there is nothing to do."""
        if report.ending is not Ending.FINISHED or not all(each.fate is Fate.DONE for each in report.outcomes):
            return
        event("finished")
        if self.realm.is_quiet:
            assert self.realm.plan(allowed=EVERYTHING_ALLOWED).changes == ()

    @rule()
    def come_to_an_end(self) -> None:
        """The service is kind again, and the same command is run until it is done: then all is as it should be."""
        realm = self.realm
        realm.service.clear_faults()
        realm.service.behaviour = self.lasting
        realm.time.move(SETTLE_SECONDS + 1.0)
        for _ in range(MOST_RUNS):
            try:
                report = realm.apply()
            except RefusedError as refused:
                codes = {each.code for each in refused.diagnostics}
                if codes == {"foreign-account"}:
                    event("the account was foreign")
                    return
                if codes != {"ambiguous-create"}:
                    raise
                self._choose()
                continue
            except ConfigurationError as wrong:
                self._mend_files({each.code for each in wrong.diagnostics if each.severity is Severity.ERROR})
                continue
            if all(each.fate is Fate.DONE for each in report.outcomes):
                break
            self._edit_opaque_steps(report)
        else:
            raise AssertionError(f"no end: {report}")
        self._check_end()

    def _edit_opaque_steps(self, report: ApplyReport) -> None:
        """Take unknown fields out of steps that are to be changed, as a person does in the web interface."""
        if all(each.diagnostic is None or each.diagnostic.code != "opaque-step" for each in report.outcomes):
            return
        rows = self.realm.rows()
        for key in sorted(self.realm.owned() & rows.keys()):
            self.realm.edit(key, as_attributes(rows[key]))
        event("a person edited an opaque step")

    def _mend_files(self, codes: set[str]) -> None:
        """Take out of the files what makes no sense any more, as the diagnostics say."""
        for name, each in self.realm.files.items():
            if codes <= {"import-taken", "import-missing"}:
                self.realm.files[name] = replace(each, import_key=None)
            elif codes <= {"previous-id-declared", "previous-id-claimed-twice"}:
                self.realm.files[name] = replace(each, previous_ids=())
            else:
                raise AssertionError(codes)

    def _choose(self) -> None:
        """Settle open creates as somebody does who knows the account."""
        realm = self.realm
        realm.time.move(SETTLE_SECONDS + 1.0)
        for intent in realm.state.intents:
            ours = realm.made_by_us() - realm.owned() - self.strayed
            rows = realm.rows()
            fitting = [key for key in sorted(ours) if _is_alike(as_attributes(rows[key]), intent.body)]
            if fitting:
                with realm.provider(PatientStop(realm.time), lambda event: None, Watch()) as provider:
                    remote = provider.get(fitting[0])
                realm.write(settle_found(realm.state, intent, remote).state)
            else:
                realm.write(settle_absent(realm.state, intent, realm.time.utc()).state)
        event("a person chose")

    def _check_end(self) -> None:
        realm = self.realm
        plan = realm.plan(allowed=EVERYTHING_ALLOWED)
        assert plan.changes == (), plan.changes
        assert realm.state.intents == ()
        assert {id_of(each) for each in realm.state.records} == set(realm.files)
        rows = realm.rows()
        assert {each.key for each in realm.state.records.values()} <= set(rows)
        doubled = realm.made_by_us() - realm.owned() - self.strayed
        assert not doubled, f"doubled: {doubled}"
        wanted = [name for name, each in realm.files.items() if each.default]
        if wanted:
            holders = [key for key, row in rows.items() if row.is_default]
            keys = {id_of(address): record.key for address, record in realm.state.records.items()}
            assert holders == [keys[wanted[0]]]
        event("came to an end")


def _is_alike(one: Attributes, other: Attributes) -> bool:
    """Tell whether a service that bends names could have made one of the other."""
    return one.flow == other.flow and "".join(one.name.split()).lower()[:9] == "".join(other.name.split()).lower()[:9]


def _is_selected(ids: set[str], selection: dict[str, tuple[str, ...]]) -> bool:
    return not ids & {*selection.get("exclude", ())} and bool(ids & {*selection.get("only", ids)})


@settings(max_examples=1)
@given(st.just(Life))
def test_a_step_with_unknown_fields_is_changed_once_a_person_has_taken_them_out(make: type[Life]) -> None:
    life = make()
    life.begin({}, [])
    life.behave({"extra_fields": "present"})
    steps = Step("VKONTAKTE"), Step("SMS", "B")
    life.add([("add", "a", Attributes("Orders", steps))])
    life.apply()
    life.edit([("edit", "a", Attributes("Orders", steps[1:]))])
    life.edit([("edit", "a", Attributes("Orders", (Step("SMS", "A"),)))])
    (outcome,) = life.realm.apply().outcomes
    assert outcome.diagnostic is not None
    assert outcome.diagnostic.code == "opaque-step"
    life.come_to_an_end()
    life.teardown()


@pytest.fixture
def late() -> Iterator[Realm]:
    """An update of the default's holder will be lost, and taken late; and the default is to move."""
    realm = Realm()
    realm.files = {name: declare(name, default=name == "a" or None) for name in "ab"}
    realm.apply()
    realm.files = {"a": declare("a", "Edited"), "b": declare("b", default=True)}
    realm.service.add_fault(parse_fault("update:late-commit=50"))
    yield realm
    realm.service.close()


def test_an_update_that_is_taken_late_does_not_bring_the_default_back(late: Realm) -> None:
    """It was lost and sent again, then the default moved; it carries the default, as it was when it was sent."""
    assert all(each.fate is Fate.DONE for each in late.apply().outcomes)
    late.time.move(SETTLE_SECONDS)
    assert late.plan().changes == ()


def test_who_is_stopped_while_an_update_may_be_late_leaves_the_default_to_the_next_run(late: Realm) -> None:
    def stop(signal: PatientStop, seconds: float) -> bool:
        signal.request("enough")
        return True

    with patch.object(PatientStop, "wait", stop):
        report = late.apply()
    assert report.ending is Ending.STOPPED
    assert {(each.action, each.fate) for each in report.outcomes} == {
        (Action.UPDATE, Fate.DONE),
        (Action.DEFAULT, Fate.NOT_TRIED),
    }
    late.time.move(SETTLE_SECONDS)
    assert all(each.fate is Fate.DONE for each in late.apply().outcomes)
    assert late.plan().changes == ()


TestLife = pytest.mark.timeout(900)(Life.TestCase)  # to shrink what fails takes its time
TestLife.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)


def _drop_intents() -> AbstractContextManager[object]:
    return patch.object(waves, "add_intents", lambda state, intents: state)


def _never_look() -> AbstractContextManager[object]:
    return patch.object(settling, "settle", lambda state, *_: settle(state, {}))


def _have_no_patience() -> AbstractContextManager[object]:
    return patch.object(settling, "_wait_until_absence_counts", lambda *_: None)


def _forget_keys() -> AbstractContextManager[object]:
    def record(state: State, change: Forget | Retire, *_: object, **__: object) -> State:
        return replace(state, records={at: each for at, each in state.records.items() if at != change.address})

    return patch.object(stages, "record_removed", record)


def _select_all() -> AbstractContextManager[object]:
    return patch("omnictl.engine.planner.select", lambda addresses, *_, **__: frozenset(addresses))


BROKEN = [_drop_intents, _never_look, _have_no_patience, _forget_keys, _select_all]


@pytest.mark.timeout(600)  # how long it takes until a life meets it is a matter of luck
@pytest.mark.parametrize("break_omnictl", BROKEN, ids=lambda each: each.__name__)
def test_a_life_with_a_broken_omnictl_ends_badly(break_omnictl: Callable[[], AbstractContextManager[object]]) -> None:
    """What holds the promise must be able to fail."""
    quick = settings(
        max_examples=3000,
        stateful_step_count=25,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    with break_omnictl(), pytest.raises(AssertionError):
        run_state_machine_as_test(Life, settings=quick)
