"""What a pull brought, and rows of the logs, as JSON; addresses and texts are masked unless they are asked for."""

from collections.abc import Iterable

from omnictl.codec.deliveries import encode_gaps, encode_report
from omnictl.codec.envelope import make_envelope
from omnictl.codec.stories import encode_story
from omnictl.model.masking import mask_address, mask_text
from omnictl.model.pulling import PullReport
from omnictl.model.report import Report
from omnictl.model.scenario import Json
from omnictl.model.story import Story


def encode_pull(
    report: PullReport,
    stories: Iterable[Story],
    *,
    version: str,
    environment: str,
    sandbox: bool,
    exit_code: int,
    unmask: bool,
) -> dict[str, Json]:
    """Return what a pull brought: counts, gaps, and the stories that it changed."""
    items: list[Json] = [encode_story(each, unmask=unmask) for each in stories]
    return make_envelope(
        "reports-pull",
        version=version,
        environment=environment,
        sandbox=sandbox,
        exit_code=exit_code,
        diagnostics=report.diagnostics,
        reports=report.rows,
        new=report.new,
        unreadable=report.unreadable,
        filled_rows=report.filled_rows,
        gaps={
            "filled": encode_gaps(report.filled),
            "open": encode_gaps(report.still_open),
            "permanent": encode_gaps(report.permanent),
        },
        items=items,
    )


def encode_log_rows(
    rows: Iterable[Report],
    *,
    unreadable: int,
    is_full: bool,
    version: str,
    environment: str,
    sandbox: bool,
    unmask: bool,
) -> dict[str, Json]:
    """Return rows of the logs, the newest first."""
    items: list[Json] = [_encode_row(each, unmask=unmask) for each in rows]
    return make_envelope(
        "reports-log",
        version=version,
        environment=environment,
        sandbox=sandbox,
        exit_code=0,
        diagnostics=(),
        unreadable=unreadable,
        may_have_more=is_full,
        items=items,
    )


def _encode_row(report: Report, *, unmask: bool) -> Json:
    row = encode_report(report)
    if unmask:
        return row
    masked: dict[str, Json] = {
        name: mask_text(value)
        for name, value in (("text", report.text), ("callback_data", report.callback_data))
        if value is not None
    }
    return {**row, **masked, "to": mask_address(report.to)}
