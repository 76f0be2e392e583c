"""What a pull of reports brought, and what became of gaps."""

from datetime import datetime

from msgspec import Struct

from omnictl.model.diagnostic import Diagnostic
from omnictl.model.report import Gap


class PullReport(Struct, frozen=True):
    """What a pull brought: rows taken, rows that were new, rows that could not be read, and what became of gaps.

    ``fillable_at`` is when the service surely has ended its work on those that are still open (UTC).
    """

    rows: int = 0
    new: int = 0
    unreadable: int = 0
    requests: int = 0
    filled: tuple[Gap, ...] = ()
    filled_rows: int = 0
    still_open: tuple[Gap, ...] = ()
    fillable_at: datetime | None = None
    permanent: tuple[Gap, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    stop_reason: str = ""

    @property
    def may_have_lost(self) -> bool:
        """Whether reports may have been handed out that are neither here nor in the logs."""
        return bool(self.still_open or self.permanent)
