"""Stories as JSON: one object a message, in the document of ``reports list`` or one a line."""

from collections.abc import Iterable, Iterator

from omnictl.codec.deliveries import encode_error, encode_optional_status
from omnictl.codec.envelope import make_envelope
from omnictl.codec.shapes import write_json, write_money, write_optional_time
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.masking import mask_address, mask_recipient, mask_text
from omnictl.model.scenario import Json
from omnictl.model.story import StepStory, Story


def encode_stories(
    stories: Iterable[Story],
    *,
    version: str,
    environment: str | None,
    sandbox: bool,
    exit_code: int = 0,
    diagnostics: Iterable[Diagnostic] = (),
    unmask: bool = False,
) -> dict[str, Json]:
    """Return stories as the one document of a run."""
    items: list[Json] = [encode_story(each, unmask=unmask) for each in stories]
    return make_envelope(
        "reports-list",
        version=version,
        environment=environment,
        sandbox=sandbox,
        exit_code=exit_code,
        diagnostics=diagnostics,
        items=items,
    )


def write_stories(stories: Iterable[Story], *, unmask: bool = False) -> Iterator[str]:
    """Yield one line of JSON a story, with its line end."""
    for story in stories:
        yield write_json(encode_story(story, unmask=unmask), indent=None) + "\n"


def encode_story(story: Story, *, unmask: bool = False) -> dict[str, Json]:
    """Return a story; addresses and callback data are masked unless ``unmask`` is set."""
    step = story.delivering
    return {
        "message_id": story.message_id,
        "bulk_id": story.bulk_id,
        "run": story.run,
        "scenario": story.scenario,
        "revision": story.revision,
        "recipient": _encode_recipient(story, unmask=unmask),
        "sent_at": write_optional_time(story.sent_at),
        **({} if story.send_at is None else {"send_at": write_optional_time(story.send_at)}),
        "fate": None if story.fate is None else story.fate.value,
        "send_status": encode_optional_status(story.send_status),
        "outcome": story.outcome.value,
        "is_final": story.is_final,
        "delivered_by": None if step is None else {"position": step.position, "channel": step.channel},
        "delivery_seconds": story.seconds,
        "seen": story.seen,
        "seen_at": write_optional_time(story.seen_at),
        "costs": {currency: write_money(cost) for currency, cost in story.costs.items()},
        "callback_data": _masked_text(story.callback_data, unmask=unmask),
        "steps": [_encode_step(each) for each in story.steps],
    }


def _encode_step(step: StepStory) -> Json:
    return {
        "position": step.position,
        "channel": step.channel,
        "from": step.sender,
        "state": step.state.value,
        "reason": step.reason,
        "status": encode_optional_status(step.status),
        "error": None if step.error is None else encode_error(step.error),
        "began_at": write_optional_time(step.began_at),
        "ended_at": write_optional_time(step.ended_at),
        "step_seconds": step.seconds,
        "cost": None if step.cost is None else write_money(step.cost),
        "currency": step.currency,
        "reports": len(step.rows),
    }


def _encode_recipient(story: Story, *, unmask: bool) -> Json:
    """``to`` is an address of unknown kind, all that a report without a message of ours tells."""
    if story.recipient is not None:
        return dict((story.recipient if unmask else mask_recipient(story.recipient)).addresses)
    if story.to is None:
        return None
    return {"to": story.to if unmask else mask_address(story.to)}


def _masked_text(text: str | None, *, unmask: bool) -> str | None:
    return text if text is None or unmask else mask_text(text)
