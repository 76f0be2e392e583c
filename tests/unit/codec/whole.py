"""A state, a plan and a report in which nothing is empty, absent or false: every field of their documents is there."""

from datetime import timedelta

from omnictl.model.address import make_address
from omnictl.model.change import (
    Action,
    Adopt,
    Cause,
    Create,
    FlowChanged,
    Forget,
    NameChanged,
    Refresh,
    Rename,
    Retire,
    SenderChanged,
    SetDefault,
    StepInserted,
    StepMoved,
    StepRemoved,
    Update,
)
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.outcome import ApplyReport, Ending, Fate, Outcome
from omnictl.model.plan import (
    Cost,
    DefaultMemory,
    Guard,
    GuardFinding,
    Plan,
    Risk,
    RiskKind,
    RiskReason,
    Selection,
    Settled,
)
from omnictl.model.scenario import Attributes, IgnoredField, Lifecycle, Manage, OnRemoval, Protection
from omnictl.model.state import Account, AccountDefault, Intent, PlanMark, Record, RepeatedCreate, State, Tombstone
from tests.builders import NOW, flow

A, B, C, D = map(make_address, ("a", "b", "c", "d"))
LATER = NOW + timedelta(minutes=5)
OLD = Attributes("Old", flow("SMS:InfoSMS"))
NEW = Attributes("New", flow("VIBER:Acme > SMS:InfoSMS"))
SHOWN = Attributes("new", flow("VIBER:Acme > SMS:InfoSMS"))
REMEMBERED = Lifecycle(Protection.ALL, Manage.OBSERVE, OnRemoval.RETIRE)
LIFECYCLE = Lifecycle(
    Protection.REMOVAL, Manage.OBSERVE, OnRemoval.RETIRE, (IgnoredField("name", "campaign", "2026-12-31"),)
)
SOURCE = Source("scenarios/a.yaml", 3, 5, 9)
PROBLEM = Diagnostic(
    "some-code", Severity.WARNING, "Summary", "Detail.", SOURCE, "did you mean this?", "do this", ("omnictl plan",)
)
FIELDS = (
    NameChanged("Old", "New"),
    FlowChanged(
        OLD.flow,
        NEW.flow,
        (
            StepInserted(1, NEW.flow[0]),
            StepRemoved(2, OLD.flow[0]),
            StepMoved(OLD.flow[0], 3, 4),
            SenderChanged("SMS", "Acme", "InfoSMS", 5, 6),
        ),
    ),
)


def record(address: str) -> Record:
    """Return a record with every field."""
    return Record(make_address(address), address.upper(), NEW, SHOWN, NOW, LATER, REMEMBERED, OLD)


STATE = State(
    "lineage",
    "production",
    118,
    Account("host", "brand"),
    {A: record("a"), B: record("b")},
    (Tombstone(C, "C", OLD, NOW, True, "Before", "[retired] Before", SHOWN),),
    (Intent(D, NEW, True, "run-1", NOW, LATER, ("K1", "K2"), REMEMBERED, "OLD"),),
    (RepeatedCreate(C, OLD, NOW, ("K3",)),),
    AccountDefault(A, "A"),
    (PlanMark("plan-1", NOW, LATER),),
    7,
)
CHANGES = (
    Create(A, NEW, LIFECYCLE, becomes_default=True, replaces="OLD", source=SOURCE),
    Update(B, "B", NEW, record("b"), OLD, Cause.CONFLICT, FIELDS, LIFECYCLE, SOURCE),
    Adopt(C, "C", NEW, OLD, FIELDS, True, LIFECYCLE, SOURCE),
    Rename(D, A, "D", NEW, record("a"), OLD, FIELDS, LIFECYCLE, SOURCE, Cause.DRIFT),
    Forget(A, record("a"), vanished=True),
    Retire(B, record("b"), OLD, NEW, "Before"),
    SetDefault(C, "C", NEW, "B", B, OLD, SOURCE),
    Refresh(D, record("d"), NEW, SHOWN, LIFECYCLE),
)
PLAN = Plan(
    plan_id="plan-1",
    created_at=NOW,
    environment="production",
    account=Account("host", "brand"),
    lineage="lineage",
    serial=118,
    state_digest="sha256:0",
    changes=CHANGES,
    guards=(GuardFinding(Guard.VANISHED, "a", "It vanished.", True, SOURCE, ("import: K",)),),
    diagnostics=(PROBLEM,),
    settled=(Settled(A, "A", near=True),),
    default=DefaultMemory("A", A, B, managed=True, released=True),
    selection=Selection(("a*",), ("b*",), 3, 4),
    cost=Cost(1, 2, 3, 4.5, 20, 40, 600.0, 601.0),
    total=5,
    unchanged=6,
    refreshed=7,
    unmanaged={"K4": "Theirs"},
    twins={A: ("K5",)},
    retire=("c*",),
    risk=Risk((RiskReason(RiskKind.GUARD, "vanished", "It vanished.", SOURCE, "a"),)),
    production=True,
    sandbox=True,
    omnictl_version="1.0.0",
)
REPORT = ApplyReport(
    "plan-1",
    "production",
    Ending.STOPPED,
    (Outcome(A, Action.CREATE, Fate.FAILED, "A", PROBLEM),),
    (PROBLEM,),
    8,
    9,
    NOW,
    LATER,
    "--stop-after",
    15,
    sandbox=True,
    again="omnictl apply",
    next_seconds=2.5,
)
