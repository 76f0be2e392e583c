"""The backend of a state, chosen by its place. What a backend needs is imported when it is chosen."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.state.base import StateBackend
from omnictl.state.location import EXTRAS, Location, is_url, parse_location

_PACKAGES = {"s3": "obstore", "gs": "obstore", "az": "obstore", "postgresql": "psycopg", "postgres": "psycopg"}


def open_backend(
    place: str | Path,
    *,
    work_dir: Path,
    environment: str,
    environ: Mapping[str, str],
    make_token: Callable[[], str],
    ca_file: str | None = None,
) -> StateBackend:
    """Return the backend of a path or a URL; nothing is asked yet.

    ``work_dir`` is where a state that cannot be stored is saved, and what a backend keeps on this machine;
    ``make_token`` returns a new name each time; ``ca_file`` holds certificate authorities that are believed beside
    the usual ones, where the backend has a connection of ours. Raises UsageError for a URL that cannot be used.
    """
    if isinstance(place, Path) or not is_url(place):
        from omnictl.state.local.backend import LocalBackend

        return LocalBackend(Path(place), work_dir=work_dir, environment=environment)
    location = parse_location(place, environment)
    _require_package(location)
    around = _Around(work_dir, environment, environ, make_token, ca_file)
    return _OPENERS[location.scheme](location, around)


class _Around(Struct, frozen=True):
    """What every backend is given: see ``open_backend``."""

    work_dir: Path
    environment: str
    environ: Mapping[str, str]
    make_token: Callable[[], str]
    ca_file: str | None


def _open_objects(location: Location, around: _Around) -> StateBackend:
    from omnictl.state.objects.place import parse_object_place
    from omnictl.state.objects.store import ObjectStore
    from omnictl.state.stored import StoredBackend

    return StoredBackend(
        ObjectStore(parse_object_place(location, around.environ, around.ca_file)),
        work_dir=around.work_dir,
        environment=around.environment,
        make_token=around.make_token,
    )


def _open_postgres(location: Location, around: _Around) -> StateBackend:
    try:
        from omnictl.state.postgres.backend import PostgresBackend
    except ImportError:  # psycopg is there, and the library that it stands on is not
        raise UsageError(_no_package(location, "psycopg with its binary")) from None
    return PostgresBackend(
        location, work_dir=around.work_dir, environment=around.environment, make_token=around.make_token
    )


def _open_git(location: Location, around: _Around) -> StateBackend:
    from omnictl.state.git.store import TERMS, GitStore
    from omnictl.state.lease import Lease
    from omnictl.state.stored import LOCK, StoredBackend

    store = GitStore(location, work_dir=around.work_dir, environ=around.environ, make_token=around.make_token)
    return StoredBackend(
        store,
        work_dir=around.work_dir,
        environment=around.environment,
        make_token=around.make_token,
        lease=Lease(store, LOCK, around.make_token, terms=TERMS),
    )


def _open_terraform_http(location: Location, around: _Around) -> StateBackend:
    from omnictl.state.terraform.backend import TerraformHttpBackend
    from omnictl.state.terraform.place import find_identity, read_place
    from omnictl.state.terraform.server import Server

    place = read_place(location, around.environ)
    identity = find_identity(place, around.environ)
    server = Server(place, identity, ca_file=around.ca_file)
    return TerraformHttpBackend(
        server, work_dir=around.work_dir, environment=around.environment, make_token=around.make_token
    )


_OPENERS: dict[str, Callable[[Location, _Around], StateBackend]] = {
    "s3": _open_objects,
    "gs": _open_objects,
    "az": _open_objects,
    "git+https": _open_git,
    "git+http": _open_git,
    "git+ssh": _open_git,
    "git+file": _open_git,
    "postgresql": _open_postgres,
    "postgres": _open_postgres,
    "https": _open_terraform_http,
    "http": _open_terraform_http,
}


def _require_package(location: Location) -> None:
    package = _PACKAGES.get(location.scheme)
    if package is not None and find_spec(package) is None:
        raise UsageError(_no_package(location, package))


def _no_package(location: Location, package: str) -> Diagnostic:
    extra = EXTRAS[location.scheme]
    return Diagnostic(
        "no-package",
        Severity.ERROR,
        "A package that this state backend needs is not installed",
        f"{location.scheme}:// needs {package}.",
        hint="install omnictl with the extra that brings it",
        commands=(f"pip install 'omnictl[{extra}]'",),
    )


CODES = {
    "no-package": "A state in an object store or in PostgreSQL needs a package that omnictl installs only where it is "
    "asked for: omnictl[s3], omnictl[gs], omnictl[az] or omnictl[postgresql].",
}
