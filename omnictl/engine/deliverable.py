"""Whether a message can go through a flow to a recipient: content and address for each step, and a time to come."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from omnictl.engine.contents import SPEAKING, check_contents, says_something
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.message import CONTENT_NAMES, Message, Recipient
from omnictl.model.scenario import NEED_SENDER, Step

LONGEST_DELAY = timedelta(days=180)
"""How far ahead a message may not be sent any more (source: the published description of the API)."""

_KINDS = {"EMAIL": "email", "PUSH": "push"}
_WORDS = {"phone": "phone number", "email": "e-mail address", "push": "push id"}


def check_message(message: Message, flow: tuple[Step, ...], *, now: datetime) -> tuple[Diagnostic, ...]:
    """Return all that is wrong with sending a message through a flow now, whoever gets it; ``now`` is UTC."""
    return (*check_contents(message), *check_fit(message, flow), *_check_time(message, now), *_check_senders(flow))


def check_fit(message: Message, flow: tuple[Step, ...], *, scenario: str = "") -> tuple[Diagnostic, ...]:
    """Return where the contents of a message and a flow do not fit; ``scenario`` is the id that the flow is of."""
    of = f" of {scenario}" if scenario else ""
    first: dict[str, int] = {}
    for number, step in enumerate(flow, start=1):
        first.setdefault(step.channel, number)
    found = [each for channel, number in first.items() for each in _check_step(channel, number, of, message)]
    return (*found, *_find_unused(message, first, of))


def _check_step(channel: str, number: int, of: str, message: Message) -> Iterator[Diagnostic]:
    name, summary = CONTENT_NAMES.get(channel), "A step has nothing to send"
    step = f"Step {number}{of} is {channel}"
    if name is None:
        detail = f"{step}, a channel whose content this version of omnictl cannot write."
        yield Diagnostic("no-content", Severity.ERROR, summary, detail, message.sources.get(""))
    elif channel not in message.contents:
        detail = f"{step}, and the message has no {name}."
        commands = (f"--text {channel}=TEXT",)
        source, hint = message.sources.get(""), f"write {name}: in a message file, or"
        yield Diagnostic("no-content", Severity.ERROR, summary, detail, source, hint=hint, commands=commands)
    elif not says_something(channel, message.contents[channel]):
        detail = f"{step}, and {name} has no {' or '.join(SPEAKING[channel])}."
        yield Diagnostic("no-content", Severity.ERROR, summary, detail, message.sources.get(name))


def _find_unused(message: Message, channels: Mapping[str, int], of: str) -> Iterator[Diagnostic]:
    for channel in message.contents:
        if channel not in channels:
            name = CONTENT_NAMES[channel]
            detail = f"The flow{of} has no {channel}, and {name} is sent to nobody."
            summary = "A content belongs to no step"
            yield Diagnostic("unused-content", Severity.WARNING, summary, detail, message.sources.get(name))


def _check_time(message: Message, now: datetime) -> Iterator[Diagnostic]:
    at = message.send_at
    if at is None:
        return
    summary, source = "A message cannot be sent at that time", message.sources.get("sendAt")
    if at <= now:
        detail = f"sendAt: {at.isoformat()} is past; it is {now.isoformat(timespec='seconds')}."
        hint = "leave it out, and the message is sent at once"
        yield Diagnostic("wrong-send-at", Severity.ERROR, summary, detail, source, hint=hint)
    elif at - now >= LONGEST_DELAY:
        detail = f"sendAt: {at.isoformat()} is {(at - now).days} days ahead; it has to be less than 180."
        yield Diagnostic("wrong-send-at", Severity.ERROR, summary, detail, source)


def _check_senders(flow: tuple[Step, ...]) -> Iterator[Diagnostic]:
    for number, step in enumerate(flow, start=1):
        if step.sender is None and step.channel in NEED_SENDER:
            detail = f"{step.channel} sends in somebody's name, and step {number} has no from; the API may refuse it."
            yield Diagnostic("no-sender", Severity.WARNING, "A step has no sender", detail)


def needed_addresses(flow: tuple[Step, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return the kinds of address that a flow needs (phone, email, push), each with the channels that need it."""
    needed: dict[str, tuple[str, ...]] = {}
    for step in flow:
        kind = _KINDS.get(step.channel, "phone")
        if step.channel not in needed.get(kind, ()):
            needed[kind] = (*needed.get(kind, ()), step.channel)
    return needed


def find_missing_addresses(recipient: Recipient, needed: Mapping[str, tuple[str, ...]]) -> str:
    """Return why a recipient cannot be tried by every step, in words; "" where all addresses are there."""
    missing = [(kind, channels) for kind, channels in needed.items() if kind not in recipient.addresses]
    who = [(_WORDS[kind], " and ".join(each), "needs" if len(each) == 1 else "need") for kind, each in missing]
    return ", and ".join(f"it has no {word}, which {channels} {verb}" for word, channels, verb in who)


def check_recipient(recipient: Recipient, flow: tuple[Step, ...], *, label: str) -> tuple[Diagnostic, ...]:
    """Return what keeps a recipient from being tried by every step; ``label`` names it, since addresses are private.

    A step that lacks its address could never be tried, and the flow would be shorter without a word.
    """
    needed = needed_addresses(flow)
    missing = find_missing_addresses(recipient, needed)
    found: list[Diagnostic] = []
    if missing:
        detail = f"{label}: {missing}."
        hint = "give all addresses of one person together, such as"
        command = f"--to {','.join(f'{kind}=…' for kind in needed)}"
        summary = "A recipient lacks an address"
        found.append(Diagnostic("no-address", Severity.ERROR, summary, detail, hint=hint, commands=(command,)))
    for kind in recipient.addresses:
        if kind not in needed:
            detail = f"{label}: no step of the flow needs the {_WORDS[kind]}, and it would be sent to the API."
            summary = "An address is not needed"
            found.append(Diagnostic("unused-address", Severity.WARNING, summary, detail, hint="leave it out"))
    return tuple(found)


CODES = {
    "no-content": "A step of the flow has no content in the message, or one that says nothing. Where the steps before "
    "it fail, nothing would be sent.",
    "unused-content": "The message has content for a channel that the flow does not have; the API ignores it.",
    "wrong-send-at": "sendAt is past, or 180 days or more ahead.",
    "no-sender": "A step of a channel that sends in somebody's name has no from. The account may have a sender of its "
    "own; otherwise the API refuses the step.",
    "no-address": "A recipient lacks the address that a step needs: an e-mail address for EMAIL, a push id for PUSH, a "
    "phone number for all others. That step could never be tried.",
    "unused-address": "A recipient has an address that no step needs. It is personal data, and better left out.",
}
