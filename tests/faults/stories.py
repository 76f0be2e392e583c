"""What the runs that die are about, how one goes on after a death, and what the end is held to."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.points import Death
from tests.faults.stage import SETTLE_SECONDS, Project, Run, tell
from tests.faults.unkind import KIND, Unkindness

PATIENCE_RUNS = 6
"""How often the same command is run before the service becomes kind again."""

MOST_RUNS = 14
_SAME_COMMAND = {4, 6}
_NOTHING_CHANGED = {1, 3, 5}


@dataclass(frozen=True, slots=True)
class Story:
    """A project and the command that may die. ``names`` are what the account shows under each id in the end.

    ``left`` counts the scenarios of ours that stay on the account without a file.
    """

    name: str
    prepare: Callable[[Project], None]
    change: Callable[[Project], None]
    command: tuple[str, ...]
    names: Mapping[str, str]
    left: int = 0

    def make_tale(self, project: Project, unkind: Unkindness) -> "Tale":
        """Return it told in one project."""
        return Tale(project, self, unkind)


def _nothing(project: Project) -> None:
    del project


def _write_new(project: Project) -> None:
    project.write("one", "Orders of the Day", default=True)
    project.write("two", "Orders of the Day")  # a true twin of the first
    project.write("three", "ﬁve  Alerts")


def _write_old(project: Project) -> None:
    project.write("edited", "Orders of the Day", default=True)
    project.write("before", "Alerts  at Night")
    project.write("retired", "Promotion of 2019", lifecycle={"on_removal": "retire"})
    project.write("forgotten", "Promotion of 2020")
    project.write("chosen", "Welcome to all")


def _change_old(project: Project) -> None:
    project.write("edited", "Orders of the Day", last="PUSH")
    project.remove("before")
    project.write("after", "Alerts  by Day", previous_ids=["before"])
    project.remove("retired")
    project.remove("forgotten")
    project.write("chosen", "Welcome to all", default=True)
    project.write("new", "Orders of the Day", last="EMAIL")
    project.write("newer", "Goodbye to all")


def _write_many(project: Project) -> None:
    for number in range(MANY_FILES):
        project.write(f"s-{number:02}", f"Orders {number // 2}", default=number == MANY_FILES // 2)  # each has a twin


MANY_FILES = 24
MANY = Story(
    "many",
    _nothing,
    _write_many,
    ("apply", "--yes"),
    {f"s-{number:02}": f"Orders {number // 2}" for number in range(MANY_FILES)},
)
"""More creates than are in flight: their intents go out in waves."""

FRESH = Story(
    "fresh",
    _nothing,
    _write_new,
    ("apply", "--yes"),
    {"one": "Orders of the Day", "two": "Orders of the Day", "three": "ﬁve  Alerts"},
)
BUSY = Story(
    "busy",
    _write_old,
    _change_old,
    ("apply", "--yes", "--allow", "default-change=chosen"),
    {
        "edited": "Orders of the Day",
        "after": "Alerts  by Day",
        "chosen": "Welcome to all",
        "new": "Orders of the Day",
        "newer": "Goodbye to all",
    },
    left=2,
)


def _save_plan(project: Project) -> None:
    _change_old(project)
    ran = project.omnictl("plan", "--out", "plan.json", "--allow", "default-change=chosen")
    assert ran.code == 0, ran.err


SAVED = replace(BUSY, name="saved plan", change=_save_plan, command=("apply", "plan.json"))
STORIES = {each.name: each for each in (FRESH, MANY, BUSY, SAVED)}


@dataclass
class Tale:
    """One story told in one project: who was on the account before, what it is held to in the end."""

    project: Project
    story: Story
    unkind: Unkindness = KIND
    theirs: str = ""
    before: frozenset[str] = frozenset()
    deaths: int = 0

    def begin(self, *, workers: int) -> None:
        """Bring the project to where the command is to be run, in a kind world; then the world is as told."""
        project = self.project
        project.set_up(workers=workers)
        self.theirs = project.service.plant("Theirs alone") if self.story.left else ""
        self.story.prepare(project)
        if self.story.left:
            project.service.behave(**self.unkind.lasting)
            ran = project.omnictl("apply", "--yes", "--allow", "default-change=edited")
            assert ran.code == 0, tell(project.runs)
        self.before = frozenset(project.keys().values())
        self.story.change(project)
        project.service.behave(**self.unkind.switches)
        project.service.fail(*self.unkind.faults)

    def run(self, death: Death | None = None, *, watched: bool = False) -> Run:
        """Run the command of the story."""
        quiet = not (self.project.runs and self.project.runs[-1].died)  # else its last request may still be on its way
        before = self.project.service.writes
        briefly = ("--stop-after", "2s") if "throttle" in self.unkind.switches else ()
        ran = self.project.omnictl(*self.story.command, *briefly, death=death, watched=watched)
        self.deaths += ran.died
        if quiet and ran.code in _NOTHING_CHANGED:
            assert self.project.service.writes == before, f"it says that it changed nothing: {tell(self.project.runs)}"
        return ran

    def go_on(self) -> None:
        """Run the same command again until its end, as the output says; a person chooses where one has to."""
        for number in range(MOST_RUNS):
            if number == PATIENCE_RUNS:
                self.project.service.be_kind()
            ran = self.run()
            if ran.code == 0:
                return
            assert self.unkind is not KIND, f"a kind world and yet:\n{tell(self.project.runs)}"
            if ran.code == 3 and "stale-plan" in ran.err and "list_lag_seconds" in self.unkind.switches:
                time.sleep(0.3)  # the list shows the account as it was before the plan, and nothing was sent
            elif ran.code == 3:
                assert "ambiguous-create" in ran.err, tell(self.project.runs)
                self._choose()
            else:
                assert ran.code in _SAME_COMMAND | _NOTHING_CHANGED, tell(self.project.runs)
        raise AssertionError(f"no end:\n{tell(self.project.runs)}")

    def _choose(self) -> None:
        """Settle open creates as somebody does who knows the account."""
        rows = self.project.service.scenarios()
        for intent in self.project.state["intents"]:
            known = {*self.project.remembered(), *intent.get("known_keys", ()), self.theirs}
            fitting = [row["key"] for row in rows if row["key"] not in known and self._fits(row, intent["body"])]
            choice = ("--key", fitting[0]) if fitting else ("--absent",)
            ran = self.project.omnictl("state", "settle", intent["id"], *choice)
            assert ran.code == 0, tell(self.project.runs)

    def _fits(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
        kept = [self.unkind.sender_kept_as(step.get("from")) for step in body["flow"]]
        return (
            row["name"] == self.unkind.name_kept_as(body["name"]) and [each.get("from") for each in row["flow"]] == kept
        )

    def check(self) -> None:
        """Hold the end to the promise: each scenario once, every key remembered, nothing left to do, nothing left."""
        project, said = self.project, tell(self.project.runs)
        if self.unkind.is_late:
            time.sleep(SETTLE_SECONDS)  # a twin that comes late is a twin
        if any(each.startswith("update:late-commit") for each in self.unkind.faults):
            # A PUT that was sent again and then comes late once more is somebody's edit like any other, and may bring
            # the default back that it carries: the plan shows it and an apply mends it. Nothing more is promised.
            assert project.omnictl(*BUSY.command).code == 0, tell(project.runs)
        project.service.be_kind()
        rows = {row["key"]: row for row in project.service.scenarios()}
        keys = project.keys()
        wanted = {name: self.unkind.name_kept_as(text) for name, text in self.story.names.items()}
        assert {name: rows.get(key, {}).get("name") for name, key in keys.items()} == wanted, said
        assert len(set(keys.values())) == len(keys), f"two ids share a key\n{said}"
        ours = set(rows) - {self.theirs}
        assert len(ours) == len(wanted) + self.story.left, f"doubled or lost: {rows}\n{said}"
        assert ours == project.remembered(), f"{ours} are there, {project.remembered()} are remembered\n{said}"
        assert project.remembered() >= self.before, said
        told = {key for run in project.runs for _, key in run.said}
        assert told <= project.remembered(), f"told and forgotten: {told - project.remembered()}\n{said}"
        everything = "".join(f"{run.out}{run.err}" for run in project.runs)  # a person who settles one names it too
        silent = {key for key in project.remembered() - self.before if key not in everything}
        assert not silent, f"remembered and never told: {silent}\n{said}"
        assert not project.state.get("intents"), said
        self._check_rest(rows, said)

    def _check_rest(self, rows: Mapping[str, Any], said: str) -> None:
        project = self.project
        if self.theirs:
            assert rows[self.theirs]["name"] == "Theirs alone", said
        if self.story.left and self.unkind.switches.get("defaults") != "several":
            holders = [key for key, row in rows.items() if row.get("default") or row.get("defaultScenario")]
            assert holders == [project.keys()["chosen"]], said
            assert project.state.get("account_default", {}).get("key") == holders[0], said
        assert not (project.root / "state/.omnictl/locks/default.json.holder.json").exists(), said
        assert len(project.litter()) <= self.deaths, f"{project.litter()}\n{said}"
        if self.story is SAVED:
            again = self.run()
            assert again.code == 0, tell(project.runs)
            assert "already applied" in again.out.lower(), tell(project.runs)
        planned = project.omnictl("plan", "--detailed-exitcode")
        assert planned.code == 0, f"{planned.out}{planned.err}\n{said}"
