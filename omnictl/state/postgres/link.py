"""A connection to PostgreSQL on which nobody waits for longer than is said, and whose errors are ours.

What libpq reads from the environment (PGPASSWORD, PGPASSFILE, PGSERVICE and their kin) it reads by itself: no password
passes through here.
"""

import logging
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import RLock, Timer
from typing import TypeAlias
from urllib.parse import unquote

import psycopg
from msgspec import Struct
from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo

from omnictl.errors import StateError, UsageError
from omnictl.model.diagnostic import Diagnostic
from omnictl.state.location import Location
from omnictl.state.postgres.problems import (
    connection_broke,
    database_refuses,
    database_said_no,
    no_connection,
    no_such_option,
    not_a_schema,
    not_a_state,
)
from omnictl.threads import leaving_signals

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what it has to say comes as an error

STATEMENT_SECONDS = 10
SESSION_SECONDS = 60
"""How long a session lives on the server without a sign of life from its client, where it can be told so."""

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]

_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "target_session_attrs", "connect_timeout", "channel_binding", "host")
"""What a URL may say to libpq. ``host`` is the folder of a socket."""
OURS = ("schema", "pooler")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_REFUSED = re.compile(
    r"password|authentication|pg_hba|role \"|database \"|permission denied|certificate|not support SSL", re.IGNORECASE
)
_QUICK_CLIENT = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "client_encoding": "UTF8",
}


class Address(Struct, frozen=True):
    """Where a state is: what libpq is told, our schema, and the name of the state in it."""

    shown: str
    parameters: Mapping[str, str]
    schema: str
    name: str
    takes_pooler: bool = False


def read_address(location: Location) -> Address:
    """Return the parts of a URL. Raises UsageError."""
    database, _, name = location.path.removeprefix("/").partition("/")
    database, name = unquote(database), unquote(name)
    if not database or not name or not name.isprintable() or not database.isprintable():
        raise UsageError(not_a_state())
    options = dict(location.options)
    schema = options.pop("schema", "omnictl")
    if not _SCHEMA.fullmatch(schema) or schema.startswith("pg_"):
        raise UsageError(not_a_schema())
    pooler = options.pop("pooler", "")
    unknown = next((each for each in options if each not in _OPTIONS), None)
    if unknown is not None or pooler not in ("", "session"):
        raise UsageError(no_such_option(unknown or "pooler", (*_OPTIONS, *OURS)))
    parameters = {**_QUICK_CLIENT, "dbname": database, **options}
    if location.host:
        parameters["host"] = location.host
    if location.port:
        parameters["port"] = str(location.port)
    if location.username:
        parameters["user"] = unquote(location.username)
    return Address(location.text, parameters, schema, name, pooler == "session")


class DatabaseError(StateError):
    """The database could not be used. ``is_broken`` where the connection is gone, and what was sent may have happened;
    ``is_refused`` where trying again is of no use."""

    def __init__(
        self, diagnostic: Diagnostic, *, is_broken: bool = False, is_refused: bool = False, sqlstate: str | None = None
    ) -> None:
        super().__init__(diagnostic)
        self.is_broken = is_broken
        self.is_refused = is_refused
        self.sqlstate = sqlstate


class Link:
    """One connection. It is used by one thread at a time."""

    def __init__(self, connection: Connection, address: Address) -> None:
        self._connection = connection
        self._address = address
        self._line = socket.fromfd(connection.pgconn.socket, socket.AF_INET, socket.SOCK_STREAM)
        self._turn = RLock()

    @property
    def user(self) -> str:
        """As whom it is connected."""
        return self._connection.info.user

    @property
    def announced_pid(self) -> int:
        """The process that the other end said it is when we came."""
        return self._connection.pgconn.backend_pid

    @contextmanager
    def using(self, seconds: float = STATEMENT_SECONDS + 2) -> Iterator[Connection]:
        """Use the connection for so long at most; it is cut then. Raises DatabaseError."""
        with self._turn:
            timer = Timer(seconds, self._cut)
            timer.daemon = True
            with leaving_signals():
                timer.start()
            try:
                yield self._connection
            except psycopg.Error as error:
                raise self._told(error) from None
            finally:
                timer.cancel()

    @contextmanager
    def transaction(self, seconds: float) -> Iterator[Connection]:
        """Use the connection for one transaction, done when the context ends; see ``using``."""
        with self.using(seconds) as connection, connection.transaction():
            yield connection

    def _cut(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def _told(self, error: psycopg.Error) -> DatabaseError:
        if self._connection.closed or self._connection.broken:
            return DatabaseError(connection_broke(self._address.shown, _first_line(error)), is_broken=True)
        said = error.diag.message_primary or _first_line(error)
        return DatabaseError(database_said_no(self._address.shown, _clean(said)), sqlstate=error.sqlstate)

    def has_ended(self) -> bool:
        """Tell whether the other end has hung up, without asking it; False while somebody waits for an answer."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            for _ in range(2):  # the reason may come before the end
                self._connection.pgconn.consume_input()
        except psycopg.Error:
            return True
        finally:
            self._turn.release()
        return self._connection.closed

    @property
    def is_closed(self) -> bool:
        """Whether it can be used no more."""
        return self._connection.closed

    def close(self) -> None:
        """Hang up; a transaction that is open is given up by the server."""
        with suppress(psycopg.Error):
            self._connection.close()
        self._line.close()


_SETTINGS = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": f"{STATEMENT_SECONDS}s",
    "search_path": "pg_catalog, pg_temp",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "4",
}


def connect(address: Address, called: str = "omnictl", *, session_seconds: float = SESSION_SECONDS) -> Link:
    """Connect, and tell the session when to end itself. Raises DatabaseError."""
    parameters = {**address.parameters, "application_name": called[:63]}
    try:
        connection = psycopg.connect(make_conninfo(**parameters), autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise _no_connection(address, error) from None
    link = Link(connection, address)
    try:
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        with link.using() as opened:
            _set_up(opened, session_seconds, takes_pooler=address.takes_pooler)
    except BaseException:
        link.close()
        raise
    return link


def _set_up(connection: Connection, session_seconds: float, *, takes_pooler: bool) -> None:
    """Give the session its settings; not one of a pooler, which others would get with them."""
    ends = f"{int(session_seconds * 1000)}ms"
    settings = {**_SETTINGS, "idle_in_transaction_session_timeout": ends}
    if connection.info.server_version >= 120000:
        settings["tcp_user_timeout"] = ends
    if connection.info.server_version >= 140000:
        settings["idle_session_timeout"] = ends
    wanted = [part for item in settings.items() for part in item]
    values = ", ".join(["(%s, %s)"] * len(settings))
    connection.execute(
        f"SELECT set_config(name, value, false) FROM (VALUES {values}, "  # noqa: S608 - only placeholders are put in
        "('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
        "ELSE current_setting('synchronous_commit') END)) AS wanted (name, value) WHERE %s OR pg_backend_pid() = %s",
        [*wanted, takes_pooler, connection.pgconn.backend_pid],
    )


@contextmanager
def linked(open_link: Callable[[], Link]) -> Iterator[Link]:
    """Use a connection of its own, and hang up."""
    link = open_link()
    try:
        yield link
    finally:
        link.close()


def _no_connection(address: Address, error: psycopg.Error) -> DatabaseError:
    said = _first_line(error)
    if _REFUSED.search(said):
        return DatabaseError(database_refuses(address.shown, said), is_refused=True)
    return DatabaseError(no_connection(address.shown, said), is_broken=True)


def _first_line(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _clean(lines[0] if lines else type(error).__name__)


def _clean(text: str) -> str:
    """Return a text of the database without the password, should it ever stand in one; at most 300 characters."""
    password = os.environ.get("PGPASSWORD")
    shown = text.replace(password, "***") if password else text
    return shown[:300].rstrip(".")
