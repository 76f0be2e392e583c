"""Which run a send is: never an equal one by accident, never one of something else."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from omnictl.cli.run_choice import Intention, choose_run
from omnictl.errors import RefusalKind, RefusedError, UsageError
from omnictl.ledger.base import Run, RunKind
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import Addressed, Batch, Message, Recipient, Via
from tests.builders import NOW

OLD = Run("old", RunKind.FILE, "s", "m", "r", NOW)
WANTED = replace(OLD, id="new", started_at=NOW + timedelta(hours=1))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "l.db", environment="test")) as opened:
        yield opened


def intend(**more: object) -> Intention:
    given = {"resume": None, "new_run": False, "again": False, **more}
    return Intention(**given, command=lambda *words: " ".join(("send", *words)))  # type: ignore[arg-type]


def refusal(ledger: SqliteLedger, intention: Intention, wanted: Run = WANTED) -> tuple[str, str, tuple[str, ...]]:
    with pytest.raises(RefusedError) as caught:
        choose_run(ledger, wanted, intention)
    assert caught.value.kind is RefusalKind.POLICY
    [found] = caught.value.diagnostics
    return found.code, found.detail, found.commands


def test_the_first_of_its_kind_is_new(ledger: SqliteLedger) -> None:
    for intention in (intend(), intend(again=True), intend(new_run=True)):
        assert choose_run(ledger, WANTED, intention) == (WANTED, True)
    ledger.begin_run(replace(OLD, recipients_digest="another"))
    assert choose_run(ledger, WANTED, intend()) == (WANTED, True)


@pytest.mark.parametrize("kind", RunKind)
def test_an_unfinished_equal_run_is_resumed_or_begun_anew_only_when_one_says_so(
    ledger: SqliteLedger, kind: RunKind
) -> None:
    old, wanted = replace(OLD, kind=kind), replace(WANTED, kind=kind)
    ledger.begin_run(old)
    batch = Batch("B", "K", Message(), (Addressed("M", Recipient("41793026731")),))
    ledger.open_batch("old", Via("vk-sms", "K", "r", ()), batch, NOW)
    for intention in (intend(), intend(again=True)):
        code, detail, commands = refusal(ledger, intention, wanted)
        assert code == "unfinished-run"
        assert "Run old of 2026-" in detail
        assert "0 accepted, 0 refused, 1 unknown" in detail
        assert commands == ("send --resume old", "send --new-run")
    assert choose_run(ledger, wanted, intend(new_run=True)) == (wanted, True)
    assert choose_run(ledger, wanted, intend(resume="old")) == (old, False)


def test_a_finished_file_is_sent_again_only_when_one_says_so_and_people_named_anew_are_meant_anew(
    ledger: SqliteLedger,
) -> None:
    ledger.begin_run(OLD)
    ledger.finish_run("old", NOW + timedelta(minutes=1))
    code, detail, commands = refusal(ledger, intend())
    assert (code, commands) == ("sent-before", ("send --again",))
    assert ", finished 2026-" in detail
    assert choose_run(ledger, WANTED, intend(again=True)) == (WANTED, True)
    assert choose_run(ledger, WANTED, intend(new_run=True)) == (WANTED, True)
    people = replace(WANTED, kind=RunKind.DIRECT)
    assert choose_run(ledger, people, intend()) == (people, True)


@pytest.mark.parametrize(
    ("field", "words"),
    [("scenario", "the scenario"), ("message_digest", "the message"), ("recipients_digest", "the recipients")],
)
def test_a_run_of_something_else_is_not_resumed(ledger: SqliteLedger, field: str, words: str) -> None:
    ledger.begin_run(replace(OLD, **{field: "another"}))
    code, detail, _ = refusal(ledger, intend(resume="old"))
    assert code == "other-run"
    assert f"differs in {words}." in detail


def test_a_run_that_is_not_there_is_wrong_usage_and_the_unfinished_ones_are_named(ledger: SqliteLedger) -> None:
    with pytest.raises(UsageError) as caught:
        choose_run(ledger, WANTED, intend(resume="lost"))
    assert caught.value.diagnostics[0].detail == "The ledger has no run lost. No run is unfinished."
    ledger.begin_run(OLD)
    with pytest.raises(UsageError) as caught:
        choose_run(ledger, WANTED, intend(resume="lost"))
    assert caught.value.diagnostics[0].detail == "The ledger has no run lost. Unfinished are old."


def test_a_run_is_still_known_once_its_recipients_were_purged(ledger: SqliteLedger) -> None:
    ledger.begin_run(OLD)
    ledger.finish_run("old", NOW)
    ledger.purge(NOW + timedelta(days=1))
    code, _, _ = refusal(ledger, intend())
    assert code == "sent-before"
    resumed, is_new = choose_run(ledger, WANTED, intend(resume="old"))
    assert (resumed.id, is_new) == ("old", False)
