"""Plans, reports and diagnostics for tests, made as the engine makes them: from files, a state and an account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from omnictl.engine.planner import make_plan
from omnictl.engine.view import BudgetUse, Circumstances, Neighbour, Thresholds, View
from omnictl.model.address import Address, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.plan import Plan, Settled
from omnictl.model.scenario import Attributes, Configuration, Lifecycle, Remote, Resource, Step
from omnictl.model.state import Account, AccountDefault, Record, State

NOW = datetime(2026, 11, 20, 14, 12, 3, tzinfo=UTC)
PLAN_ID = "7d1f20c4a9e05b36"


def flow(text: str) -> tuple[Step, ...]:
    """Return a flow from ``"VKONTAKTE > SMS:InfoSMS"``."""
    steps = (each.strip().partition(":") for each in text.split(">"))
    return tuple(Step(channel.strip(), sender.strip() or None) for channel, _, sender in steps)


def key_of(scenario_id: str) -> str:
    """Return a key that looks like the API's, always the same for an id."""
    return scenario_id.encode().hex().upper().ljust(32, "0")[:28] + f"{len(scenario_id):04X}"


def managing(elsewhere: Mapping[str, str]) -> tuple[Neighbour, ...]:
    """Return neighbours that declare and manage keys; given are the keys with the names of their environments."""
    found: dict[str, dict[Address, Record]] = {name: {} for name in elsewhere.values()}
    for number, (key, name) in enumerate(elsewhere.items()):
        address = make_address(f"theirs-{number}")
        attributes = Attributes(f"Theirs {number}", flow("SMS:Theirs"))
        found[name][address] = Record(address, key, attributes, attributes, NOW)
    return tuple(
        Neighbour(name, State("theirs", name, records=records), dict.fromkeys(records))
        for name, records in found.items()
    )


@dataclass
class Scene:
    """One environment: what the files say, what is remembered, what the account shows."""

    environment: str = "production"
    host: str = "xyz1ab.api.infobip.com"
    resources: dict[str, Resource] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    remotes: dict[str, Remote] = field(default_factory=dict)
    default: str | None = None
    serial: int = 118

    def declare(
        self,
        scenario_id: str,
        name: str | None = None,
        steps: str = "VKONTAKTE > SMS:InfoSMS",
        *,
        line: int = 1,
        **more: Any,
    ) -> "Scene":
        """Write a file."""
        source = Source(f"scenarios/{scenario_id}.yaml", line, 1)
        self.resources[scenario_id] = Resource(
            make_address(scenario_id),
            Attributes(scenario_id if name is None else name, flow(steps)),
            sources={"": source, "default": Source(source.path, line + 6, 1)},
            **more,
        )
        return self

    def remember(
        self,
        scenario_id: str,
        name: str | None = None,
        steps: str = "VKONTAKTE > SMS:InfoSMS",
        *,
        account: tuple[str, str] | None = None,
        vanished: bool = False,
        lifecycle: Lifecycle = Lifecycle(),
        declared: str | None = None,
    ) -> "Scene":
        """Record a scenario, and show it on the account: as recorded, with another (name, flow), or not at all.

        ``declared`` is the name that its file had then, and that was ignored.
        """
        address, key = make_address(scenario_id), key_of(scenario_id)
        was = Attributes(scenario_id if name is None else name, flow(steps))
        self.records[scenario_id] = Record(address, key, was, was, NOW, None, lifecycle)
        if declared is not None:
            self.records[scenario_id] = replace(self.records[scenario_id], declared=replace(was, name=declared))
        shown = was if account is None else Attributes(account[0], flow(account[1]))
        if not vanished:
            self.remotes[key] = Remote(key, shown, is_default=False)
        return self

    def both(self, scenario_id: str, name: str | None = None, steps: str = "VKONTAKTE > SMS:InfoSMS") -> "Scene":
        """Declare and remember the same."""
        return self.declare(scenario_id, name, steps).remember(scenario_id, name, steps)

    def unmanaged(self, name: str, steps: str = "SMS:InfoSMS") -> "Scene":
        """Let somebody else have a scenario on the account."""
        key = f"{0xFACE0000 + len(self.remotes):032X}"
        self.remotes[key] = Remote(key, Attributes(name, flow(steps)))
        return self

    def holds_default(self, scenario_id: str) -> "Scene":
        """Let a recorded scenario be the account's default, as this environment once declared it."""
        self.default = scenario_id
        key = key_of(scenario_id)
        self.remotes[key] = replace(self.remotes[key], is_default=True)
        return self

    @property
    def state(self) -> State:
        holder = AccountDefault()
        if self.default is not None:
            holder = AccountDefault(make_address(self.default), key_of(self.default))
        return State(
            lineage="c0ffee",
            environment=self.environment,
            serial=self.serial,
            account=Account(self.host),
            records={each.address: each for each in self.records.values()},
            account_default=holder,
            listed=len(self.remotes),
            knows_files=bool(self.records),
        )

    @property
    def view(self) -> View:
        """What a plan is made of."""
        resources = {each.address: each for each in self.resources.values()}
        return View(Configuration(dict(sorted(resources.items()))), self.state, self.remotes)

    def circumstances(self, elsewhere: Mapping[str, str] | None = None, **circumstances: Any) -> Circumstances:
        """Return what a plan depends on beside the view; ``elsewhere`` are keys that neighbours manage."""
        given: Mapping[str, Any] = {
            "plan_id": PLAN_ID,
            "created_at": NOW,
            "environment": self.environment,
            "account": Account(self.host),
            "thresholds": Thresholds(1.0, 1000),
            "creates": BudgetUse(20),
            "updates": BudgetUse(40),
            "omnictl_version": "1.0.0",
            "neighbours": managing(elsewhere or {}),
            **circumstances,
        }
        return Circumstances(**given)

    def plan(self, *, settled: Iterable[Settled] = (), **circumstances: Any) -> Plan:
        """Return the plan that the engine makes of it."""
        return make_plan(self.view, self.circumstances(**circumstances), tuple(settled))


def example_scene() -> Scene:
    """Return a scene with a change of nearly every kind, and a guard."""
    scene = Scene()
    for number in range(12):
        scene.both(f"other-{number}")
    scene.declare("vk-sms", "VK and SMS", default=True).remember("vk-sms", "VK and SMS")
    scene.both("sms-only", "SMS alone", "SMS:InfoSMS").holds_default("sms-only")
    scene.declare("otp-br", "OTP Brazil", "WHATSAPP:447700900123 > SMS:InfoSMS")
    scene.declare("welcome", "Welcome", "VIBER:Acme > VKONTAKTE > SMS:BRAND", line=4)
    scene.remember("welcome", "Welcome", "VKONTAKTE > SMS:InfoSMS > VIBER:Acme")
    scene.declare("otp-world", "OTP", "SMS:Acme", previous_ids=("otp",)).remember("otp", "OTP", "SMS:Acme")
    scene.remember("promo-2019", "Promotion", "SMS:Acme")
    return scene.unmanaged("test").unmanaged("test").unmanaged("Black Friday")


def problem(code: str = "some-code", severity: Severity = Severity.ERROR, **more: Any) -> Diagnostic:
    """Return a diagnostic."""
    return Diagnostic(code, severity, **{"summary": "Something is wrong", "detail": "This is why.", **more})
