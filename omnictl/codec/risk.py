"""The risk of a plan as a document: whether it is safe, and each reason why it is not."""

from omnictl.codec.diagnostics import decode_source, encode_source
from omnictl.codec.shapes import ShapeError, as_list, as_member, as_object, as_optional_text, as_text, compact
from omnictl.model.plan import Risk, RiskKind, RiskReason
from omnictl.model.scenario import Json


def encode_risk(risk: Risk | None) -> dict[str, Json] | None:
    """Return the risk; None where the plan does not say it."""
    if risk is None:
        return None
    return {"safe": risk.is_safe, "reasons": [_encode_reason(each) for each in risk.reasons]}


def decode_risk(value: Json) -> Risk | None:
    """Return the risk; None where the plan is older than it. ``safe`` follows from the reasons."""
    if value is None:
        return None
    fields = as_object(value, "risk")
    if "reasons" not in fields:  # without them it would read as safe
        raise ShapeError("risk.reasons", "expected a list")
    rows = as_list(fields["reasons"], "risk.reasons")
    return Risk(tuple(_decode_reason(each, f"risk.reasons[{i}]") for i, each in enumerate(rows)))


def _encode_reason(each: RiskReason) -> dict[str, Json]:
    return compact(
        {
            "kind": each.kind.value,
            "code": each.code,
            "subject": each.subject,
            "message": each.message,
            "source": encode_source(each.source),
        }
    )


def _decode_reason(value: Json, path: str) -> RiskReason:
    fields = as_object(value, path)
    return RiskReason(
        as_member(RiskKind, fields.get("kind"), f"{path}.kind"),
        as_text(fields.get("code"), f"{path}.code"),
        as_text(fields.get("message"), f"{path}.message"),
        decode_source(fields.get("source"), f"{path}.source"),
        as_optional_text(fields.get("subject"), f"{path}.subject"),
    )
