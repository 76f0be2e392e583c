"""Sendings and pulls by chance: kills, lost answers, late ones, resumes. Nobody has two messages, no report is lost."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.errors import OmnictlError
from omnictl.ledger.base import MessageFilter, Run, RunKind
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Message, MessageFate, Via
from omnictl.model.report import GapState, ReportQuery
from omnictl.model.scenario import Step
from omnictl.operations.pulling import pull
from omnictl.operations.sending import Errand, send
from tests.builders import NOW
from tests.fake_messenger import FAILURES, Clock, FakeMessenger, make_post, make_row, people
from tests.worlds import Killed

RUN = Run("run-1", RunKind.FILE, "s", "m", "r", NOW)
VIA = Via("s", "KEY", "r1", (Step("SMS"),))
PEOPLE = people(8)
WRITES = (
    "begin_run",
    "open_batch",
    "reopen_batch",
    "add_receipts",
    "add_reports",
    "finish_run",
    "open_gap",
    "close_gap",
)
REFUSED = PEOPLE[5].phone or ""


class MortalLedger:
    """A ledger whose process dies at the ``at``-th moment: before or after a write, or where it talks."""

    def __init__(self, ledger: SqliteLedger, at: int) -> None:
        self._ledger = ledger
        self._left = at

    def reach(self, _: str = "") -> None:
        """Come to a moment; it may be the last."""
        self._left -= 1
        if self._left == 0:
            raise Killed

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._ledger, name)
        return self._around(real) if name in WRITES else real

    def _around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.reach()
            result = real(*arguments, **more)
            self.reach()
            return result

        return call


turns = st.tuples(
    st.sampled_from(["send", "send", "send", "pull", "late", "stop"]),
    st.integers(0, 40),
    st.lists(st.sampled_from(["ok", "ok", "omit", *FAILURES]), max_size=4),
    st.lists(st.sampled_from(["", "", "cut after", "cut before", "unsent", "denied", "unreadable"]), max_size=4),
)


class Life:
    """One account, one ledger, and the processes that work on them one after the other."""

    def __init__(self, folder: Path, messenger: FakeMessenger) -> None:
        self.path = folder / "l.db"
        self.clock = Clock()
        self.messenger = messenger
        self.messenger.no = frozenset({REFUSED})

    def turn(self, what: str, at: int, fates: list[str], troubles: list[str]) -> None:
        """Let one process run, to its end or to its death."""
        self.clock.move(minutes=5)
        self.messenger.fates.clear()
        self.messenger.troubles.clear()
        if what == "late":
            self.messenger.commit_late()
            return
        self.messenger.fates.extend(fates)
        self.messenger.troubles.extend(troubles)
        with closing(SqliteLedger(self.path, environment="test")) as ledger, suppress(Killed, OmnictlError):
            self._work(what, MortalLedger(ledger, at))

    def _work(self, what: str, mortal: Any) -> None:
        post, _ = make_post(mortal, self.messenger, self.clock)
        self.messenger.before_each = mortal.reach
        if what == "pull":
            pull(post, ReportQuery(limit=3))
            return
        if what == "stop":
            post.stop.request("SIGTERM")
        begun = mortal.get_run(RUN.id)
        report = send(post, self.errand(begun))
        assert report.accepted + report.refused + report.unknown + report.not_tried == len(PEOPLE)

    def errand(self, begun: Run | None, **more: Any) -> Errand:
        """Return the errand, new or resumed; somebody is named twice."""
        rows = [*PEOPLE, *PEOPLE[:2]]
        message = Message({"SMS": {"text": "Hello"}})
        return Errand(begun or RUN, VIA, message, rows, len(PEOPLE), 3, is_new=begun is None, **more)


@settings(max_examples=120)
@given(st.lists(turns, max_size=8), st.booleans(), st.booleans())
def test_whatever_happens_nobody_has_two_and_no_report_is_lost_unnoticed(
    lives: list[tuple[str, int, list[str], list[str]]],
    foreign_ids: bool,
    repeats: bool,
) -> None:
    with TemporaryDirectory() as folder:
        life = Life(Path(folder), FakeMessenger(foreign_ids=foreign_ids, repeats=repeats))
        stranger = make_row("their-1", "41790009999", NOW)
        life.messenger.unread.append(stranger)
        life.messenger.log.append(replace(stranger, error=None))
        for each in lives:
            life.turn(*each)
            check_meanwhile(life)
        life.turn("late", 0, [], [])
        for _ in range(3):
            life.turn("send", 0, [], [])
        check_accepted(life)
        life.turn("pull", 0, [], [])
        check_end(life)


def check_meanwhile(life: Life) -> None:
    """What was taken stands in the ledger, and a report that was handed out is there, or a gap is open."""
    messenger = life.messenger
    taken = Counter(each.recipient.phone for _, each in messenger.taken)
    assert max(taken.values(), default=0) <= 1, "two messages"
    with closing(SqliteLedger(life.path, environment="test")) as ledger:
        known = {each.message_id: each.fate for each in ledger.list_messages(MessageFilter())}
        for _, each in (*messenger.taken, *messenger.late):
            assert known[each.message_id] in (MessageFate.UNKNOWN, MessageFate.ACCEPTED), "forgotten"
        handed_out = {row.message_id for row in messenger.log} - {row.message_id for row in messenger.unread}
        kept = {each.row.report.message_id for each in ledger.list_reports()}
        assert handed_out <= kept or ledger.list_gaps([GapState.OPEN]), "lost unnoticed"


def check_accepted(life: Life) -> None:
    """What was taken is accepted in the ledger, before any report says so."""
    with closing(SqliteLedger(life.path, environment="test")) as ledger:
        accepted = {each.message_id for each in ledger.list_messages(MessageFilter(fate=MessageFate.ACCEPTED))}
    assert accepted == {each.message_id for _, each in life.messenger.taken}


def check_end(life: Life) -> None:
    """In a kind world everybody has one message or was never reached, and all reports are there."""
    messenger = life.messenger
    with closing(SqliteLedger(life.path, environment="test")) as ledger:
        sent = list(ledger.list_messages(MessageFilter()))
        tried = Counter(each.recipient_hash for each in sent if each.fate is not MessageFate.NOT_TRIED)
        assert sorted(tried.values()) == [1] * len(PEOPLE)
        assert not messenger.unread
        assert {row.message_id for row in messenger.log} <= {
            each.row.report.message_id for each in ledger.list_reports()
        }
        assert not ledger.list_gaps([GapState.OPEN])
        life.messenger.before_each = lambda _: None
        begun = ledger.get_run(RUN.id)
        report = send(make_post(ledger, messenger, life.clock)[0], life.errand(begun, resend_unknown=True))
        assert (report.unknown, report.not_tried, report.is_finished) == (0, 0, True)
        finished = ledger.get_run(RUN.id)
        assert finished is not None
        assert finished.finished_at is not None
        assert life.clock.now - NOW < timedelta(hours=48)
    assert max(Counter(each.recipient.phone for _, each in messenger.taken).values(), default=0) <= 1
