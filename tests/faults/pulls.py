"""Pulls of reports that die: what was handed out is in the ledger, or a gap says that it may not be."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.mails import MOST_RUNS, PATIENCE_RUNS, SEND_MANY, ask_ledger, prepare_account, write_recipients
from tests.faults.points import Death
from tests.faults.stage import Project, Run, tell
from tests.faults.unkind import KIND, Unkindness

_LATE = "41793026705"
"""Two reports come of this one: expired, and delivered all the same."""

_STRANGERS = ("41793026801", "41793026702", "41793026703")


@dataclass(frozen=True, slots=True)
class PullStory:
    """A command that takes reports."""

    name: str
    words: tuple[str, ...]

    def make_tale(self, project: Project, unkind: Unkindness) -> "PullTale":
        """Return it told in one project."""
        return PullTale(project, self, unkind)


PULL = PullStory("pull", ("reports", "pull", "--take", "--limit", "4"))


@dataclass
class PullTale:
    """The pulls of one project: reports of its own messages, and those of a stranger who sends as well."""

    project: Project
    story: PullStory
    unkind: Unkindness = KIND
    deaths: int = 0
    total: int = 0
    gaps: set[int] = field(default_factory=set)

    def begin(self, *, workers: int) -> None:
        """Send in a kind world; then the world is as told, and reports wait."""
        del workers
        service = self.project.service
        prepare_account(self.project)
        write_recipients(self.project)
        service.behave(**self.unkind.switches)
        ran = self.project.omnictl(*SEND_MANY.words)
        assert ran.code == 4, ran.err  # somebody is refused
        self.project.runs.clear()
        [key] = self.project.keys().values()
        body = {"scenarioKey": key, "destinations": [{"to": {"phoneNumber": each}} for each in _STRANGERS]}
        service.ask("POST", "omni/1/advanced", {**body, "viber": {"text": "x"}, "sms": {"text": "x"}})
        if self.unkind.switches.get("clock") == "manual":
            service.ask("POST", "sandbox/advance", {"by": "1h"})
        self.total = self._unread()
        service.fail(*self.unkind.faults)

    def run(self, death: Death | None = None, *, watched: bool = False) -> Run:
        """Pull once. Whatever was handed out then is in the ledger, or a gap is open."""
        restless = bool(self.project.runs and self.project.runs[-1].died)
        before = self._unread()
        ran = self.project.omnictl(*self.story.words, "--format", "json", death=death, watched=watched)
        self.deaths += ran.died
        self._check_gaps(ran)
        said = tell(self.project.runs)
        assert ran.died or ran.code in (0, 1, 4, 5, 6), said
        if ran.code in (1, 5) and not restless:
            assert self._unread() == before, f"it says that it took nothing: {said}"
        return ran

    def _unread(self) -> int:
        return int(self.project.service.ask("GET", "sandbox/status")["unread_reports"])

    def _rows(self) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        texts = [row[0] for row in ask_ledger(self.project, "SELECT report FROM reports")]
        return {_identity_of_ours(each): each for each in map(json.loads, texts)}

    def _check_gaps(self, ran: Run) -> None:
        said = tell(self.project.runs)
        states = dict(ask_ledger(self.project, "SELECT id, state FROM gaps"))
        is_open = {number for number, state in states.items() if state == "open"}
        self.gaps |= {number for number, state in states.items() if state != "closed"}
        if not is_open and not self._is_late:
            rows = self._rows()
            # Logs show of each step how it stands; that one had expired before it was delivered is not told again.
            late = Counter(each["channel"] for each in rows.values() if each["to"] == _LATE)
            outdated = sum(number == 1 for number in late.values()) if self.gaps else 0
            handed_out, kept = self.total - self._unread(), len(rows) + outdated
            assert kept >= handed_out, f"{handed_out} were handed out, {kept} are kept, and no gap says so\n{said}"
        if is_open and not ran.died:
            assert ran.code in (4, 5), said
            assert ran.code == 5 or len(json.loads(ran.out)["gaps"]["open"]) == len(is_open), said
        assert not set(states.values()) & {"permanent"}, said

    @property
    def _is_late(self) -> bool:
        return self.unkind.switches.get("clock") == "real"

    def go_on(self) -> None:
        """Pull until there is nothing left to take or to fill."""
        for number in range(MOST_RUNS):
            if number == PATIENCE_RUNS:
                self.project.service.be_kind()
            age_gaps(self.project, minutes=5)  # then the service has surely ended its work on what was lost
            ran = self.run()
            if ran.code == 0:
                return
            assert self.unkind is not KIND, f"a kind world and yet:\n{tell(self.project.runs)}"
        raise AssertionError(f"no end:\n{tell(self.project.runs)}")

    def check(self) -> None:
        """Hold the end to the promise: every report is there with its status, those of the logs without their error."""
        project, service = self.project, self.project.service
        service.be_kind()
        self._advance()
        assert self.run().code == 0, tell(project.runs)
        said = tell(project.runs)
        assert self._unread() == 0, said
        rows = self._rows()
        logs = {_identity(each): each for each in service.ask("GET", "omni/1/logs?limit=1000")["results"]}
        missing = {key for key, each in logs.items() if each["status"]["groupName"] != "PENDING"} - set(rows)
        assert not missing, f"lost: {missing}\n{said}"
        for row in rows.values():
            assert (row.get("error") is None) == (row["source"] == "log"), f"{row}\n{said}"
        if not self.gaps:
            assert all(each["source"] == "pull" for each in rows.values()), said
        sent = ask_ledger(project, "SELECT COUNT(*) FROM messages WHERE fate = 'accepted'")[0][0]
        joined = ask_ledger(project, "SELECT COUNT(DISTINCT message) FROM reports WHERE message IS NOT NULL")[0][0]
        assert joined == sent, f"{joined} of {sent} have reports\n{said}"

    def _advance(self) -> None:
        if self._is_late:
            self.project.service.behave(clock="instant")


def age_gaps(project: Project, *, minutes: int) -> None:
    """Let the open gaps be so much older than they are."""
    ask_ledger(project, f"UPDATE gaps SET opened_at = opened_at - {minutes * 60 * 10**6} WHERE state = 'open'")


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["messageId"], row["to"], row["channel"].replace("VKONTANTE", "VKONTAKTE"), row["status"]["id"])


def _identity_of_ours(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["message_id"], row["to"], row["channel"], row["status"]["id"])
