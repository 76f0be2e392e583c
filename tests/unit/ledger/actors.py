"""What a process of its own does with a ledger: ``python -m tests.unit.ledger.actors ACTION PATH [WORD…]``.

Each line that it prints says what it relies on from then on; whoever kills it holds the ledger to those lines.
"""

import os
import signal
import sys
import time
from itertools import count
from pathlib import Path

from omnictl.errors import LedgerError
from omnictl.ledger.sqlite import SqliteLedger
from omnictl.model.message import MessageFate, Receipt
from omnictl.model.report import ReportQuery
from tests.builders import NOW
from tests.unit.ledger.rows import VIA, batch_of, phone, row, run_of

PEOPLE = 4000


def send(path: Path, run: str) -> None:
    """Send to everybody who is new in the run, and pull a report of each request, until somebody kills this."""
    ledger = SqliteLedger(path, environment="production")
    ledger.begin_run(run_of(run))
    with ledger.holding_run(run):
        for start in range(0, PEOPLE, 4):
            people = ledger.select_new(run, [phone(number) for number in range(start, start + 4)])
            if not people:
                continue
            batch = batch_of(f"{run}-{os.getpid()}-{start}", people)
            ids = [each.message_id for each in batch.messages]
            ledger.open_batch(run, VIA, batch, NOW)
            print("sent", *ids, flush=True)
            ledger.add_receipts([Receipt(each, MessageFate.ACCEPTED) for each in ids[1:]], NOW)
            print("accepted", *ids[1:], flush=True)
            gap = ledger.open_gap(ReportQuery(), NOW)
            print("asked", gap.id, flush=True)
            ledger.close_gap(gap.id, ids[0].encode(), [row(ids[0])], NOW)
            print("reported", ids[0], flush=True)


def fill(path: Path, limit: str) -> None:
    """Send until the disk is full, or a file may not grow above ``limit`` bytes; say what was said then."""
    import resource  # late: Windows has none

    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
    try:
        ledger = SqliteLedger(path, environment="production")
        ledger.begin_run(run_of())
        for number in count():
            ledger.open_batch("run-1", VIA, batch_of(f"B-{number}", [phone(100 * number + i) for i in range(99)]), NOW)
            print("sent", f"B-{number}", flush=True)
    except LedgerError as error:
        print(error.diagnostics[0].code, flush=True)
        print(error.diagnostics[0].detail, flush=True)
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def look(path: Path, _: str) -> None:
    """Open a ledger and read it; say what was said."""
    try:
        ledger = SqliteLedger(path, environment="production")
        print(len(ledger.list_runs()), flush=True)
        ledger.begin_run(run_of("run-9"))
    except LedgerError as error:
        print(error.diagnostics[0].code, flush=True)


def make(path: Path, when: str) -> None:
    """Make, or upgrade, a ledger and die at the Nth call to the disk."""
    left = int(when)

    def dying(name: str) -> None:
        original = getattr(os, name)

        def call(*given: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)
            return original(*given, **more)

        setattr(os, name, call)

    for each in ("open", "fsync", "replace", "unlink", "mkdir", "rename"):
        dying(each)
    SqliteLedger(path, environment="production")
    print("made", flush=True)


if __name__ == "__main__":
    {"send": send, "fill": fill, "look": look, "make": make}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
