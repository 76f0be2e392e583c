"""What narrows reports on the command line: an id, an address, a channel; an empty one is a mistake, not everybody."""

import click

from omnictl.config.message_options import find_channel
from omnictl.config.recipients import parse_recipient
from omnictl.model.message import CONTENT_NAMES


def read_filter(
    ctx: click.Context, param: click.Parameter, value: str | tuple[str, ...] | None
) -> str | tuple[str, ...] | None:
    """Return what was given. An empty text, as an unset variable of a script gives, would ask for everything."""
    for each in value if isinstance(value, tuple) else (value,):
        if each is not None and not each.strip():
            raise click.BadParameter("it is empty; leave the option out to ask for everything", ctx, param)
    return value


def read_to(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return one address as messages have it: spelled as for ``send --to``, or a push id as it stands."""
    read_filter(ctx, param, value)
    if value is None:
        return None
    recipient, _ = parse_recipient(value, label="--to")
    addresses = () if recipient is None else tuple(recipient.addresses.values())
    if len(addresses) > 1:
        raise click.BadParameter("it takes one address", ctx, param)
    return addresses[0] if addresses else value


def read_channel(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a channel in any of its spellings."""
    channel = None if value is None else find_channel(value)
    if value is not None and channel is None:
        raise click.BadParameter(f"{value!r} is no channel; there are {', '.join(CONTENT_NAMES)}.", ctx, param)
    return channel
