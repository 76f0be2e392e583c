"""What became of a sending: how many messages had which fate, and why it ended."""

from datetime import datetime

from msgspec import Struct

from omnictl.model.diagnostic import Diagnostic
from omnictl.model.message import MessageFate
from omnictl.model.outcome import Ending


class SendReport(Struct, frozen=True):
    """The result of a sending. Counts are of the whole run, those of earlier processes too.

    ``unrepeatable`` of the unknown ones were purged: nobody knows any more to whom they went. ``requests_sent`` are
    those of this process that may have been taken; ``denied`` where the credentials were refused.
    """

    run: str
    scenario: str
    environment: str
    ending: Ending
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    unrepeatable: int = 0
    not_tried: int = 0
    duplicates: int = 0
    bad_rows: int = 0
    requests_sent: int = 0
    denied: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stop_reason: str = ""
    signal: int | None = None
    sandbox: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left that ``--resume`` would go on with."""
        return not (self.unknown or self.not_tried)

    def count(self, fate: MessageFate) -> int:
        """Return how many messages had this fate."""
        counts = {
            MessageFate.ACCEPTED: self.accepted,
            MessageFate.REFUSED: self.refused,
            MessageFate.UNKNOWN: self.unknown,
            MessageFate.NOT_TRIED: self.not_tried,
        }
        return counts[fate]
