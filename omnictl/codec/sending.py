"""The report of a sending as JSON, with a receipt for each message where they are few."""

from collections.abc import Iterable, Mapping

from omnictl.codec.deliveries import encode_optional_status
from omnictl.codec.envelope import make_envelope
from omnictl.codec.messages import encode_recipient
from omnictl.codec.parts import encode_flow
from omnictl.codec.shapes import compact, write_time
from omnictl.codec.stories import encode_story
from omnictl.model.masking import mask_recipient
from omnictl.model.message import Sent, Via
from omnictl.model.scenario import Json
from omnictl.model.sending import SendReport
from omnictl.model.story import Story

MOST_ITEMS = 10_000
"""How many receipts a report has, those first that were not accepted; of more, the ledger has all."""


def encode_send_report(
    report: SendReport,
    via: Via,
    receipts: Iterable[Sent],
    *,
    version: str,
    exit_code: int,
    stories: Iterable[Story] | None = None,
    unmask: bool = False,
) -> dict[str, Json]:
    """Return the report; addresses are masked unless ``unmask`` is set. ``stories`` are those of ``--wait``."""
    items: list[Json] = [_encode_receipt(each, unmask=unmask) for each in receipts]
    left_out = max(0, report.accepted + report.refused + report.unknown - len(items))
    told: dict[str, Json] = {"items_left_out": left_out} if left_out else {}
    told |= {} if stories is None else {"stories": [encode_story(each, unmask=unmask) for each in stories]}
    fields: Mapping[str, Json] = compact(
        {
            "stop_reason": report.stop_reason or None,
            "started_at": write_time(report.started_at) if report.started_at else None,
            "finished_at": write_time(report.finished_at) if report.finished_at else None,
        }
    )
    return make_envelope(
        "send",
        version=version,
        environment=report.environment,
        sandbox=report.sandbox,
        exit_code=exit_code,
        diagnostics=report.diagnostics,
        run=report.run,
        scenario={"id": via.scenario, "key": via.key, "revision": via.revision, "flow": encode_flow(via.flow)},
        ending=report.ending.value,
        accepted=report.accepted,
        refused=report.refused,
        unknown=report.unknown,
        not_tried=report.not_tried,
        duplicates=report.duplicates,
        bad_rows=report.bad_rows,
        requests_sent=report.requests_sent,
        **fields,
        items=items,
        **told,
    )


def _encode_receipt(sent: Sent, *, unmask: bool) -> Json:
    recipient = sent.recipient if unmask or sent.recipient is None else mask_recipient(sent.recipient)
    return {
        "message_id": sent.message_id,
        "bulk_id": sent.bulk_id,
        "to": None if recipient is None else encode_recipient(recipient),
        "fate": sent.fate.value,
        "status": encode_optional_status(sent.status),
    }
