"""Sendings that die: how one goes on after a death, and what the end is held to. Nobody has two messages."""

import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.faults.points import Death
from tests.faults.stage import Project, Run, tell
from tests.faults.unkind import KIND, Unkindness

PATIENCE_RUNS = 5
"""How often a run is resumed before the service becomes kind again."""

MOST_RUNS = 10
REFUSED = "41793026708"
"""The sandbox says no to this one in its answer."""

_NUMBERS = [f"417930267{number:02}" for number in (0, 2, 4, 5, 8, 31)] + [f"4179302680{number}" for number in range(9)]
_NUMBERS += [f"4179302681{number}" for number in range(6)]
PEOPLE = frozenset(_NUMBERS)
_ODD_ROWS = {4: "+41 79 302 67 00", 9: "no number", 13: _NUMBERS[12], 20: "0041793026731"}
"""What stands between the rows of people: three of them a second time, and one that cannot be used."""

_RUN = re.compile(r"\brun ([0-9a-f]{8})\b", re.IGNORECASE)
_NOTHING_LEFT = (1, 3, 5, 64)


@dataclass(frozen=True, slots=True)
class MailStory:
    """A command that sends to ``people``, each once."""

    name: str
    words: tuple[str, ...]
    people: frozenset[str]

    def make_tale(self, project: Project, unkind: Unkindness) -> "MailTale":
        """Return it told in one project."""
        return MailTale(project, self, unkind)


_TEXT = ("send", "s", "--text", "Hello", "--yes")
SEND_MANY = MailStory("send many", (*_TEXT, "--recipients", "r.csv", "--batch-size", "3"), PEOPLE)
_FEW = (_NUMBERS[1], REFUSED, _NUMBERS[9])
SEND_FEW = MailStory("send few", (*_TEXT, *(word for each in _FEW for word in ("--to", f"+{each}"))), frozenset(_FEW))
MAILS = {each.name: each for each in (SEND_MANY, SEND_FEW)}


def write_recipients(project: Project) -> None:
    """Write the file of recipients: people, some of them twice, and a row that nobody can use."""
    rows: list[str] = []
    for number, each in enumerate(_NUMBERS):
        rows += [each, _ODD_ROWS[number]] if number in _ODD_ROWS else [each]
    (project.root / "r.csv").write_text("\n".join(["phone", *rows, ""]))


def prepare_account(project: Project) -> None:
    """Apply one scenario that falls over from VIBER to SMS."""
    project.set_up(workers=1)
    project.write("s", "Orders of the Day")
    ran = project.omnictl("apply", "--yes")
    assert ran.code == 0, tell(project.runs)
    project.runs.clear()


def ask_ledger(project: Project, statement: str) -> list[tuple[Any, ...]]:
    """Return rows of the ledger; none where there is no ledger yet."""
    path = project.root / ".omnictl/ledger/default.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as the ledger has it."""

    message_id: str
    run: str
    phone: str
    fate: str


def read_entries(project: Project) -> list[Entry]:
    """Return the messages of the ledger, in the order of sending."""
    rows = ask_ledger(
        project,
        "SELECT m.message_id, r.id, m.recipient, m.fate FROM messages m JOIN runs r ON r.number = m.run "
        "ORDER BY m.number",
    )
    return [Entry(message_id, run, json.loads(recipient)["phone"], fate) for message_id, run, recipient, fate in rows]


@dataclass
class MailTale:
    """One sending told in one project."""

    project: Project
    story: MailStory
    unkind: Unkindness = KIND
    deaths: int = 0
    resumed: str = ""

    def begin(self, *, workers: int) -> None:
        """Apply the scenario in a kind world; then the world is as told."""
        del workers
        prepare_account(self.project)
        write_recipients(self.project)
        self.project.service.behave(**self.unkind.switches)
        self.project.service.fail(*self.unkind.faults)

    # --- running -------------------------------------------------------------------------------------------------

    def run(self, death: Death | None = None, *, watched: bool = False) -> Run:
        """Run the command, or where its run was begun before, that run again."""
        if self.runs_begun:
            self._ask_for_it_anew()
        ran = self._call(*self._resuming(), death=death, watched=watched)
        self.deaths += ran.died
        return ran

    @property
    def runs_begun(self) -> list[str]:
        """The ids of the runs in the ledger."""
        return [row[0] for row in ask_ledger(self.project, "SELECT id FROM runs ORDER BY number")]

    def _resuming(self, *more: str) -> tuple[str, ...]:
        begun = self.runs_begun
        return ("--resume", begun[0], *more) if begun else ()

    def _call(self, *more: str, **how: Any) -> Run:
        """Run it; what it says when it ends is held to what the service has seen of it."""
        before, quiet = self._taken(), self.unkind.is_promised and not self._is_restless
        ran = self.project.omnictl(*self.story.words, "--format", "json", *more, **how)
        if ran.died:
            return ran
        said = tell(self.project.runs)
        assert ran.code in (0, 1, 3, 4, 5, 6), said
        if quiet and ran.code in _NOTHING_LEFT:
            assert self._taken() == before, f"it says that it sent nothing: {said}"
        document = json.loads(ran.out)
        if document["kind"] == "sending":
            self._check_report(document, ran, said)
        return ran

    def _check_report(self, document: Mapping[str, Any], ran: Run, said: str) -> None:
        fates = Counter(each.fate for each in read_entries(self.project) if each.run == document["run"])
        for fate in ("accepted", "refused", "unknown"):
            assert document[fate] == fates[fate], f"it says {document[fate]} {fate}, there are {fates}: {said}"
        left = len(self.story.people) - sum(document[fate] for fate in ("accepted", "refused", "unknown"))
        assert document["not_tried"] == left, f"{left} were not tried: {said}"
        if document["unknown"]:
            assert ran.code == 4, said
            assert "--resend-unknown" in ran.err, said
        assert (ran.code == 0) == (document["accepted"] == len(self.story.people)), said
        if document["unknown"] or left:
            assert f"--resume {document['run']}" in ran.err, said

    def _ask_for_it_anew(self) -> None:
        """The command itself, of which a run was begun: it sends nothing, and says how to go on."""
        [begun] = self.runs_begun
        finished = bool(ask_ledger(self.project, "SELECT 1 FROM runs WHERE finished_at IS NOT NULL"))
        if finished and "--recipients" not in self.story.words:
            return  # who names people again means them again
        before, quiet = self.project.service.count("send"), not self._is_restless
        ran = self.project.omnictl(*self.story.words)
        said = tell(self.project.runs)
        assert ran.code == 3, said
        assert not quiet or self.project.service.count("send") == before, said
        assert self.runs_begun == [begun], said
        if not finished:
            assert f"--resume {begun}" in ran.err, said
            assert "--new-run" in ran.err, said
        else:
            assert "--again" in ran.err, said

    @property
    def _is_restless(self) -> bool:
        """Whether a message may still be taken that an earlier run has sent."""
        return self.unkind.is_late or bool(self.project.runs and self.project.runs[-1].died)

    def _messages(self) -> list[dict[str, Any]]:
        return list(self.project.service.ask("GET", "sandbox/messages")["messages"])

    def _taken(self) -> int:
        return sum(each["times"] for each in self._messages())

    # --- going on ------------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Resume the run until nobody is left who was not tried."""
        for number in range(MOST_RUNS):
            if number == PATIENCE_RUNS:
                self.be_kind()
            ran = self.run()
            if ran.code in (0, 4) and json.loads(ran.out).get("not_tried") == 0:
                return
            assert self.unkind is not KIND, f"a kind world and yet:\n{tell(self.project.runs)}"
        raise AssertionError(f"no end:\n{tell(self.project.runs)}")

    def be_kind(self) -> None:
        """No faults any more; what the service is like otherwise stays."""
        self.project.service.be_kind()

    # --- the end -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Hold the end to the promise: one message for each at most, and what was taken is accepted in the ledger."""
        if self.unkind.is_late:
            self._call(*self._resuming())  # what is not there yet is not taken for lost
            time.sleep(self.unkind.late_seconds + 0.5)  # a second message that comes late is a second message
        self.be_kind()
        self._call(*self._resuming())  # looks for what is unknown in a world that answers
        self._check_taken()
        self._check_resending()
        self._check_taken()
        entries = read_entries(self.project)
        fates = Counter(each.fate for each in entries)
        assert not fates["unknown"], tell(self.project.runs)
        sent = self.project.service.count("send")
        self._call(*self._resuming())
        assert self.project.service.count("send") == sent, tell(self.project.runs)
        self._ask_for_it_anew()

    def _check_taken(self) -> None:
        said, messages, entries = tell(self.project.runs), self._messages(), read_entries(self.project)
        by_phone = Counter(each["to"]["phoneNumber"] for each in messages)
        assert not {phone for phone, number in by_phone.items() if number > 1}, f"two messages: {by_phone}\n{said}"
        assert all(each["times"] == 1 for each in messages), f"sent twice: {messages}\n{said}"
        assert set(by_phone) <= self.story.people, said
        taken = {each["messageId"] for each in messages}
        accepted = {each.message_id for each in entries if each.fate == "accepted"}
        assert accepted == taken, (
            f"accepted, not taken: {accepted - taken}; or the other way {taken - accepted}\n{said}"
        )
        tried = Counter(each.phone for each in entries if each.fate != "not tried")
        assert tried == Counter(dict.fromkeys(self.story.people, 1)), f"{tried}\n{said}"
        litter = [each for each in self.project.litter() if "ledger" in each]
        assert len(litter) <= self.deaths, f"{litter}\n{said}"

    def _check_resending(self) -> None:
        """What is unknown is repeated only when one says so, and then nothing of it is unknown any more."""
        unknown = {each.phone for each in read_entries(self.project) if each.fate == "unknown"}
        if not unknown:
            return
        ran = self._call(*self._resuming("--resend-unknown"))
        assert json.loads(ran.out)["unknown"] == 0, tell(self.project.runs)
        fates = {each.phone: each.fate for each in read_entries(self.project) if each.fate != "not tried"}
        assert {phone for phone in unknown if fates[phone] != "accepted"} <= {REFUSED}, tell(self.project.runs)
