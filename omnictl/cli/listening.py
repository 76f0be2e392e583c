"""What is asked before anybody may push: the address, the path, the secret, and who can reach them."""

import ipaddress
import os
import re
from collections.abc import Mapping

import click

from omnictl.cli.hiding import remember_secret
from omnictl.errors import OmnictlError, RefusalKind, RefusedError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity

SECRET_VARIABLE = "OMNICTL_LISTEN_SECRET"  # noqa: S105 - the name of a variable
_PATH = re.compile(r"/(?:[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*)?")


def read_path(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return a path that every server and proxy passes on as it is."""
    if not _PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise click.BadParameter("a path is as /reports or /a/b: letters, digits and - . _ ~", ctx, param)
    return value


def read_secret(environ: Mapping[str, str], name: str | None, *, unsigned: bool) -> str | None:
    """Return the secret of pushes, None where there is none. Raises UsageError, which holds none of what was given."""
    secret = environ.get(name or SECRET_VARIABLE)
    variable = "The variable that --secret-env names" if name is not None else SECRET_VARIABLE
    if secret is None and name is not None:
        raise UsageError(_no_secret(f"{variable} is not set."))
    if secret is None:
        return None
    if not secret.strip():
        raise UsageError(_no_secret(f"{variable} is set, and empty."))
    if unsigned:
        raise UsageError(_no_secret(f"{variable} has a secret, and --unsigned says that none is asked for."))
    remember_secret(secret)
    return secret


def _no_secret(detail: str) -> Diagnostic:
    return Diagnostic(
        "no-listen-secret",
        Severity.ERROR,
        "It is not clear whether pushes are signed",
        detail,
        hint="give the secret in the variable, or unset it; the secret itself never stands on a command line",
    )


def refuse_open_door(host: str, secret: str | None, *, unsigned: bool) -> None:
    """Refuse to believe whoever reaches the address, unless that is this machine alone. Raises RefusedError."""
    if secret is not None or unsigned or _is_here(host):
        return
    raise RefusedError(
        RefusalKind.POLICY,
        Diagnostic(
            "unsigned-pushes",
            Severity.ERROR,
            "Anybody could push here",
            f"Other machines can reach {host}, and without a secret every push is believed: somebody could make up "
            "that a message was delivered.",
            hint=f"give the secret that pushes are signed with in {SECRET_VARIABLE}; or listen on 127.0.0.1, behind a "
            "proxy that knows who calls; or say --unsigned",
        ),
    )


def _is_here(host: str) -> bool:
    """Tell whether an address is reached from this machine alone; a name but localhost is not asked for."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cannot_listen(who: str, command: str, host: str, port: int, error: OSError) -> OmnictlError:
    """Return the error of a server that cannot have its address."""
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
    return OmnictlError(
        Diagnostic(
            "cannot-listen",
            Severity.ERROR,
            f"{who} cannot listen on this address",
            f"{host}:{port}: {why}.",
            hint="port 0 takes a free one",
            commands=(f"omnictl {command} --port 0",),
        )
    )


CODES = {
    "cannot-listen": "The address or port of sandbox serve or reports listen is taken, not of this machine, or not "
    "allowed.",
    "no-listen-secret": "The variable with the secret of reports listen is named and not set, or empty, or set beside "
    "--unsigned. omnictl does not guess whether pushes must be signed.",
    "unsigned-pushes": "Without a secret reports listen believes every push that reaches it, so it listens on an "
    "address that other machines reach only with a secret or with --unsigned.",
}
