"""The state in a git remote: URLs, faults between here and there, races, refusals, and what nobody may see."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import pytest

from omnictl.errors import StateWriteError, UsageError
from omnictl.model.state import State
from omnictl.state.blobs import BlobConflictError, BlobError, write_surely
from omnictl.state.factory import open_backend
from omnictl.state.git import store as git
from omnictl.state.git.store import GitStore
from omnictl.state.location import parse_location
from omnictl.state.stored import StoredBackend
from tests.contract.backends.git_kinds import git_environ
from tests.contract.backends.git_server import (
    PASSWORD,
    USER,
    Fault,
    GitServer,
    askpass_environ,
    git_over_http,
    make_repository,
)

CANARY = "c4nary-0f-a-t0ken"


def never_wait(n: int) -> None:
    pass


def make_token() -> str:
    return uuid4().hex


def store_at(url: str, work_dir: Path, environ: Mapping[str, str] = {}) -> GitStore:
    location = parse_location(url, "test")
    return GitStore(location, work_dir=work_dir, environ={**git_environ(), **environ}, make_token=make_token)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "remote.git")


@pytest.fixture
def store(remote: Path, tmp_path: Path) -> GitStore:
    return store_at(f"git+file://{remote}//prod", tmp_path / ".omnictl")


@pytest.fixture
def server(remote: Path) -> Iterator[GitServer]:
    with git_over_http(remote.parent) as served:
        yield served


@pytest.fixture
def distant(server: GitServer, tmp_path: Path) -> GitStore:
    return store_at(f"git+{server.url}/remote.git//prod", tmp_path / ".omnictl")


def in_remote(remote: Path, *arguments: str, given: bytes = b"") -> str:
    command = ["git", "--git-dir", str(remote), *arguments]
    ran = subprocess.run(command, input=given, check=True, capture_output=True, env=git_environ(), timeout=30)
    return ran.stdout.decode().strip()


def refs_of(remote: Path) -> list[str]:
    return in_remote(remote, "for-each-ref", "--format=%(refname)").split()


# --- URLs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "repository", "refs"),
    [
        ("git+https://h/team/repo.git//prod", "https://h/team/repo.git", "refs/omnictl/prod/"),
        ("git+https://h/repo.git//", "https://h/repo.git", "refs/omnictl/test/"),
        ("git+https://h:8443/repo.git//eu/", "https://h:8443/repo.git", "refs/omnictl/eu/test/"),
        ("git+https://h/repo.git//prod?refs=heads", "https://h/repo.git", "refs/heads/omnictl/prod/"),
        ("git+ssh://git@h:2222/repo.git//a.b/prod", "ssh://git@h:2222/repo.git", "refs/omnictl/a.b/prod/"),
        ("git+ssh://git@[::1]:22/repo//prod", "ssh://git@[::1]:22/repo", "refs/omnictl/prod/"),
        ("git+file:///srv/repo.git//prod", "file:///srv/repo.git", "refs/omnictl/prod/"),
    ],
)
def test_two_slashes_part_the_repository_from_the_name(url: str, repository: str, refs: str, tmp_path: Path) -> None:
    store = store_at(url, tmp_path)
    assert (store._url, store._refs) == (repository, refs)
    again = store_at(store.location, tmp_path)
    assert (again._url, again._refs, again.location) == (repository, refs, store.location)


@pytest.mark.parametrize(
    "url",
    [
        "git+https://h/repo.git",
        "git+https://h/repo.git/",
        "git+https://h/repo.git//../prod",
        "git+https://h/repo.git//prod.lock",
        "git+https://h/repo.git//-prod",
        "git+https://h/repo.git//pr*d",
        "git+https://h/repo.git//pr%20d",
        "git+https://h/repo.git//prod/state",
        "git+https://h/repo.git//lock",
        "git+https://h/repo.git//history/prod",
        f"git+https://h/repo.git//u:{CANARY}",
        f"git+ssh://git%3A{CANARY}@h/repo.git//prod",
        "git+https://h/repo.git//a//b",
        "git+https://h/repo.git//prod?refs=tags",
        "git+https://h/repo.git//prod?branch=x",
        "git+https://me@h/repo.git//prod",
        f"git+https://me:{CANARY}@h/repo.git//prod",
        f"git+ssh://git:{CANARY}@h/repo.git//prod",
    ],
)
def test_a_url_that_names_no_state_in_a_repository_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        open_backend(url, work_dir=tmp_path, environment="test", environ={}, make_token=make_token)
    assert refused.value.diagnostics[0].code in ("wrong-state-url", "credentials-in-url")
    assert CANARY not in str(refused.value.diagnostics)


def test_plain_http_is_for_this_machine_unless_it_is_said(tmp_path: Path) -> None:
    for host in ("127.0.0.1:8080", "localhost", "[::1]:80"):
        assert store_at(f"git+http://{host}/repo.git//prod", tmp_path)._url == f"http://{host}/repo.git"
    for options in ("", "?allow_http=false", "?refs=heads"):
        with pytest.raises(UsageError) as refused:
            store_at(f"git+http://git.example/repo.git//prod{options}", tmp_path)
        (told,) = refused.value.diagnostics
        assert (told.code, told.commands) == ("insecure-state-server", ("?allow_http=true",))
    for url in ("git+http://h/repo.git//prod?allow_http=1", "git+https://h/repo.git//prod?allow_http=true"):
        with pytest.raises(UsageError) as refused:
            store_at(url, tmp_path)
        assert refused.value.diagnostics[0].code == "wrong-state-url"
    allowed = store_at("git+http://git.example/repo.git//prod?allow_http=true&refs=heads", tmp_path)
    assert (allowed._url, allowed._refs) == ("http://git.example/repo.git", "refs/heads/omnictl/prod/")


def test_the_backend_of_a_url_has_a_long_lease_and_asks_nothing_yet(tmp_path: Path) -> None:
    url = "git+https://nowhere.invalid/repo.git//prod"
    backend = open_backend(url, work_dir=tmp_path, environment="test", environ={}, make_token=make_token)
    assert isinstance(backend, StoredBackend)
    assert not backend.is_local
    assert backend.location == url
    assert backend._lease._terms.lease == 180


# --- what is there -----------------------------------------------------------------------------------------------


def test_each_object_is_a_ref_with_one_file_of_nobody(remote: Path, store: GitStore) -> None:
    store.write("state.json", b"{}\n", replaces=None)
    store.write("lock.json", b"{}\n", replaces=None)
    store.write("history/abc/00000001.json", b"{}\n", replaces=None)
    names = ["refs/omnictl/prod/history/abc/00000001", "refs/omnictl/prod/lock", "refs/omnictl/prod/state"]
    assert refs_of(remote) == names
    assert in_remote(remote, "ls-tree", "--name-only", "-r", names[2]) == "state.json"
    shown = in_remote(remote, "log", "--format=%an %ae %cn %ce %P", names[2])
    assert shown == "omnictl omnictl@localhost omnictl omnictl@localhost"
    assert abs(int(in_remote(remote, "log", "--format=%ct", names[2])) - time.time()) < 60


def test_the_same_bytes_are_another_version_each_time(store: GitStore) -> None:
    first = store.write("state.json", b"same", replaces=None)
    second = store.write("state.json", b"same", replaces=first)
    assert first != second
    with pytest.raises(BlobConflictError):
        store.write("state.json", b"late", replaces=first)
    found = store.read("state.json")
    assert found is not None
    assert (found.content, found.version) == (b"same", second)


def test_a_name_that_begins_like_another_is_another(remote: Path, tmp_path: Path) -> None:
    one = store_at(f"git+file://{remote}//prod", tmp_path)
    other = store_at(f"git+file://{remote}//production", tmp_path)
    other.write("state.json", b"other", replaces=None)
    other.write("history/abc/00000001.json", b"other", replaces=None)
    assert one.read("state.json") is None
    assert one.list("history/") == ()
    one.write("history/abc/00000012.json", b"one", replaces=None)
    assert one.read("history/abc/0000001.json") is None
    assert [each.name for each in one.list("history/")] == ["history/abc/00000012.json"]


def test_names_are_listed_with_times_also_where_the_remote_can_leave_contents_out(
    remote: Path, server: GitServer, distant: GitStore
) -> None:
    in_remote(remote, "config", "uploadpack.allowFilter", "true")
    for n in range(3):
        distant.write(f"history/abc/{n:08}.json", b"x" * 5000, replaces=None)
    listed = distant.list("history/abc/")
    assert [each.name for each in listed] == [f"history/abc/{n:08}.json" for n in range(3)]
    assert all(each.written_at and abs(each.written_at.timestamp() - time.time()) < 60 for each in listed)


def test_what_is_deleted_is_gone_and_may_have_been_gone_before(store: GitStore) -> None:
    store.write("history/abc/00000001.json", b"x", replaces=None)
    for _ in range(2):
        store.delete("history/abc/00000001.json")
    assert store.read("history/abc/00000001.json") is None
    assert store.list("history/") == ()


def test_large_contents_and_any_bytes_come_back(distant: GitStore) -> None:
    content = os.urandom(3_000_000) + b"\n\0'\r\ndone\n"
    version = distant.write("state.json", content, replaces=None)
    found = distant.read("state.json")
    assert found is not None
    assert (found.content, found.version) == (content, version)


@pytest.mark.parametrize("kind", ["blob", "tag", "other file"])
def test_a_ref_that_holds_something_else_is_left_alone(remote: Path, store: GitStore, kind: str) -> None:
    blob = in_remote(remote, "hash-object", "-w", "--stdin", given=b"mine")
    tree = in_remote(remote, "mktree", given=f"100644 blob {blob}\tREADME\n".encode())
    who = {f"GIT_{role}_{part}": "x" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    command = ["git", "--git-dir", str(remote), "commit-tree", tree, "-m", "x"]
    ran = subprocess.run(command, check=True, capture_output=True, env={**git_environ(), **who}, timeout=30)
    commit = ran.stdout.decode().strip()
    tag = in_remote(remote, "mktag", given=f"object {commit}\ntype commit\ntag x\ntagger x <x> 1 +0000\n\nx\n".encode())
    in_remote(remote, "update-ref", "refs/omnictl/prod/state", {"blob": blob, "tag": tag, "other file": commit}[kind])
    with pytest.raises(BlobError) as refused:
        store.read("state.json")
    assert refused.value.diagnostics[0].code == "git-foreign-ref"
    with pytest.raises(BlobConflictError):
        store.write("state.json", b"ours", replaces=None)


# --- faults on the way -------------------------------------------------------------------------------------------


def once(fault: Fault) -> Callable[[], Fault]:
    faults = [fault]
    return lambda: faults.pop() if faults else Fault.NONE


@pytest.mark.parametrize("fault", list(Fault))
def test_a_write_lands_once_whatever_becomes_of_its_first_answer(
    fault: Fault, remote: Path, server: GitServer, distant: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_remote(remote, "config", "core.logAllRefUpdates", "always")
    monkeypatch.setattr(git, "_PUSH_SECONDS", 3.0 if fault is Fault.SILENT_AFTER else 14.0)
    first = distant.write("state.json", b"1", replaces=None)
    server.fault = once(fault)
    version = write_surely(distant, "state.json", b"2", replaces=first, wait=lambda n: time.sleep(0.7 * n))
    found = distant.read("state.json")
    assert found is not None
    assert (found.content, found.version) == (b"2", version)
    moves = (remote / "logs" / "refs" / "omnictl" / "prod" / "state").read_text().splitlines()
    assert len(moves) == 2


def test_a_write_is_settled_by_what_is_there_and_needs_no_second_push(server: GitServer, distant: GitStore) -> None:
    server.fault = once(Fault.CUT_AFTER)
    version = distant.write("state.json", b"1", replaces=None)
    found = distant.read("state.json")
    assert found is not None
    assert found.version == version


def test_a_remote_that_always_fails_is_told_as_an_error_and_nothing_is_there(
    server: GitServer, distant: GitStore, tmp_path: Path
) -> None:
    server.fault = lambda: Fault.ERROR_BEFORE
    backend = StoredBackend(distant, work_dir=tmp_path, environment="test", make_token=make_token, sleep=lambda _: None)
    with pytest.raises(StateWriteError) as failed:
        backend.write(State("lineage", "test", 1))
    assert failed.value.diagnostics[0].code == "git-unreachable"
    server.fault = lambda: Fault.NONE
    assert backend.read() is None


def test_a_server_that_goes_away_while_we_work(remote: Path, tmp_path: Path) -> None:
    with git_over_http(remote.parent) as server:
        store = store_at(f"git+{server.url}/remote.git//prod", tmp_path)
        version = store.write("state.json", b"1", replaces=None)
    began = time.monotonic()
    with pytest.raises(BlobError) as failed:
        store.write("state.json", b"2", replaces=version)
    assert failed.value.is_unknown
    with pytest.raises(BlobError) as unread:
        store.read("state.json")
    assert not unread.value.is_refused
    assert failed.value.diagnostics[0].code == unread.value.diagnostics[0].code == "git-unreachable"
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("replaces", [True, False], ids=["replacing", "creating"])
def test_of_many_writes_on_one_version_one_wins(remote: Path, tmp_path: Path, replaces: bool) -> None:
    stores = [store_at(f"git+file://{remote}//prod", tmp_path) for _ in range(6)]
    version = stores[0].write("state.json", b"0", replaces=None) if replaces else None
    won: list[bytes] = []
    barrier = Barrier(len(stores))

    def write(n: int) -> None:
        content = f"{n}".encode()
        barrier.wait()
        try:
            write_surely(stores[n], "state.json", content, replaces=version, wait=lambda n: time.sleep(0.1 * n))
        except BlobConflictError:
            return
        won.append(content)

    threads = [Thread(target=write, args=(n,)) for n in range(len(stores))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = stores[0].read("state.json")
    assert found is not None
    assert won == [found.content]


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [True, False], ids=["wrong", "none"])
def test_credentials_that_are_refused_are_told_at_once_and_never_shown(
    given: bool, remote: Path, tmp_path: Path
) -> None:
    environ = askpass_environ(tmp_path, CANARY) if given else {}
    with git_over_http(remote.parent, has_password=True) as server:
        store = store_at(f"git+{server.url}/remote.git//prod", tmp_path / "work", environ)
        for act in (lambda: store.read("state.json"), lambda: store.write("state.json", b"1", replaces=None)):
            with pytest.raises(BlobError) as refused:
                act()
            assert refused.value.is_refused
            assert refused.value.diagnostics[0].code == "git-refused"
            assert CANARY not in str(refused.value.diagnostics)


def test_a_url_that_settings_of_the_user_fill_with_a_token_is_not_shown(tmp_path: Path) -> None:
    environ = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.http://robot:{CANARY}@127.0.0.1:1/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.invalid/",
        "GIT_CURL_VERBOSE": "1",
        "GIT_TRACE": "1",
    }
    store = store_at("git+https://git.invalid/repo.git//prod", tmp_path, environ)
    with pytest.raises(BlobError) as failed:
        store.read("state.json")
    told = failed.value.diagnostics[0].detail
    assert "127.0.0.1" in told
    assert CANARY not in str(failed.value.diagnostics)
    assert "trace" not in told


def test_a_hook_of_the_host_that_refuses_is_told_with_its_words(remote: Path, store: GitStore) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nprintf 'only \\033[31mbranches\\033[0m of people\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(BlobError) as refused:
        write_surely(store, "state.json", b"1", replaces=None, wait=lambda n: pytest.fail("tried again"))
    assert refused.value.is_refused
    assert not refused.value.is_unknown
    told = refused.value.diagnostics[0]
    assert told.code == "git-refused"
    assert "pre-receive hook declined" in told.detail
    assert "branches" in told.detail
    assert "\033" not in told.detail


def test_a_host_that_takes_no_such_branches_is_told(remote: Path, tmp_path: Path) -> None:
    in_remote(remote, "config", "receive.denyNonFastForwards", "true")
    store = store_at(f"git+file://{remote}//prod?refs=heads", tmp_path)
    version = store.write("state.json", b"1", replaces=None)
    with pytest.raises(BlobError) as refused:
        store.write("state.json", b"2", replaces=version)
    assert refused.value.is_refused
    assert "non-fast-forward" in refused.value.diagnostics[0].detail


def test_a_repository_that_is_not_there_is_refused(tmp_path: Path) -> None:
    store = store_at(f"git+file://{tmp_path}/nothing.git//prod", tmp_path / "work")
    with pytest.raises(BlobError) as refused:
        store.list("history/")
    assert refused.value.is_refused


def test_a_machine_without_git_is_told(remote: Path, tmp_path: Path) -> None:
    store = store_at(f"git+file://{remote}//prod", tmp_path / "work", {"PATH": str(tmp_path)})
    with pytest.raises(BlobError) as refused:
        store.read("state.json")
    assert refused.value.diagnostics[0].code == "no-git"


# --- surroundings ------------------------------------------------------------------------------------------------


def test_no_hook_and_no_repository_of_the_user_has_a_part_in_it(
    remote: Path, server: GitServer, tmp_path: Path
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {hooks}\n[fetch]\n\tprune = true\n[push]\n\tgpgSign = true\n")
    own = make_repository(tmp_path / "own.git")
    environ = {"GIT_CONFIG_GLOBAL": str(settings), "GIT_DIR": str(own), "GIT_INDEX_FILE": "x", "GIT_NAMESPACE": "y"}
    store = store_at(f"git+{server.url}/remote.git//prod", tmp_path / "work", environ)
    version = store.write("state.json", b"1", replaces=None)
    store.write("state.json", b"2", replaces=version)
    assert store.read("state.json") is not None
    assert not (tmp_path / "ran").exists()
    assert refs_of(remote) == ["refs/omnictl/prod/state"]
    assert refs_of(own) == []


def test_nothing_stays_on_this_machine_and_what_a_killed_run_left_goes_after_an_hour(
    remote: Path, tmp_path: Path
) -> None:
    work_dir = tmp_path / ".omnictl"
    old, new = work_dir / "git" / "call-old", work_dir / "git" / "call-new"
    for each in (old, new):
        each.mkdir(parents=True)
    os.utime(old, (1_700_000_000, 1_700_000_000))
    store = store_at(f"git+file://{remote}//prod", work_dir)
    store.write("state.json", b"1", replaces=None)
    store.read("state.json")
    assert list((work_dir / "git").iterdir()) == [new]
    assert work_dir.stat().st_mode & 0o777 == 0o700


def test_a_work_directory_that_cannot_be_made_is_no_obstacle(remote: Path, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    store = store_at(f"git+file://{remote}//prod", tmp_path / "work")
    store.write("state.json", b"1", replaces=None)
    assert store.read("state.json") is not None


def fake_git(directory: Path, script: str) -> dict[str, str]:
    """Return an environment whose git is a script."""
    directory.mkdir()
    (directory / "git").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "git").chmod(0o755)
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def test_a_git_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_FETCH_SECONDS", 1.0)
    environ = fake_git(tmp_path / "bin", f"sleep 60 & echo $! > {tmp_path}/child; echo waiting >&2; wait")
    store = store_at("git+https://git.invalid/repo.git//prod", tmp_path / "work", environ)
    began = time.monotonic()
    with pytest.raises(BlobError) as failed:
        store.read("state.json")
    assert time.monotonic() - began < 20
    assert "did not answer in time (waiting)" in failed.value.diagnostics[0].detail
    child = int((tmp_path / "child").read_text())
    until = time.monotonic() + 5
    while _is_running(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_helper_that_stays_behind_holds_nobody_up(tmp_path: Path) -> None:
    environ = fake_git(tmp_path / "bin", "sleep 20 & exit 0")
    store = store_at("git+https://git.invalid/repo.git//prod", tmp_path / "work", environ)
    began = time.monotonic()
    assert store.read("state.json") is None
    assert time.monotonic() - began < 15


def test_the_ssh_of_the_user_is_used_as_it_is_set(remote: Path, tmp_path: Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    environ = {"GIT_SSH_COMMAND": str(ssh), "GIT_SSH_VARIANT": "ssh"}
    store = store_at(f"git+ssh://git@git.invalid:2222{remote}//prod", tmp_path / "work", environ)
    version = store.write("state.json", b"1", replaces=None)
    found = store.read("state.json")
    assert found is not None
    assert found.version == version
    assert "-p 2222 git@git.invalid" in (tmp_path / "called").read_text()


def test_a_credential_helper_of_the_environment_is_asked(remote: Path, tmp_path: Path) -> None:
    with git_over_http(remote.parent, has_password=True) as server:
        helper = f'!f() {{ test "$1" = get && echo username={USER} && echo "password=$STATE_TOKEN"; }}; f'
        environ = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"credential.{server.url}.helper",
            "GIT_CONFIG_VALUE_0": helper,
            "STATE_TOKEN": PASSWORD,
        }
        store = store_at(f"git+{server.url}/remote.git//prod", tmp_path / "work", environ)
        store.write("state.json", b"1", replaces=None)
        assert store.read("state.json") is not None


def test_an_interrupted_run_ends_the_git_that_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = fake_git(tmp_path / "bin", f"echo $$ > {tmp_path}/child; exec sleep 60")
    store = store_at("git+https://git.invalid/repo.git//prod", tmp_path / "work", environ)
    wait = subprocess.Popen.wait

    def interrupted(process: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        monkeypatch.setattr(subprocess.Popen, "wait", wait)
        until = time.monotonic() + 10
        while not (tmp_path / "child").exists() and time.monotonic() < until:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.read("state.json")
    assert not _is_running(int((tmp_path / "child").read_text()))
