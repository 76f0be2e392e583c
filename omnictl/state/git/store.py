"""The state as refs of their own in a git remote, for teams that have nothing else.

Each object is a ref, and what it holds is a commit with one file and no parent: nothing of it is in anybody's branches
or history. A push says which commit it replaces, and the remote decides.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time

from msgspec import Struct

from omnictl.errors import UsageError
from omnictl.state.blobs import Blob, BlobConflictError, BlobError, BlobName
from omnictl.state.git.call import NoGitError, Ran, remove_left_over, run_git, scratch_repository
from omnictl.state.git.problems import foreign, no_git, refused, unreachable, wrong_git_url
from omnictl.state.lease import Terms
from omnictl.state.location import Location, refuse_plain_http

TERMS = Terms(lease=180, poll=5.0)
"""A push weighs more than a request to an object store: fewer renewals, and a holder that died is waited for longer."""

_PLACES = {None: "refs/omnictl", "heads": "refs/heads/omnictl"}
_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_-]*(\.[0-9A-Za-z_-]+)*", re.ASCII)
_OWN_NAMES = frozenset({"state", "lock", "history", "probe"})
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?", re.ASCII)
_SUFFIX = ".json"
_LOCAL_SECONDS, _FETCH_SECONDS, _PUSH_SECONDS, _LIST_SECONDS = 5.0, 15.0, 14.0, 8.0
_RACES = (
    "stale info",
    "failed to update ref",
    "cannot lock ref",
    "already exists",
    "incorrect old value",
    "fetch first",
)
_REJECTED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)
_REFUSALS = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "askpass",
    "permission denied",
    "permission to",
    "returned error: 401",
    "returned error: 403",
    "returned error: 404",
    "access denied",
    "host key verification failed",
    "not found",
    "does not appear to be a git repository",
    "does not exist",
    "dubious ownership",
    "remote helper",
    "mismatched algorithms",
)


class _Object(Struct, frozen=True):
    id: str
    kind: str
    content: bytes


class GitStore:
    """The objects of one state in a git repository: a BlobStore whose versions are the ids of commits."""

    def __init__(
        self,
        location: Location,
        *,
        work_dir: Path,
        environ: Mapping[str, str],
        make_token: Callable[[], str],
        now: Callable[[], float] = time,
    ) -> None:
        _refuse_odd(location)
        self.location = location.text
        self._url = _url_for_git(location)
        self._refs = f"{_PLACES[location.options.get('refs')]}/{location.inside}/"
        self._work_dir = work_dir
        self._environ = environ
        self._make_token = make_token
        self._now = now
        remove_left_over(work_dir)

    def read(self, name: str) -> Blob | None:
        """Return an object, or None. The pattern lets a ref that is not there be no error."""
        with scratch_repository(self._work_dir) as at:
            refs = f"+{self._ref(name)}*:refs/in*"
            ran = self._git(at, "fetch", "--quiet", "--no-tags", self._url, refs, seconds=_FETCH_SECONDS)
            if ran.code != 0:
                raise self._failed("read", ran)
            asked = f"refs/in\nrefs/in:{_file(name)}\n".encode()
            ran = self._git(at, "cat-file", "--batch", given=asked, seconds=_LOCAL_SECONDS)
        if ran.code != 0:
            raise self._failed("read", ran)
        commit, file = _printed_objects(ran.out)
        if commit is None:
            return None
        if file is None or (commit.kind, file.kind) != ("commit", "blob"):
            raise BlobError(foreign(f"{self.location} ({self._ref(name)})"), is_refused=True)
        return Blob(file.content, commit.id)

    def write(self, name: str, content: bytes, *, replaces: str | None) -> str:
        """Write where the condition holds. What became of a push that failed is asked, not read from its words."""
        ref = self._ref(name)
        with scratch_repository(self._work_dir) as at:
            commit = self._commit(at, name, content)
            condition = f"--force-with-lease={ref}:{replaces or ''}"
            push = ("push", "--porcelain", "--no-verify", condition, self._url, f"{commit}:{ref}")
            pushed = self._git(at, *push, seconds=_PUSH_SECONDS)
            if pushed.code == 0:
                return commit
            listed = self._git(at, "ls-remote", self._url, ref, seconds=_LIST_SECONDS)
        if listed.code != 0:
            raise self._failed("written", pushed, is_unknown=True)
        tip = _tip(listed.out, ref)
        if tip == commit:
            return commit
        if tip != replaces:
            raise BlobConflictError(name)
        raise self._failed("written", pushed, is_unknown=not _rejection(pushed))

    def list(self, prefix: str) -> tuple[BlobName, ...]:
        """Return the names that begin so, with the times of their commits."""
        ref = self._refs + prefix
        with scratch_repository(self._work_dir) as at:
            refs = f"+{ref}*:refs/in/{prefix}*"
            fetch = ("fetch", "--quiet", "--no-tags", "--filter=blob:none", self._url, refs)
            ran = self._git(at, *fetch, seconds=_FETCH_SECONDS)
            if ran.code != 0:
                raise self._failed("read", ran)
            form = "--format=%(refname) %(committerdate:unix)"
            ran = self._git(at, "for-each-ref", form, "refs/in/", seconds=_LOCAL_SECONDS)
        lines = (line.split(" ") for line in ran.out.decode("utf-8", "replace").splitlines())
        return tuple(
            BlobName(line[0].removeprefix("refs/in/") + _SUFFIX, datetime.fromtimestamp(int(line[1] or "0"), UTC))
            for line in lines
        )

    def delete(self, name: str) -> None:
        """Remove an object; a remote takes it well where there is none."""
        with scratch_repository(self._work_dir) as at:
            ref = self._ref(name)
            ran = self._git(at, "push", "--porcelain", "--no-verify", self._url, f":{ref}", seconds=_PUSH_SECONDS)
            if ran.code == 0:
                return
            listed = self._git(at, "ls-remote", self._url, ref, seconds=_LIST_SECONDS)
        if listed.code != 0 or _tip(listed.out, ref) is not None:
            raise self._failed("written", ran, is_unknown=True)

    # --- git -----------------------------------------------------------------------------------------------

    def _ref(self, name: str) -> str:
        return self._refs + name.removesuffix(_SUFFIX)

    def _commit(self, at: Path, name: str, content: bytes) -> str:
        """Make a commit that is like no other, of nobody, and that starts no pipeline; return its id."""
        message = f"omnictl {self._make_token()} [skip ci]\n".encode()
        who = f"omnictl <omnictl@localhost> {int(self._now())} +0000"
        given = b"".join(
            (
                b"feature done\ncommit refs/out\nmark :1\n",
                f"author {who}\ncommitter {who}\ndata {len(message)}\n".encode(),
                message,
                f"M 100644 inline {_file(name)}\ndata {len(content)}\n".encode(),
                content,
                b"\nget-mark :1\ndone\n",
            )
        )
        ran = self._git(at, "fast-import", "--quiet", "--date-format=raw", given=given, seconds=_LOCAL_SECONDS)
        commit = ran.out.decode("ascii", "replace").strip()
        if ran.code != 0 or not _COMMIT.fullmatch(commit):
            raise self._failed("written", ran)
        return commit

    def _git(self, at: Path, *arguments: str, seconds: float, given: bytes = b"") -> Ran:
        try:
            return run_git(arguments, directory=at, environ=self._environ, timeout_seconds=seconds, given=given)
        except NoGitError as error:
            raise BlobError(no_git(str(error)), is_refused=True) from None

    def _failed(self, verb: str, ran: Ran, *, is_unknown: bool = False) -> BlobError:
        """Return the error of a call; its words decide nothing but whether it is of use to try again."""
        rejection = _rejection(ran)
        said = rejection or ran.said
        if ran.code is None:
            said = f"it did not answer in time{f' ({said})' if said else ''}"
        if rejection or (ran.code is not None and any(each in said.lower() for each in _REFUSALS)):
            told = refused(verb, self.location, said)
            return BlobError(told, is_refused=True, is_unknown=is_unknown, is_denied=not rejection)
        return BlobError(unreachable(verb, self.location, said), is_unknown=is_unknown)


def _file(name: str) -> str:
    return name.rpartition("/")[2]


def _printed_objects(batch: bytes) -> tuple[_Object | None, _Object | None]:
    """Return the two objects that ``cat-file --batch`` printed; None for one that is missing."""
    first, rest = _printed_object(batch)
    return first, _printed_object(rest)[0]


def _printed_object(batch: bytes) -> tuple[_Object | None, bytes]:
    line, _, rest = batch.partition(b"\n")
    words = line.decode("utf-8", "replace").split(" ")
    if words[-1] == "missing" or not words[-1].isdigit():
        return None, rest
    size = int(words[-1])
    return _Object(words[0], words[1], rest[:size]), rest[size + 1 :]


def _tip(listed: bytes, ref: str) -> str | None:
    """Return the commit of a ref in what ``ls-remote`` printed, which shows all refs that end so."""
    lines = (line.split("\t") for line in listed.decode("utf-8", "replace").splitlines())
    return next((line[0] for line in lines if line[1:] == [ref]), None)


def _rejection(pushed: Ran) -> str:
    """Return why a remote took a push for wrong in itself, such as a hook or a rule; nothing for a lost race."""
    found = _REJECTED.search(pushed.out.decode("utf-8", "replace"))
    reason = "" if found is None else "".join(each for each in found[1] if each.isprintable())
    if "remote rejected" not in reason or any(each in reason for each in _RACES):
        return ""
    return f"{reason}; {pushed.said}" if pushed.said else reason


def _url_for_git(location: Location) -> str:
    user = f"{location.username}@" if location.username else ""
    host = f"[{location.host}]" if ":" in location.host else location.host
    port = f":{location.port}" if location.port else ""
    return f"{location.scheme.removeprefix('git+')}://{user}{host}{port}{location.path}"


def _refuse_odd(location: Location) -> None:
    if not location.inside:
        raise UsageError(wrong_git_url("It does not say where the repository ends and the name of the state begins."))
    odd = next(
        (part for part in location.inside.split("/") if not _NAME.fullmatch(part) or part.endswith(".lock")), None
    )
    if odd is not None:
        number = location.inside.split("/").index(odd) + 1
        what = "letters, digits, _ - and single dots between them"
        raise UsageError(wrong_git_url(f"Part {number} behind the // is no part of a name: {what}."))
    taken = next((part for part in location.inside.split("/") if part in _OWN_NAMES), None)
    if taken is not None:
        raise UsageError(wrong_git_url(f"{taken} is the name of a ref of omnictl's own, so no part is called so."))
    options = dict(location.options)
    allows_http = options.pop("allow_http", "false") if location.scheme == "git+http" else "false"
    is_known = not set(options) - {"refs"} and options.get("refs") in _PLACES and allows_http in ("true", "false")
    if not is_known:
        raise UsageError(wrong_git_url("It has an option that is not known; there are refs=heads, allow_http=true."))
    if location.scheme == "git+http" and allows_http != "true":
        refuse_plain_http(location.host, location.host)
