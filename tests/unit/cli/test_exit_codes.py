"""The table of exit codes: frozen, and every way to end is in it."""

import pytest

from omnictl.cli.apply_output import code_of_report
from omnictl.cli.exit_codes import MEANINGS, ExitCode, code_of, strongest
from omnictl.errors import (
    AccessError,
    ConfigurationError,
    LedgerError,
    LedgerHeldError,
    LockHeldError,
    OmnictlError,
    OutcomeUnknownError,
    ReadingError,
    RefusalKind,
    RefusedError,
    RemoteError,
    StateError,
    StateWriteError,
    StoppedError,
    UnsentError,
    UsageError,
)
from omnictl.model.address import make_address
from omnictl.model.change import Action
from omnictl.model.outcome import ApplyReport, Ending, Fate, Outcome

FROZEN = {0, 1, 2, 3, 4, 5, 6, 64, 70, 129, 130, 141, 143}


def test_the_table_is_frozen() -> None:
    assert {int(code) for code in ExitCode} == FROZEN
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError(), 64),
        (AccessError(), 5),
        (RefusedError(RefusalKind.GUARD), 3),
        (LockHeldError(), 6),
        (LedgerHeldError(), 6),
        (LedgerError(), 1),
        (StoppedError(), 6),
        (OutcomeUnknownError(), 4),
        (ConfigurationError(), 1),
        (StateError(), 1),
        (StateWriteError(), 1),
        (RemoteError(), 1),
        (UnsentError(), 1),
        (ReadingError(), 1),
    ],
)
def test_every_error_has_its_code(error: OmnictlError, code: int) -> None:
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("codes", "winner"),
    [
        ((), 0),
        ((ExitCode.DIFFERENCE, ExitCode.FAILED), 1),
        ((ExitCode.FAILED, ExitCode.REFUSED), 3),
        ((ExitCode.REFUSED, ExitCode.NO_ACCESS), 5),
        ((ExitCode.NO_ACCESS, ExitCode.STOPPED), 6),
        ((ExitCode.STOPPED, ExitCode.PARTIAL), 4),
        ((ExitCode.PARTIAL, ExitCode.INTERRUPTED), 130),
        ((ExitCode.INTERRUPTED, ExitCode.BUG), 70),
    ],
)
def test_the_strongest_wins(codes: tuple[ExitCode, ...], winner: int) -> None:
    assert strongest(codes) == winner


@pytest.mark.parametrize("code", [each for each in ExitCode if each])
def test_no_code_is_lost_where_several_apply(code: ExitCode) -> None:
    assert strongest((ExitCode.OK, code)) is code


def report(*fates: Fate, ending: Ending = Ending.FINISHED, writes: int = 1, signal: int | None = None) -> ApplyReport:
    outcomes = tuple(Outcome(make_address(f"s{i}"), Action.CREATE, fate) for i, fate in enumerate(fates))
    return ApplyReport("plan", "test", ending, outcomes, writes_sent=writes, signal=signal)


@pytest.mark.parametrize(
    ("finished", "code"),
    [
        (report(Fate.DONE), 0),
        (report(ending=Ending.ALREADY_APPLIED), 0),
        (report(Fate.DONE, Fate.FAILED), 4),
        (report(Fate.FAILED, writes=0), 1),
        (report(Fate.UNKNOWN), 4),
        (report(Fate.DONE, Fate.NOT_TRIED, ending=Ending.STOPPED), 6),
        (report(Fate.FAILED, Fate.NOT_TRIED, ending=Ending.STOPPED), 4),
        (report(Fate.DONE, Fate.NOT_TRIED, ending=Ending.INTERRUPTED, signal=2), 130),
        (report(Fate.DONE, Fate.NOT_TRIED, ending=Ending.INTERRUPTED, signal=15), 143),
    ],
)
def test_a_report_has_its_code(finished: ApplyReport, code: int) -> None:
    assert code_of_report(finished) == code
