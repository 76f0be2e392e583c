"""What is seen of pushes that came while the main thread did something else."""

from pathlib import Path

import pytest

from omnictl.cli.context import Session
from omnictl.cli.globals import GlobalOptions
from omnictl.cli.push_output import PushOutput
from omnictl.cli.seldom import Seldom
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.listener.refusal import Refusal
from omnictl.operations.receiving import Receiver
from omnictl.provider.message_wire import read_push
from tests.builders import NOW
from tests.unit.listener.pushing import ROW, SEEN, body_of


def test_what_is_left_at_the_end_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(GlobalOptions(quiet=False), {})
    ledger = SqliteLedger(project / "ledger.db", environment="test")
    output = PushOutput(session, ledger, output_format="text", unmask=False, seldom=Seldom(now=lambda: NOW))
    receiver = Receiver(ledger, read_push, clock=lambda: NOW, on_arrival=output.take)
    for body in (body_of(ROW), body_of(SEEN)):
        assert receiver.receive(body) == ""
    output.take_refusal(Refusal(404, "Pushes go to another path."))
    assert output.tell_next(0.01)
    for _ in range(2):
        output.take_refusal(Refusal(404, "Pushes go to another path."))
    assert output.tell_rest() == 1
    assert output.tell_rest() == 0
    ledger.close()
    out, err = capsys.readouterr()
    assert out == "2026-11-25 10:00:00Z  M-1  41*******31  -  delivered, seen  SMS + DELIVERED 1.0 s\n"
    assert err.count("warning[push-refused]") == 2
    assert f"Pushes go to another path. 2 times since {NOW:%H:%M:%SZ}." in err
    assert [line[10:] for line in err.splitlines() if "push  " in line] == [
        "push     1 report, 1 new",
        "push     1 seen report, 1 new",
    ]
