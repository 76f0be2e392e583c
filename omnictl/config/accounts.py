"""Which environments are one account: known by its host and its ``account:`` name, never by a credential."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from omnictl.config.settings import Environment, Settings
from omnictl.model.diagnostic import Diagnostic, Severity

_USUAL_PORTS = {"http": 80, "https": 443}


def accounts_beside(name: str, settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the other environments of the account of an environment, by name."""
    own = settings.environments[name]
    return tuple(
        other.name
        for other in settings.environments.values()
        if other.name != name and is_same_account(own, other, environ)
    )


def is_same_account(one: Environment, other: Environment, environ: Mapping[str, str]) -> bool:
    """Tell whether two environments name the same account.

    A base URL that is not in the settings is that of INFOBIP_BASE_URL; where nobody says it, it may be any.
    """
    hosts = {_host_of(each.base_url or environ.get("INFOBIP_BASE_URL") or "") for each in (one, other)} - {None}
    return one.account is not None and one.account == other.account and len(hosts) < 2


def _host_of(base_url: str) -> tuple[str, int | None] | None:
    """Return host and port of a base URL however it is spelled; None where there is none."""
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return base_url, None  # no URL, which is told where it is used
    if host is None:
        return None
    return host.rstrip("."), port or _USUAL_PORTS.get(parts.scheme)


def note_account_spellings(settings: Settings) -> Iterator[Diagnostic]:
    """Yield a warning for each account whose name or host is spelled in two ways: its environments are strangers."""
    first: dict[str, Environment] = {}
    for environment in settings.environments.values():
        if environment.account is None:
            continue
        other = first.setdefault(environment.account.casefold(), environment)
        if other.account == environment.account and not is_same_account(other, environment, {}):
            yield Diagnostic(
                "account-hosts",
                Severity.WARNING,
                "One name of an account stands for two hosts",
                f"{environment.name} and {other.name} both have account: {environment.account}, and their base URLs "
                "name two hosts. They are two accounts to omnictl, and neither knows what the other manages.",
                settings.places.get(f"environments.{environment.name}.account"),
                hint="spell the base URLs alike if it is one account, else give each account a name of its own",
            )
        elif other.account != environment.account:
            yield Diagnostic(
                "account-spelling",
                Severity.WARNING,
                "Two names of accounts differ only in upper and lower case",
                f"{environment.name} has account: {environment.account}, and {other.name} has account: "
                f"{other.account}. They are two accounts to omnictl, and neither knows what the other manages.",
                settings.places.get(f"environments.{environment.name}.account"),
                hint="spell them alike if they are one account",
            )


CODES = {
    "account-hosts": "Environments with the same account: name and the same host know each other's keys. Two have the "
    "name, and base URLs with two hosts, so they do not. Two spellings of one host, such as an address and a name, "
    "look so too.",
    "account-spelling": "Environments with the same account: name know each other's keys. Two names differ only in "
    "upper and lower case, so these environments do not.",
}
