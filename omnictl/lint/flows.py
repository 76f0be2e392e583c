"""Rules about one flow: steps that repeat, senders that are missing or of the wrong form, flows that end too early."""

import re
from collections.abc import Iterator

from omnictl.lint.findings import Finding, Flow
from omnictl.model.scenario import NEED_SENDER, OLD_CHANNELS, Step

_REACH_EVERYBODY = ("SMS", "VOICE")
_APPLICATION_CODE = r"[0-9a-fA-F]{32}-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_FORMS = {
    "SMS": (r"\+?[0-9]{3,15}|(?=.*[A-Za-z])[\x20-\x7e]{1,11}", "up to 11 letters, digits and signs, or 3 to 15 digits"),
    "EMAIL": (
        r"[^<>@\s]+@[^<>@\s]+\.[^<>@\s.]+|[^<>@]*<[^<>@\s]+@[^<>@\s]+\.[^<>@\s.]+>",
        "an address, such as news@acme.com",
    ),
    "WHATSAPP": (r"\+?[0-9]{6,15}", "a number in international form, 6 to 15 digits"),
    "VOICE": (r"\+?[0-9]{3,15}", "a number, 3 to 15 digits"),
    "PUSH": (_APPLICATION_CODE, "an application code, 32 hexadecimal digits, a dash and a UUID"),
}
_COMPILED = {channel: re.compile(form) for channel, (form, _) in _FORMS.items()}


def find_duplicate_steps(flow: Flow) -> Iterator[Finding]:
    """A step with the channel and the sender of an earlier one."""
    seen: dict[Step, int] = {}
    for index, step in enumerate(flow):
        first = seen.setdefault(step, index)
        if first != index:
            detail = f"Steps {first + 1} and {index + 1} are both {_words(step.channel, step.sender)}."
            yield Finding(f"flow[{index}]", detail, "remove one of them")


def find_repeated_channels(flow: Flow) -> Iterator[Finding]:
    """A step with the channel of an earlier one and another sender."""
    seen: set[Step] = set()
    channels: dict[str, int] = {}
    for index, step in enumerate(flow):
        before = channels.setdefault(step.channel, index)
        is_new = step not in seen
        seen.add(step)
        if before != index and is_new:
            detail = f"Steps {before + 1} and {index + 1} are both {step.channel}, with different senders."
            yield Finding(f"flow[{index}].channel", detail)


def find_single_steps(flow: Flow) -> Iterator[Finding]:
    """A flow without a second step."""
    if len(flow) == 1:
        yield Finding("flow", f"Where {flow[0].channel} does not deliver, nothing else is tried.", "add a second step")


def find_missing_senders(flow: Flow) -> Iterator[Finding]:
    """A step without from on a channel that sends in somebody's name."""
    for index, step in enumerate(flow):
        if step.sender is None and step.channel in NEED_SENDER:
            detail = f"{step.channel} sends in somebody's name, and step {index + 1} has no from."
            yield Finding(f"flow[{index}]", detail, "write from: with the sender")


def find_odd_senders(flow: Flow) -> Iterator[Finding]:
    """A sender that is not of the form that its channel takes."""
    for index, step in enumerate(flow):
        form = _COMPILED.get(step.channel)
        if form is not None and step.sender is not None and not form.fullmatch(step.sender):
            detail = f'The sender of {step.channel} is {_FORMS[step.channel][1]}; "{step.sender}" is not.'
            yield Finding(f"flow[{index}].from", detail)


def find_unreliable_ends(flow: Flow) -> Iterator[Finding]:
    """A last step that needs an application or an account with the recipient."""
    if flow[-1].channel not in _REACH_EVERYBODY:
        detail = f"The flow ends with {flow[-1].channel}, which does not reach everybody."
        yield Finding(f"flow[{len(flow) - 1}].channel", detail, "end with SMS or VOICE")


def find_old_channels(flow: Flow) -> Iterator[Finding]:
    """A channel that the API once had and no longer documents."""
    for index, step in enumerate(flow):
        if step.channel in OLD_CHANNELS:
            detail = f"{step.channel} stands in old documents of the API and no longer in today's."
            yield Finding(f"flow[{index}].channel", detail)


def _words(channel: str, sender: str | None) -> str:
    return f"{channel} {sender}" if sender else channel
