"""Taking reports, which are handed out once: a gap in the ledger before each request, filled from logs if it stays."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from omnictl.errors import LedgerError, OmnictlError, OutcomeUnknownError
from omnictl.ledger.base import MessageFilter
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import ReportsTaken
from omnictl.model.pulling import PullReport
from omnictl.model.report import KEPT_BY_API, Gap, GapState, LogQuery, ReportQuery
from omnictl.operations.looking import IDS_IN_QUERY, Post, chunks, keep_rows
from omnictl.provider.messenger import Page

_LATE = timedelta(hours=1)
"""A gap that is filled later than so is out of the logs' reach in a part that is worth telling."""

_NARROWEST = timedelta(milliseconds=1)
"""The API's times have no more digits."""

_MOST_LOG_ROWS = 1000


def pull(post: Post, query: ReportQuery) -> PullReport:
    """Fill what earlier pulls left open, then take reports until there are no more, then fill what that left open.

    Never raises once reports may have been handed out; what was taken is in the ledger when it returns. Raises
    LedgerHeldError where another process takes reports for this ledger.
    """
    with post.ledger.holding_pull():
        return _pull(post, query)


def _pull(post: Post, query: ReportQuery) -> PullReport:
    report = fill_gaps(post, PullReport())
    report, lost = _take(post, query, report)
    if lost is None:
        return report
    report = fill_gaps(post, report, lost)
    is_open = any(each.id == lost.gap.id for each in report.still_open)
    return replace(report, diagnostics=(*report.diagnostics, _reply_lost(lost, is_open=is_open)))


class _Lost(Struct, frozen=True):
    """A pull of this process whose reply was lost at a time (UTC)."""

    gap: Gap
    at: datetime
    error: OutcomeUnknownError


def _take(post: Post, query: ReportQuery, report: PullReport) -> tuple[PullReport, _Lost | None]:
    """Take reports, page by page; return what came, and the pull whose reply was lost, if one was."""
    while not post.stop.is_set:
        gap = post.ledger.open_gap(query, post.clock())
        try:
            page = post.messenger.take_reports(query)
        except OutcomeUnknownError as error:
            return report, _Lost(gap, post.clock(), error)
        except OmnictlError as error:
            post.ledger.close_gap(gap.id, b"", (), post.clock())  # surely none were handed out
            if not report.requests:
                raise
            return _add(report, error), None
        try:
            new = post.ledger.close_gap(gap.id, page.body, page.rows, post.clock())
        except LedgerError as error:
            kept_open = (*report.still_open, gap)
            return _add(replace(report, requests=report.requests + 1, still_open=kept_open), error), None
        report = _count(report, page, new)
        post.observe(ReportsTaken(report.rows, report.new))
        if not page.is_full:
            return report, None
    return replace(report, stop_reason=post.stop.reason), None


def _count(report: PullReport, page: Page, new: int) -> PullReport:
    return replace(
        report,
        rows=report.rows + len(page.rows),
        new=report.new + new,
        unreadable=report.unreadable + page.unreadable,
        requests=report.requests + 1,
    )


def _add(report: PullReport, error: OmnictlError) -> PullReport:
    return _note(report, error.diagnostics)


def _note(report: PullReport, found: Iterable[Diagnostic]) -> PullReport:
    """Add diagnostics, each once: what troubles one filling troubles the next as well."""
    return replace(
        report, diagnostics=(*report.diagnostics, *(each for each in found if each not in report.diagnostics))
    )


# --- gaps ------------------------------------------------------------------------------------------------------


def fill_gaps(post: Post, report: PullReport, lost: _Lost | None = None) -> PullReport:
    """Fill all open gaps from the logs; one that is too old for them is permanent, what cannot be read stays open.

    A gap stays open, too, while the service may still work on its request: what it hands out then is not in the logs
    that were read before.
    """
    now = post.clock()
    gaps = post.ledger.list_gaps([GapState.OPEN])
    late = tuple(each for each in gaps if each.as_of(now).state is GapState.PERMANENT)
    for each in late:
        post.ledger.settle_gap(each.id, GapState.PERMANENT, now)
    gaps = tuple(each for each in gaps if each not in late)
    report = replace(report, permanent=(*report.permanent, *late), still_open=gaps)
    if not gaps or post.stop.is_set:
        return report
    try:
        new, complete = _Filling(post, gaps).run()
    except LedgerError:
        raise
    except OmnictlError as error:
        return _add(report, error)
    report = replace(report, filled_rows=report.filled_rows + new)
    if not complete:
        return _note(report, [_too_many_rows()])
    filled = tuple(each for each in gaps if now >= _settles_at(post, each, lost))
    for each in filled:
        post.ledger.settle_gap(each.id, GapState.FILLED, post.clock())
    still_open = tuple(each for each in gaps if each not in filled)
    fillable_at = max((_settles_at(post, each, lost) for each in still_open), default=None)
    report = replace(report, filled=(*report.filled, *filled), still_open=still_open, fillable_at=fillable_at)
    late_by = max((now - each.opened_at for each in filled), default=timedelta())
    return report if late_by < _LATE else _note(report, [_filled_late(late_by, now)])


def _settles_at(post: Post, gap: Gap, lost: _Lost | None) -> datetime:
    """Return when the service surely has ended its work on a pull: logs that were read before may lack its reports."""
    settle = timedelta(seconds=post.messenger.settle_seconds)
    if lost is not None and gap.id == lost.gap.id:
        return lost.at + settle
    return gap.opened_at + timedelta(seconds=post.messenger.request_timeout_seconds) + settle


class _Filling:
    """Reads all logs that open gaps may need: windows of time, each halved until it has fewer rows than its limit."""

    def __init__(self, post: Post, gaps: tuple[Gap, ...]) -> None:
        self._post = post
        self._new = 0
        self._too_full: list[tuple[datetime, datetime]] = []
        self._begin = min(each.opened_at for each in gaps) - KEPT_BY_API

    def run(self) -> tuple[int, bool]:
        """Return how many rows were new, and whether every window was read to its end."""
        self._read(self._begin, None)
        self._read_by_ids()
        return self._new, not self._too_full

    def _read(self, since: datetime, until: datetime | None) -> None:
        """Read one window; the last one is open, for the clock of the service may be ahead of ours."""
        page = self._keep(LogQuery(sent_since=since, sent_until=until, limit=_MOST_LOG_ROWS))
        if not page.is_full:
            return
        end = until or _end_of(page, max(self._post.clock(), since))
        if end - since <= _NARROWEST or not _keeps_to(page, since, until):
            self._too_full.append((since, end))
            return
        middle = since + (end - since) / 2
        self._read(since, middle)
        self._read(middle, until)

    def _read_by_ids(self) -> None:
        """Of windows that no reply holds ours are asked for by their ids, and those of others cannot be."""
        if not self._too_full:
            return
        # A step is sent later than its message was, by as long as the steps before it may try.
        since, until = min(each for each, _ in self._too_full), max(each for _, each in self._too_full)
        ours = self._post.ledger.list_messages(MessageFilter(since=since - KEPT_BY_API, until=until + _NARROWEST))
        for ids in chunks((each.message_id for each in ours), IDS_IN_QUERY):
            self._keep(LogQuery(message_ids=ids))

    def _keep(self, query: LogQuery) -> Page:
        page = self._post.messenger.read_logs(query)
        self._new += keep_rows(self._post, page)
        return page


def _end_of(page: Page, now: datetime) -> datetime:
    """Return a time behind all rows of a page: those of scheduled messages may lie far ahead."""
    return max(now, *(each.report.sent_at or now for each in page.rows)) + _NARROWEST


def _keeps_to(page: Page, since: datetime, until: datetime | None) -> bool:
    """Tell whether the service looks as closely as it was asked to: else narrower windows show the same rows again."""
    edges = (since - _NARROWEST, until and until + _NARROWEST)
    times = [each.report.sent_at for each in page.rows if each.report.sent_at is not None]
    return all(edges[0] < each and (edges[1] is None or each < edges[1]) for each in times)


def _reply_lost(lost: _Lost, *, is_open: bool) -> Diagnostic:
    why = lost.error.diagnostics[0].detail.partition("\n")[0] if lost.error.diagnostics else ""
    rows = f"Up to {lost.gap.query.limit} reports may have been handed out to nobody"
    if not is_open:
        return Diagnostic(
            "report-reply-lost",
            Severity.WARNING,
            "The reply to a pull was lost, and was filled from the logs",
            f"{why}\n{rows}. The logs have them, but for the errors of failed steps.",
        )
    return Diagnostic(
        "report-reply-lost",
        Severity.ERROR,
        "The reply to a pull was lost",
        f"{why}\n{rows}. The gap is written down; the logs, which go back 48 hours, fill it.",
        hint="run the same command again in a few minutes",
    )


def _filled_late(by: timedelta, now: datetime) -> Diagnostic:
    hours = math.ceil(by.total_seconds() / 3600.0)
    return Diagnostic(
        "gap-filled-late",
        Severity.WARNING,
        "A gap was filled late, and a part of it is out of the reach of the logs",
        f"It is up to {hours} hours old, and the logs go back 48 hours from now. Reports of messages that were sent "
        f"before {now - KEPT_BY_API:%Y-%m-%d %H:%MZ} cannot be found any more, if the lost reply had any.",
        hint="fill gaps soon: run reports pull within the hour after a reply was lost",
    )


def _too_many_rows() -> Diagnostic:
    return Diagnostic(
        "logs-too-full",
        Severity.WARNING,
        "A moment of the logs has more rows than one reply holds",
        f"The API returns at most {_MOST_LOG_ROWS} rows, and its logs know no pages. The reports of omnictl's own "
        "messages were asked for by their ids; those of other senders in that moment may be missing.",
        hint="the gap stays open; reports pull tries again",
    )


CODES = {
    "report-reply-lost": "Reports are handed out once, and the reply that carried some did not arrive. The pull was "
    "written down as a gap before its request; it is filled from the logs, which have no errors of steps. After 48 "
    "hours a gap is permanent.",
    "gap-filled-late": "A gap was filled from the logs more than an hour after its reply was lost. A report may be of "
    "a message that was sent 48 hours before; the logs reach back 48 hours from the filling, so the oldest of them may "
    "be missing.",
    "logs-too-full": "A gap is filled from logs by windows of time, each halved until it returns fewer rows than its "
    "limit. The narrowest window that the service looks at was still full. Messages of omnictl were asked for by their "
    "ids.",
}
