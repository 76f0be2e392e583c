"""Pushes into a real ledger: durable before they are acknowledged, once however often they come, nothing lost."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from omnictl.errors import LedgerError
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.listener.app import Listener
from omnictl.model.message import Recipient
from omnictl.model.outcome import PushKept
from omnictl.model.story import StoryOutcome
from omnictl.operations.receiving import Arrival, Receiver, iterate_arrived
from omnictl.provider.message_wire import read_push
from tests.builders import NOW
from tests.unit.ledger.rows import VIA, batch_of, run_of
from tests.unit.listener.pushing import INBOUND, ROW, SEEN, body_of

BODY = body_of(ROW)


class Post:
    """A ledger, a receiver, and what arrived."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = SqliteLedger(path, environment="test", busy_seconds=0.1)
        self.arrivals: list[Arrival] = []
        self.receiver = Receiver(self.ledger, read_push, clock=lambda: NOW, on_arrival=self.arrivals.append)

    def receive(self, body: bytes) -> PushKept:
        assert self.receiver.receive(body) == ""
        return self.arrivals[-1].kept

    def outcomes(self, arrival: Arrival) -> list[tuple[str, StoryOutcome, bool]]:
        return [(each.message_id, each.outcome, each.seen) for each in iterate_arrived(self.ledger, arrival)]

    def replies(self) -> list[bytes]:
        with sqlite3.connect(self.path) as other:
            found = [row[0] for row in other.execute("SELECT body FROM replies ORDER BY rowid")]
        other.close()
        return found


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path / "ledger.db")
    yield made
    made.ledger.close()


def test_a_push_is_kept_once_however_often_it_comes(post: Post) -> None:
    assert [post.receive(BODY).new for _ in range(3)] == [1, 0, 0]
    assert [post.outcomes(each) for each in post.arrivals] == [[("M-1", StoryOutcome.DELIVERED, False)], [], []]
    assert post.replies() == [BODY]


def test_reports_join_the_message_that_was_sent_and_seen_ones_tell_it_again(post: Post) -> None:
    batch = batch_of("B-9", [Recipient(phone="41793026731")])
    post.ledger.begin_run(run_of())
    post.ledger.open_batch("run-1", VIA, batch, NOW)
    row = {**ROW, "messageId": "B-9-1"}
    post.receive(
        body_of({**row, "channel": "VKONTAKTE", "status": {"groupName": "EXPIRED", "name": "EXPIRED_EXPIRED"}})
    )
    post.receive(body_of(row))
    assert post.receive(body_of({**SEEN, "messageId": "B-9-1"})) == PushKept(seen=1, new=1)
    assert [post.outcomes(each) for each in post.arrivals] == [
        [("B-9-1", StoryOutcome.DELIVERED, True)],
        [("B-9-1", StoryOutcome.DELIVERED, True)],
        [("B-9-1", StoryOutcome.DELIVERED, True)],
    ], "each story is told as it stands when it is told"
    post.receive(body_of({**SEEN, "messageId": "B-9-1"}))
    assert post.outcomes(post.arrivals[-1]) == [], "the second time nothing has changed"


def test_an_arrival_tells_its_own_reports_and_not_those_of_the_next(post: Post) -> None:
    for number in range(3):
        post.receive(body_of({**ROW, "messageId": f"M-{number}"}, {**ROW, "messageId": f"N-{number}"}))
    told = [[message for message, _, _ in post.outcomes(each)] for each in post.arrivals]
    assert told == [["M-0", "N-0"], ["M-1", "N-1"], ["M-2", "N-2"]]


def test_rows_of_all_kinds_in_one_push(post: Post) -> None:
    assert post.receive(body_of(INBOUND, ROW, SEEN, 7)) == PushKept(1, 1, 2, 1, 1)


def test_what_recipients_write_is_counted_and_not_kept(post: Post) -> None:
    assert post.receive(body_of(INBOUND)) == PushKept(inbound=1)
    assert post.replies() == []


def test_the_bytes_of_rows_that_cannot_be_read_are_kept(post: Post) -> None:
    bodies = [body_of({"to": "41"}), body_of(ROW), body_of(ROW, "new kind of row")]
    assert [post.receive(each).unreadable for each in bodies] == [1, 0, 1]
    assert post.replies() == bodies


def test_an_empty_push_leaves_nothing(post: Post) -> None:
    assert post.receive(body_of()) == PushKept()
    assert post.replies() == []


@pytest.mark.parametrize(("body", "why"), [(b"{", "it has no list of results"), (b" ", "it is empty")])
def test_what_is_no_push_leaves_nothing(post: Post, body: bytes, why: str) -> None:
    assert post.receiver.receive(body) == why
    assert (post.arrivals, post.replies()) == ([], [])


def test_a_locked_ledger_is_an_error_and_the_next_time_it_is_kept(post: Post) -> None:
    other = sqlite3.connect(post.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError):
        post.receiver.receive(BODY)
    other.execute("ROLLBACK")
    other.close()
    assert post.arrivals == []
    assert post.receive(BODY).new == 1


def test_a_push_that_was_kept_by_half_comes_again_and_is_whole(post: Post) -> None:
    body = body_of(ROW, SEEN)
    with patch.object(SqliteLedger, "add_seen", side_effect=LedgerError()), pytest.raises(LedgerError):
        post.receiver.receive(body)
    assert post.receive(body) == PushKept(1, 1, 1)
    assert [(each.row.report.message_id, each.row.report.to) for each in post.ledger.list_reports()] == [
        ("M-1", "41793026731")
    ]


def test_pushes_that_come_at_once_are_each_kept_once_and_told_by_the_one_that_brought_it(post: Post) -> None:
    bodies = [body_of({**ROW, "messageId": f"M-{number % 10}"}, ROW) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(post.receiver.receive, bodies)) == {""}
    assert sum(each.kept.new for each in post.arrivals) == len(list(post.ledger.list_reports())) == 10
    told = [message for each in post.arrivals for message, _, _ in post.outcomes(each)]
    assert sorted(told) == [f"M-{number}" for number in range(10)]


# --- hostile bodies ------------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8)
names = st.sampled_from(
    ["messageId", "to", "status", "seenAt", "sentAt", "doneAt", "price", "channel", "bulkId", "callbackData",
     "integrationType", "message", "error", "mccMnc", "groupName", "pricePerMessage", "name", "id"]
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=12
)
pushes = st.lists(values | st.dictionaries(names, values, max_size=6), max_size=4).map(
    lambda rows: json.dumps({"results": rows}).encode()
)
bodies = st.binary(max_size=200) | values.map(lambda each: json.dumps(each).encode()) | pushes


@settings(max_examples=50)
@given(bodies=st.lists(bodies, min_size=1, max_size=3))
def test_whatever_is_pushed_is_kept_once_or_refused(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]
) -> None:
    post = Post(tmp_path_factory.mktemp("hostile") / "ledger.db")
    failed: list[Exception] = []
    refused: list[str] = []
    app = Listener(
        post.receiver.receive,
        path="/",
        secret=None,
        on_refused=lambda each: refused.append(each.why),
        on_failed=failed.append,
    )
    client = Client(app)
    first = [client.post("/", data=each, content_type="application/json").status_code for each in bodies]
    assert failed == []
    assert set(first) <= {200, 400}
    assert set(refused) <= {
        "The body is no push: it has no list of results.",
        "The body is no push: it is empty.",
        "The push has no body.",
    }
    before = list(post.ledger.list_reports())
    for arrival in post.arrivals:
        assert len(list(iterate_arrived(post.ledger, arrival))) <= arrival.kept.reports + arrival.kept.seen
    assert [client.post("/", data=each, content_type="application/json").status_code for each in bodies] == first
    assert list(post.ledger.list_reports()) == before
    assert sum(each.kept.new for each in post.arrivals[len(post.arrivals) // 2 :]) == 0
    post.ledger.close()
