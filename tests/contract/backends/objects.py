"""The kinds of object stores, each against a server that is a process of its own."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from omnictl.state.base import StateBackend
from omnictl.state.lease import Lease
from omnictl.state.location import parse_location
from omnictl.state.objects.place import parse_object_place
from omnictl.state.objects.store import ObjectStore
from omnictl.state.stored import LOCK, STATE, StoredBackend
from tests.contract.backends.keeper import get_server
from tests.contract.backends.kinds import QUICK, Place, make_token
from tests.contract.backends.object_servers import AZURE_KEY, GOOGLE_KEY, KEY_ID, SECRET

_SERVERS = "tests.contract.backends.object_servers"


@contextmanager
def s3(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """S3, by SeaweedFS."""
    server = get_server(request, f"{_SERVERS}:start_weed")
    url = f"s3://omni/{uuid4().hex}/?region=us-east-1&endpoint={server['endpoint']}"
    yield make_place(url, {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}, tmp_path)


@contextmanager
def gs(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Google's storage, by a small bucket of our own."""
    server = get_server(request, f"{_SERVERS}:start_bucket")
    environ = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(GOOGLE_KEY)}
    yield make_place(f"gs://omni/{uuid4().hex}/?endpoint={server['endpoint']}", environ, tmp_path)


@contextmanager
def az(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Azure's storage, by Azurite."""
    server = get_server(request, f"{_SERVERS}:start_azurite")
    url = f"az://omni/{uuid4().hex}/?account={server['account']}&endpoint={server['endpoint']}"
    yield make_place(url, {"AZURE_STORAGE_ACCOUNT_KEY": AZURE_KEY}, tmp_path)


def make_place(url: str, environ: Mapping[str, str], tmp_path: Path) -> Place:
    """Return a place below a URL that ends with a slash before its options."""

    def store_of(environment: str) -> ObjectStore:
        return ObjectStore(parse_object_place(parse_location(url, environment), environ))

    def open_one(environment: str) -> StateBackend:
        store = store_of(environment)
        lease = Lease(store, LOCK, make_token, terms=QUICK)
        work = tmp_path / ".omnictl"
        return StoredBackend(store, work_dir=work, environment=environment, make_token=make_token, lease=lease)

    def get() -> bytes | None:
        found = store_of("test").read(STATE)
        return found.content if found else None

    def put(content: bytes) -> None:
        store_of("test").write(STATE, content, replaces=None)

    return Place(open_one, put, get, url=url, environ=environ)
