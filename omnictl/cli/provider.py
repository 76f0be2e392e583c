"""Opening the provider of an environment: the embedded sandbox without a socket, or the API with its credentials."""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from omnictl.cli.context import Session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.system import utc_now
from omnictl.durable import make_private_directory, shown
from omnictl.errors import AccessError, StateError, UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Event
from omnictl.model.state import State
from omnictl.provider.base import Operation, StopSignal
from omnictl.provider.factory import make_messenger, make_provider
from omnictl.provider.omni import OmniProvider
from omnictl.provider.omni_messages import OmniMessenger
from omnictl.transport.client import READ_SECONDS

if TYPE_CHECKING:
    from omnictl.sandbox.store import World
    from omnictl.transport.client import BaseTransport
    from omnictl.transport.credentials import Credentials

T = TypeVar("T")

SANDBOX_URL = "http://127.0.0.1"
_LONGEST_SECONDS = 86_400.0


def open_provider(
    session: Session, state: State, stop: StopSignal, observe: Callable[[Event], None], *, read_only: bool
) -> OmniProvider:
    """Return the provider; the caller closes it. Raises AccessError where no API is configured."""
    window = max((each.window_seconds for each in session.budgets.values()), default=0.0)
    recent = recent_requests(state, utc_now(), window)
    return _open(make_provider, session, stop, observe, read_only=read_only, recent=recent)


def recent_requests(state: "State", now: datetime, window_seconds: float) -> "dict[Operation, Sequence[datetime]]":
    """Return when recent runs sent creates and updates at the latest, as the state remembers it.

    It remembers whole seconds: a request may have left almost a second after its time.
    """
    from omnictl.provider.base import Operation

    records = state.records.values()
    created = (*(each.created_at for each in records), *(each.created_at for each in state.intents))
    updated = (each.updated_at for each in records)

    def select(times: Iterable[datetime | None]) -> list[datetime]:
        latest = (each + timedelta(seconds=1) for each in times if each)
        return sorted(each for each in latest if each >= now - timedelta(seconds=window_seconds))

    return {Operation.CREATE: select(created), Operation.UPDATE: select(updated)}


def open_messenger(session: Session, stop: StopSignal, observe: Callable[[Event], None]) -> OmniMessenger:
    """Return the messenger; the caller closes it. Raises AccessError where no API is configured."""
    return _open(make_messenger, session, stop, observe, read_only=False, recent={})


def _open(
    make: Callable[..., T],
    session: Session,
    stop: StopSignal,
    observe: Callable[[Event], None],
    *,
    read_only: bool,
    recent: Mapping[Operation, Sequence[datetime]],
) -> T:
    """Connect to the sandbox or the API of the environment, and make what speaks to it."""
    base_url, credentials = (SANDBOX_URL, _sandbox_credentials()) if session.sandbox else find_api(session)
    return make(
        base_url,
        credentials,
        workers=session.workers,
        budgets=session.budgets,
        recent=recent,
        stop=stop,
        observe=observe,
        clock=utc_now,
        random=random.random,
        settle_seconds=_settle_seconds(session),
        ca_file=session.ca_file_of(session.environment),
        transport=_sandbox_transport(session) if session.sandbox else None,
        read_only=read_only,
        timeout_seconds=_timeout_seconds(session),
        trusted_hosts=trusted_hosts(session),
    )


def _settle_seconds(session: Session) -> float | None:
    """How long the service may take to show a create: the variable, the settings, else by the host (None)."""
    given = _seconds_of(session, "OMNICTL_SETTLE", 60)
    if given is not None:
        return given
    return 0.0 if session.sandbox else session.environment.settle_seconds


def _timeout_seconds(session: Session) -> float:
    """How long an answer may take."""
    given = _seconds_of(session, "OMNICTL_TIMEOUT", READ_SECONDS)
    return given or READ_SECONDS


def _seconds_of(session: Session, name: str, example: float) -> float | None:
    """Return the seconds that a variable of the environment names; None where it is not set."""
    text = session.environ.get(name, "").strip()
    if not text:
        return None
    try:
        seconds = float(text.removesuffix("s")) if text.isascii() else math.nan
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < _LONGEST_SECONDS:
        raise UsageError(
            Diagnostic(
                "bad-seconds",
                Severity.ERROR,
                "A variable is not a number of seconds",
                f"{name} is {text!r}.",
                commands=(f"export {name}={example:g}",),
            )
        )
    return seconds


def _sandbox_credentials() -> "Credentials":
    from omnictl.transport.credentials import make_credentials

    return make_credentials("any", source="the sandbox")


def _sandbox_transport(session: Session) -> "BaseTransport":
    from omnictl.sandbox.app import Sandbox
    from omnictl.sandbox.errors import ConnectionCutError
    from omnictl.transport.in_process import make_in_process_transport

    world = open_world(session.place.world_path)
    return make_in_process_transport(Sandbox(world), cut_errors=(ConnectionCutError,), on_close=world.close)


def open_world(path: Path | None) -> "World":
    """Return the world of a file in the work directory, which is made where it is not there; None is in memory.

    Raises StateError.
    """
    from omnictl.sandbox.store import World, WorldError

    try:
        if path is not None:
            make_private_directory(path.parent)
        return World(path)
    except OSError as error:
        raise StateError(_no_place(path, error)) from None
    except WorldError as error:
        raise StateError(_no_world(error)) from None


def _no_place(path: Path | None, error: OSError) -> Diagnostic:
    return Diagnostic(
        "sandbox-world",
        Severity.ERROR,
        "The world of the sandbox cannot be made",
        f"{path and shown(path.parent)}: {error.strerror or error}.",
        hint="the sandbox keeps its world in the project; check its permissions and the free space",
    )


def _no_world(error: Exception) -> Diagnostic:
    return Diagnostic(
        "sandbox-world",
        Severity.ERROR,
        "The world of the sandbox cannot be read",
        f"{error}.",
        hint="drop the sandbox of the environment, its state too, and start anew",
        commands=("omnictl sandbox reset",),
    )


def find_api(session: Session) -> "tuple[str, Credentials]":
    """Return base URL and credentials; where one is missing, say where they were looked for."""
    from omnictl.transport.credentials import find_credentials

    environment = session.environment
    base_url = environment.base_url or session.environ.get("INFOBIP_BASE_URL")
    credentials = find_credentials(session.environ, environment.credentials)
    if not base_url or credentials is None:
        raise AccessError(_no_api(session, base_url, credentials))
    return base_url, credentials


def trusted_hosts(session: Session) -> tuple[str, ...]:
    """Return the hosts that somebody vouches for, from outside of the files."""
    from omnictl.transport.trust import parse_trusted_hosts

    return parse_trusted_hosts(session.environ.get("OMNICTL_TRUSTED_HOSTS", ""))


def _no_api(session: Session, base_url: str | None, credentials: "Credentials | None") -> Diagnostic:
    from omnictl.transport.credentials import variables_asked

    asked = variables_asked(session.environment.credentials)
    settings = session.settings.path
    rows = (
        ("--env, OMNICTL_ENV", session.options.env or session.environ.get("OMNICTL_ENV") or "not set"),
        ("omnictl.yaml", str(settings) if settings else "none here or in a parent folder"),
        *([("base_url", "in omnictl.yaml")] if session.environment.base_url else []),
        ("INFOBIP_BASE_URL", "set" if session.environ.get("INFOBIP_BASE_URL") else "not set"),
        *((name, "set" if credentials and credentials.source == name else "not set") for name in asked),
    )
    columns = 2 + max(len(name) for name, _ in rows)
    table = "\n".join(f"{name:<{columns}}{what}" for name, what in rows)
    account = [] if base_url else ["export INFOBIP_BASE_URL=https://xxxxx.api.infobip.com"]
    account += [] if credentials else [f"export {asked[0].split()[0]}=..."]
    return Diagnostic(
        "no-api",
        Severity.ERROR,
        "No Infobip API is configured for this command",
        f"{'looked at':<{columns}}found\n{table}",
        commands=(
            "# Use your account",
            *account,
            "omnictl plan",
            "# Just trying? No account, no network, nothing leaves this machine",
            "omnictl plan --sandbox",
            "# In a pipeline without secrets (a fork)? This needs none",
            "omnictl validate",
            f"# Nothing was read or sent (exit {ExitCode.NO_ACCESS}).",
        ),
    )


CODES = {
    "no-api": "No base URL or no credentials are configured. omnictl refuses instead of using the sandbox by itself: a "
    "pipeline that lost its secret must not go green against a toy.",
    "sandbox-world": "The file of a sandbox world is damaged, of another version of omnictl, or cannot be made.",
    "bad-seconds": "OMNICTL_SETTLE says for how many seconds a create may be invisible, OMNICTL_TIMEOUT how long an "
    "answer may take. One of them is not a number of seconds.",
}
