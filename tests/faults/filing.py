"""Commands that write scenario files and die: each file is there once and whole, and the same command does the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.points import Death
from tests.faults.stage import Project, Run, tell
from tests.faults.unkind import Unkindness

_ACCOUNT = ("Order paid", "Order sent", "Order sent", "Заказ оплачен")
"""What the account has; two of them are equal in all but the key."""
_DECLARED = ("one", "two", "three")


@dataclass(frozen=True, slots=True)
class FilingStory:
    """A command that writes files from what the account has."""

    name: str
    command: tuple[str, ...]
    tale: "type[FilingTale]"

    def make_tale(self, project: Project, unkind: Unkindness) -> "FilingTale":
        """Return it told in one project; the service is kind."""
        del unkind
        return self.tale(project, self)


@dataclass
class FilingTale:
    """One project, and what was found in its files after each death."""

    project: Project
    story: FilingStory
    deaths: int = 0
    writes: int = 0
    found: dict[str, bytes] = field(default_factory=dict)

    def begin(self, *, workers: int) -> None:
        """Bring the project to where the command is to be run."""
        self.project.set_up(workers=workers)
        self.prepare()
        self.writes = self.project.service.writes

    def prepare(self) -> None:
        """Make files and account what they are before."""
        raise NotImplementedError

    def run(self, death: Death | None = None, *, watched: bool = False) -> Run:
        """Run the command; look at the files."""
        ran = self.project.omnictl(*self.story.command, death=death, watched=watched)
        self.deaths += ran.died
        self.look(self.files())
        return ran

    def look(self, files: Mapping[str, bytes]) -> None:
        """Hold the files after a run to what is promised of each."""
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """Return the scenario files by their names."""
        return {each.name: each.read_bytes() for each in (self.project.root / "scenarios").glob("[!.]*")}

    def go_on(self) -> None:
        """Run the same command again: once is enough."""
        ran = self.run()
        assert ran.code == 0, tell(self.project.runs)

    def check(self) -> None:
        """Hold the end to the promise: nothing left to do, nothing was sent, nothing lies about."""
        project, said = self.project, tell(self.project.runs)
        planned = project.omnictl("plan", "--detailed-exitcode")
        assert planned.code == 0, f"{planned.out}{planned.err}\n{said}"
        assert project.service.writes == self.writes, said
        left = [each for each in project.litter() if each.startswith("scenarios/")]
        assert not left, f"{left}\n{said}"


class ImportTale(FilingTale):
    """An account that becomes files and state."""

    def prepare(self) -> None:
        """Somebody made scenarios by hand."""
        for name in _ACCOUNT:
            self.project.service.plant(name)

    def look(self, files: Mapping[str, bytes]) -> None:
        """A file that was written is never written over, and never written beside."""
        assert {name: files.get(name) for name in self.found} == self.found, tell(self.project.runs)
        assert len(files) <= len(_ACCOUNT), tell(self.project.runs)
        assert all(content.endswith(b"\n") for content in files.values()), tell(self.project.runs)
        self.found = dict(files)

    def check(self) -> None:
        """Each scenario has one file and one record."""
        keys = self.project.keys()
        assert len(self.found) == len(keys) == len(_ACCOUNT), tell(self.project.runs)
        assert set(keys.values()) == {each["key"] for each in self.project.service.scenarios()}
        assert self.project.state["serial"] == 1, "the state is filled in one step"
        super().check()


class AcceptTale(FilingTale):
    """Scenarios that somebody changed on the account, all of them taken over."""

    def prepare(self) -> None:
        """Apply files, and let somebody change what they made."""
        for each in _DECLARED:
            self.project.write(each, f"Name of {each}", default=each == "one")
        ran = self.project.omnictl("apply", "--yes")
        assert ran.code == 0, ran.err
        self.old = self.files()
        for each, key in self.project.keys().items():
            body = {"name": f"Better name of {each}", "flow": [{"channel": "SMS", "from": "InfoSMS"}]}
            self.project.service.ask("PUT", f"omni/1/scenarios/{key}", body)

    def look(self, files: Mapping[str, bytes]) -> None:
        """Each file is the old one or the new one, whole; what was accepted stays."""
        assert set(files) == set(self.old), tell(self.project.runs)
        new = {name for name in files if files[name] != self.old[name]}
        assert all(b"Better name" in files[name] and files[name].endswith(b"}") for name in new), tell(
            self.project.runs
        )
        assert new >= set(self.found), tell(self.project.runs)
        self.found = {name: files[name] for name in new}

    def check(self) -> None:
        """All files are new."""
        assert set(self.found) == set(self.old), tell(self.project.runs)
        super().check()


IMPORT = FilingStory("import", ("import", "--all", "--write", "scenarios"), ImportTale)
ACCEPT = FilingStory("accept", ("accept", *_DECLARED), AcceptTale)
