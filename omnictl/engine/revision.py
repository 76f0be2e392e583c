"""The revision of a flow: short, equal for equal flows, and another one when a step or a sender changes."""

from hashlib import sha256

from omnictl.model.scenario import Step

_DIGITS = 8


def make_revision(flow: tuple[Step, ...]) -> str:
    """Return eight hexadecimal digits for a flow."""
    text = "\n".join(f"{each.channel}\t{'' if each.sender is None else f'={each.sender}'}" for each in flow)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
