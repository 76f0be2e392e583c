"""What becomes of a write when the way to the store, or the store, fails; and what is said of it."""

import json
import os
import signal
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Timer
from types import SimpleNamespace

import pytest
import trustme
from msgspec.structs import replace

from omnictl.errors import UsageError
from omnictl.state.blobs import Blob, BlobConflictError, BlobError, read_surely, write_surely
from omnictl.state.conditions import Conditions, check_conditions
from omnictl.state.location import parse_location
from omnictl.state.objects.place import ObjectPlace, parse_object_place
from omnictl.state.objects.store import ObjectStore, Waits
from tests.contract.backends.bucket import Bucket, Fault, served_bucket
from tests.contract.backends.object_servers import GOOGLE_KEY

QUICK = Waits(connect=0.5, small=0.6, large=1.2)
CANARY = "canary0secret0of0the0store"
S3 = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": f"{CANARY}-token"}
GS = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps({**GOOGLE_KEY, "private_key_id": CANARY})}
AZ = {"AZURE_STORAGE_ACCOUNT_NAME": "mine", "AZURE_STORAGE_SAS_KEY": f"sv=2026&sig={CANARY}"}
ENVIRON = {"s3": S3, "gs": GS, "az": AZ}
Open = Callable[..., ObjectStore]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def open_store(bucket: Bucket) -> Iterator[Open]:
    """Open stores of a bucket that is served."""
    with served_bucket(bucket) as endpoint:
        yield lambda scheme="s3", **more: make_store(scheme, endpoint, **more)


def make_store(scheme: str, endpoint: str, *, name: str = "omni") -> ObjectStore:
    location = parse_location(f"{scheme}://{name}/team/?endpoint={endpoint}", "test")
    return ObjectStore(parse_object_place(location, ENVIRON[scheme]), waits=QUICK)


def once(fault: Fault, method: str = "PUT") -> Callable[[str, str], Fault | None]:
    left = [fault]
    return lambda got, key: left.pop() if got == method and left else None


def always(fault: Fault, method: str = "PUT") -> Callable[[str, str], Fault | None]:
    return lambda got, key: fault if got == method else None


def never_wait(n: int) -> None:
    """Do not wait."""


# --- writes ------------------------------------------------------------------------------------------------------

ARRIVED = ["cut after", "slow after", "500 after", "503 after"]
LOST = ["cut before", "slow before", "500 before", "503 before", "429 before", "409 before"]


@pytest.mark.parametrize("scheme", ["s3", "gs"])
@pytest.mark.parametrize("fault", ARRIVED + LOST)
@pytest.mark.parametrize("is_there", [False, True], ids=["create", "update"])
def test_a_write_arrives_once_whatever_becomes_of_its_answer(
    open_store: Open, bucket: Bucket, scheme: str, fault: Fault, is_there: bool
) -> None:
    store = open_store(scheme)
    before = store.write("state.json", b"before", replaces=None) if is_there else None
    generation = bucket._generation
    bucket.decide = once(fault)
    version = write_surely(store, "state.json", b"ours", replaces=before, wait=never_wait)
    found = store.read("state.json")
    assert found is not None
    assert (found.content, found.version) == (b"ours", version)
    assert bucket._generation == generation + 1
    store.write("state.json", b"next", replaces=version)


@pytest.mark.parametrize("fault", ARRIVED)
def test_an_answer_that_is_lost_is_no_conflict_and_nothing_is_sent_twice(
    open_store: Open, bucket: Bucket, fault: Fault
) -> None:
    store = open_store()
    bucket.decide = always(fault)
    with pytest.raises(BlobError) as unknown:
        store.write("state.json", b"ours", replaces=None)
    assert unknown.value.is_unknown
    assert not unknown.value.is_refused
    assert bucket.requests == [("PUT", "team/test/state.json")]


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_condition_that_does_not_hold_is_a_conflict(open_store: Open, scheme: str) -> None:
    store = open_store(scheme)
    with pytest.raises(BlobConflictError):
        store.write("state.json", b"x", replaces="77" if scheme == "gs" else '"77"')
    first = store.write("state.json", b"1", replaces=None)
    with pytest.raises(BlobConflictError):
        store.write("state.json", b"2", replaces=None)
    store.write("state.json", b"3", replaces=first)
    with pytest.raises(BlobConflictError):
        store.write("state.json", b"4", replaces=first)
    found = store.read("state.json")
    assert found is not None
    assert found.content == b"3"


def test_somebody_who_was_quicker_wins_where_our_answer_was_lost(open_store: Open, bucket: Bucket) -> None:
    store, other = open_store(), open_store()
    before = store.write("state.json", b"before", replaces=None)

    def overtake(method: str, key: str) -> Fault | None:
        if method != "PUT":
            return None
        bucket.decide = lambda method, key: None
        other.write("state.json", b"theirs", replaces=before)
        return "cut before"

    bucket.decide = overtake
    with pytest.raises(BlobConflictError):
        write_surely(store, "state.json", b"ours", replaces=before, wait=never_wait)
    assert bucket.objects["team/test/state.json"].content == b"theirs"


def test_what_is_refused_is_not_tried_again(open_store: Open, bucket: Bucket) -> None:
    bucket.decide = always("403 before")
    with pytest.raises(BlobError) as refused:
        write_surely(open_store(), "state.json", b"ours", replaces=None, wait=never_wait)
    assert refused.value.is_refused
    assert refused.value.diagnostics[0].code == "store-refused"
    assert len(bucket.requests) == 1


def test_a_list_that_is_refused_is_told_as_that(open_store: Open, bucket: Bucket) -> None:
    bucket.decide = always("403 before", "GET")
    with pytest.raises(BlobError) as refused:
        open_store().list("history/")
    assert (refused.value.is_denied, refused.value.diagnostics[0].code) == (True, "store-refused")


def test_a_store_that_always_fails_is_told_and_nothing_was_written(open_store: Open, bucket: Bucket) -> None:
    bucket.decide = always("503 before")
    with pytest.raises(BlobError) as failed:
        write_surely(open_store(), "state.json", b"ours", replaces=None, wait=never_wait)
    assert failed.value.diagnostics[0].code == "store-failed"
    assert "503" in failed.value.diagnostics[0].detail
    assert bucket.objects == {}


@pytest.mark.parametrize("fault", ["cut before", "500 before", "slow before"])
def test_a_state_is_read_once_more_where_the_answer_is_lost(open_store: Open, bucket: Bucket, fault: Fault) -> None:
    store = open_store()
    version = store.write("state.json", b"1", replaces=None)
    bucket.decide = once(fault, "GET")
    assert read_surely(store, "state.json", wait=never_wait) == Blob(b"1", version)
    bucket.decide = always("503 before", "GET")
    bucket.requests.clear()
    with pytest.raises(BlobError):
        read_surely(store, "state.json", wait=never_wait)
    assert len(bucket.requests) == 2
    bucket.decide = always("403 before", "GET")
    bucket.requests.clear()
    with pytest.raises(BlobError):
        read_surely(store, "state.json", wait=never_wait)
    assert len(bucket.requests) == 1


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_names_are_listed_by_how_they_begin_and_removed(open_store: Open, bucket: Bucket, scheme: str) -> None:
    store = open_store(scheme)
    for name in ("history/one/1.json", "history/one/2.json", "history/other/1.json", "state.json"):
        store.write(name, b"{}", replaces=None)
    bucket.put("team/test2/history/one/9.json", b"{}", {})
    assert [each.name for each in store.list("history/one/")] == ["history/one/1.json", "history/one/2.json"]
    assert len(store.list("history/o")) == 3
    assert len(store.list("")) == 4
    assert all(each.written_at is not None for each in store.list(""))
    store.delete("history/one/1.json")
    store.delete("history/one/1.json")
    assert [each.name for each in store.list("history/one/")] == ["history/one/2.json"]


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_bucket_that_is_not_there_is_no_empty_place(open_store: Open, scheme: str) -> None:
    store = open_store(scheme, name="missing")
    for act in (lambda: store.read("x"), lambda: store.write("x", b"", replaces=None), lambda: store.list("x")):
        with pytest.raises(BlobError) as told:
            act()
        assert told.value.is_refused
        assert told.value.diagnostics[0].code == "no-bucket"


def test_large_objects_are_written_whole_and_on_condition(open_store: Open, bucket: Bucket) -> None:
    store, content = open_store(), b"x" * 9_000_000
    version = store.write("state.json", content, replaces=None)
    found = store.read("state.json")
    assert found is not None
    assert found.content == content
    store.write("state.json", content + b"y", replaces=version)
    with pytest.raises(BlobConflictError):
        store.write("state.json", content + b"z", replaces=version)
    assert {method for method, _ in bucket.requests} == {"GET", "PUT"}


def test_a_store_that_names_no_versions_is_refused(open_store: Open, bucket: Bucket) -> None:
    bucket.names_versions = False
    store = open_store()
    with pytest.raises(BlobError) as refused:
        store.write("state.json", b"1", replaces=None)
    assert refused.value.diagnostics[0].code == "conditions-overlooked"
    with pytest.raises(BlobError):
        store.read("state.json")


@pytest.mark.parametrize(
    ("overlooks", "found"),
    [
        ((), Conditions(True, True, True)),
        (("create",), Conditions(False, True, True)),
        (("update",), Conditions(True, False, True)),
        (("create", "update"), Conditions(False, False, True)),
    ],
)
def test_a_server_that_overlooks_conditions_is_found_out(
    open_store: Open, bucket: Bucket, overlooks: tuple[str, ...], found: Conditions
) -> None:
    bucket.overlooks = overlooks
    assert check_conditions(open_store(), map(str, count()).__next__) == found
    assert bucket.objects == {}


# --- the network -------------------------------------------------------------------------------------------------


def test_a_server_that_is_gone_is_told_at_once(open_store: Open, bucket: Bucket) -> None:
    with served_bucket(Bucket()) as endpoint:
        store = make_store("s3", endpoint)
        store.write("state.json", b"1", replaces=None)
    began = time.monotonic()
    for act in (lambda: store.read("x"), lambda: store.list(""), lambda: store.delete("x")):
        with pytest.raises(BlobError) as failed:
            act()
        assert failed.value.diagnostics[0].code == "store-failed"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_server_that_never_answers_is_not_waited_for(open_store: Open, bucket: Bucket, method: str) -> None:
    bucket.decide = always("slow before", method)
    store = open_store()
    acts: dict[str, Callable[[], object]] = {
        "GET": lambda: store.read("x"),
        "PUT": lambda: store.write("x", b"1", replaces=None),
        "DELETE": lambda: store.delete("x"),
    }
    began = time.monotonic()
    with pytest.raises(BlobError):
        acts[method]()
    assert time.monotonic() - began < 10 * QUICK.large


def test_a_signal_is_taken_while_the_store_is_waited_for(open_store: Open, bucket: Bucket) -> None:
    bucket.decide = always("slow before", "GET")
    store, began = open_store(), time.monotonic()
    taken: list[float] = []
    before = signal.signal(signal.SIGTERM, lambda *_: taken.append(time.monotonic()))
    timer = Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        with pytest.raises(BlobError):
            store.read("x")
    finally:
        signal.signal(signal.SIGTERM, before)
        timer.join()
    ended = time.monotonic()
    assert ended - began >= QUICK.small - 0.1
    assert taken
    assert ended - taken[0] > 0.2


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_signal_that_ends_a_run_leaves_no_write_on_its_way(open_store: Open, bucket: Bucket, method: str) -> None:
    store, began = open_store(), time.monotonic()
    acts: dict[str, Callable[[], object]] = {
        "PUT": lambda: store.write("x", b"1", replaces=None),
        "GET": lambda: store.read("x"),
    }
    bucket.decide = lambda method, key: time.sleep(0.5)
    before = signal.signal(signal.SIGTERM, interrupt)
    timer = Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            acts[method]()
    finally:
        signal.signal(signal.SIGTERM, before)
        timer.join()
    if method == "PUT":
        assert bucket.objects["team/test/x"].content == b"1"
    else:
        assert time.monotonic() - began < 0.5


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure_endpoint(authority: trustme.CA, bucket: Bucket) -> Iterator[str]:
    """Serve the bucket over TLS, with a certificate of an authority that no system knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with served_bucket(bucket, context) as endpoint:
        yield endpoint


def test_authorities_are_those_of_the_system_and_of_a_file(
    secure_endpoint: str, authority: trustme.CA, tmp_path: Path
) -> None:
    with pytest.raises(BlobError) as refused:
        make_store("s3", secure_endpoint).write("x", b"1", replaces=None)
    assert "its certificate is not trusted" in refused.value.diagnostics[0].detail
    path = tmp_path / "ca.pem"
    path.write_bytes(trustme.CA().cert_pem.bytes() + authority.cert_pem.bytes())
    location = parse_location(f"s3://omni/team/?endpoint={secure_endpoint}", "test")
    place = parse_object_place(location, S3, str(path))
    assert ObjectStore(place, waits=QUICK).write("x", b"1", replaces=None)
    with pytest.raises(UsageError) as unreadable:
        ObjectStore(replace(place, ca_file=str(tmp_path / "none")))
    assert unreadable.value.diagnostics[0].code == "store-settings"


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
@pytest.mark.parametrize("fault", ["403 before", "400 before", "500 before", "404 before", "cut before", "slow before"])
def test_no_secret_is_in_any_error(open_store: Open, bucket: Bucket, scheme: str, fault: Fault) -> None:
    bucket.decide = lambda method, key: fault
    bucket.says_why = f"you sent {CANARY} and {CANARY}-token"
    store = open_store(scheme)
    texts = [repr(store), store.location]
    for act in (lambda: store.read("x"), lambda: store.write("x", b"", replaces=None), lambda: store.list("")):
        with suppress(BlobConflictError):
            try:
                act()
            except BlobError as error:
                texts += [str(error), repr(error), str(error.diagnostics), str(error.__dict__)]
    assert len(texts) > 5
    assert CANARY not in "\n".join(texts)
    assert "Debug source" not in "\n".join(texts)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("cut before", "the connection was cut"),
        ("slow before", "it did not answer in time"),
        ("503 before", "503 Service Unavailable (Fault: slow down)"),
    ],
)
def test_what_failed_is_told_in_words(open_store: Open, bucket: Bucket, fault: Fault, words: str) -> None:
    bucket.decide, bucket.says_why = (lambda method, key: fault), "slow down."
    with pytest.raises(BlobError) as failed:
        open_store().read("state.json")
    assert failed.value.diagnostics[0].detail.endswith(f"{words}.")


def test_no_credentials_are_told_with_the_ways_to_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    place = parse_object_place(parse_location("s3://b/p?endpoint=http://127.0.0.1:1", "test"), {})
    with pytest.raises(BlobError) as told:
        ObjectStore(place, waits=QUICK).read("x")
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.code == "no-store-credentials"
    assert "AWS_ACCESS_KEY_ID" in diagnostic.hint
    assert not told.value.is_unknown


def test_a_profile_needs_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.state.objects.store.find_spec", lambda name: None)
    place = parse_object_place(parse_location("s3://b/p?profile=work", "test"), {})
    with pytest.raises(UsageError) as refused:
        ObjectStore(place)
    assert refused.value.diagnostics[0].commands == ("pip install boto3",)


class ByProfile:
    """Stands in for the provider of obstore that asks boto3."""

    def __init__(self, session: SimpleNamespace) -> None:
        self.profile = session.profile_name
        if self.profile != "work":
            raise LookupError(self.profile)

    def __call__(self) -> dict[str, object]:
        return {"access_key_id": f"AKID-{self.profile}", "secret_access_key": CANARY, "expires_at": None}


def test_a_profile_is_read_by_boto3(open_store: Open, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.state.objects.store.find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(Session=SimpleNamespace))
    provider = SimpleNamespace(Boto3CredentialProvider=ByProfile)
    monkeypatch.setitem(sys.modules, "obstore.auth.boto3", provider)
    place = open_store()._place
    ObjectStore(replace(place, profile="work"), waits=QUICK).write("x", b"1", replaces=None)
    assert "Credential=AKID-work/" in bucket.authorizations[-1]
    with pytest.raises(UsageError) as refused:
        ObjectStore(replace(place, profile="none"))
    assert "LookupError" in refused.value.diagnostics[0].detail


@pytest.fixture
def federated(tmp_path: Path, open_store: Open) -> ObjectPlace:
    """A place of Google's whose credentials are of a workload identity federation."""
    path = tmp_path / "federation.json"
    path.write_text(json.dumps({"type": "external_account", "audience": "//iam.googleapis.com/projects/1"}))
    place = open_store("gs")._place
    return replace(place, config={"base_url": place.config["base_url"], "application_credentials": str(path)})


class Vouched:
    """Stands in for the credentials of google-auth."""

    token, expiry = "", datetime(2030, 1, 1)  # noqa: DTZ001 - as google-auth has it

    @classmethod
    def from_file(cls, path: str, scopes: list[str]) -> "Vouched":
        assert scopes == ["https://www.googleapis.com/auth/devstorage.read_write"]
        if "audience" not in json.loads(Path(path).read_text()):
            raise LookupError(CANARY)
        return cls()

    def refresh(self, request: Callable[[], str]) -> None:
        self.token = f"vouched-{request()}"


def test_a_federated_identity_needs_google_auth(federated: ObjectPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.state.objects.federation.find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        ObjectStore(federated)
    assert refused.value.diagnostics[0].commands == ("pip install google-auth requests",)


def test_a_federated_identity_is_asked_by_google_auth(
    federated: ObjectPlace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnictl.state.objects.federation.find_spec", lambda name: name)
    asks = SimpleNamespace(Request=lambda: lambda timeout: f"within-{timeout}")
    monkeypatch.setitem(sys.modules, "google.auth.identity_pool", SimpleNamespace(Credentials=Vouched))
    monkeypatch.setitem(sys.modules, "google.auth.transport.requests", asks)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", federated.config["application_credentials"])
    ObjectStore(federated, waits=QUICK).write("x", b"1", replaces=None)
    assert bucket.authorizations[-1] == "Bearer vouched-within-10"
    Path(federated.config["application_credentials"]).write_text('{"type": "external_account"}')
    with pytest.raises(UsageError) as refused:
        ObjectStore(federated)
    assert "LookupError" in refused.value.diagnostics[0].detail
    assert CANARY not in str(refused.value.diagnostics)


def test_what_the_library_does_not_take_is_told_without_the_secret() -> None:
    environ = {"GOOGLE_SERVICE_ACCOUNT_KEY": CANARY}
    with pytest.raises(UsageError) as refused:
        ObjectStore(parse_object_place(parse_location("gs://b/p", "test"), environ))
    assert refused.value.diagnostics[0].code == "store-settings"
    assert CANARY not in str(refused.value.diagnostics)
