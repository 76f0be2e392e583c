"""What can be wrong with a state in PostgreSQL, in words."""

from datetime import datetime

from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.state import State
from omnictl.state.base import LockHolder

_FORM = "postgresql://[USER@]HOST[:PORT]/DATABASE/NAME"


def not_a_state() -> Diagnostic:
    """Tell of a URL that names no database, or no state in it."""
    return Diagnostic(
        "wrong-database-url",
        Severity.ERROR,
        "The URL does not name a state in a database",
        f"It is not of the form {_FORM}.",
        hint="the first part of the path is the database, what follows is the name of the state, such as "
        "postgresql://db.example/omnictl/production; after a slash at the end comes the name of the environment",
    )


def not_a_schema() -> Diagnostic:
    """Tell of a name that is none of a schema."""
    return Diagnostic(
        "wrong-database-url",
        Severity.ERROR,
        "The URL does not name a state in a database",
        "schema= is a name of lower case letters, digits and _, and does not begin with pg_.",
        hint="leave it out for the usual one, omnictl",
    )


def no_such_option(name: str, known: tuple[str, ...]) -> Diagnostic:
    """Tell of an option that the URL may not have."""
    return Diagnostic(
        "wrong-database-url",
        Severity.ERROR,
        "The URL has an option that is not known",
        f"{name} is none of {', '.join(known)}, or has a value that it does not take.",
        hint="anything else of libpq is set by its variables (PGSERVICE, PGSSLKEY, PGPASSFILE)",
    )


def no_connection(where: str, said: str) -> Diagnostic:
    """Tell of a database that does not answer."""
    return Diagnostic(
        "no-database",
        Severity.ERROR,
        "The database of the state cannot be reached",
        f"{where}: {said}.",
        hint="check host, port and network, and whether it runs; then run the same command again",
    )


def database_refuses(where: str, said: str) -> Diagnostic:
    """Tell of a database that does not let us in."""
    return Diagnostic(
        "database-refuses",
        Severity.ERROR,
        "The database of the state does not let us in",
        f"{where}: {said}.",
        hint="check user and database of the URL, and the password: PGPASSWORD, a password file (PGPASSFILE), or a "
        "service (PGSERVICE); for encryption sslmode= and sslrootcert=",
    )


def connection_broke(where: str, said: str) -> Diagnostic:
    """Tell of a connection that ended while it was used."""
    return Diagnostic(
        "database-lost",
        Severity.ERROR,
        "The connection to the database of the state broke",
        f"{where}: {said}.",
        hint="run the same command again: it begins with what is stored",
    )


def database_said_no(where: str, said: str) -> Diagnostic:
    """Tell of a statement that the database refused."""
    return Diagnostic(
        "database-failed",
        Severity.ERROR,
        "The database of the state refused a statement",
        f"{where}: {said}. Nothing was changed by it.",
        hint="a standby takes no writes (target_session_attrs=read-write finds the primary); a missing privilege is "
        "granted as in docs/backends.md",
    )


def no_tables(where: str, said: str, statements: tuple[str, ...]) -> Diagnostic:
    """Tell of a schema that is not there and cannot be made; ``statements`` make it."""
    return Diagnostic(
        "no-state-schema",
        Severity.ERROR,
        "The tables for states are not there, and may not be made",
        f"{where}: {said}.",
        hint="let somebody who may run this once in the database",
        commands=statements,
    )


def only_reads(where: str, lacks: str, statements: tuple[str, ...]) -> Diagnostic:
    """Tell of a user who lacks what a write needs; ``statements`` are those of the whole set-up."""
    return Diagnostic(
        "database-read-only",
        Severity.NOTE,
        "The user of the database may only read",
        f"{where}: it lacks {lacks}. That is enough to plan; an apply would end before its first request.",
        hint="where it is to apply, let somebody run what is missing of this once in the database",
        commands=statements,
    )


def pooled(where: str, *, is_shared: bool = False) -> Diagnostic:
    """Tell of a pooler between us and the database; ``is_shared`` where two connections have one session."""
    how = "gives two connections the same session" if is_shared else "answers for another process than works for us"
    return Diagnostic(
        "pooled-connection",
        Severity.ERROR,
        "A pooler stands between omnictl and the database",
        f"{where} {how}. A pooler that changes sessions between transactions would let the lock go while it is held.",
        hint="use the address of the database itself, or of a pool in session mode with ?pooler=session",
    )


def lock_gone(where: str, state: State) -> Diagnostic:
    """Tell of a write that was not tried, since the lock is lost."""
    return Diagnostic(
        "database-lock-lost",
        Severity.ERROR,
        "The lock of the state was lost before the state was written",
        f"{where}: the connection that held it is gone, and it could not be taken again before somebody else had it. "
        f"Serial {state.serial} was not written.",
        hint="bring in what was saved beside you (state push), then run the same command again",
    )


def fate_unknown(where: str, state: State, said: str) -> Diagnostic:
    """Tell of a write of which nobody can say whether it happened."""
    return Diagnostic(
        "unknown-write",
        Severity.ERROR,
        "It is not known whether the state was written",
        f"{where}: the answer to the write of serial {state.serial} was lost, and the database cannot be asked: {said}",
        hint="once it can be reached, state pull tells which serial it has",
    )


def session_lives(holder: LockHolder | None, pid: int, called: str, since: datetime | None) -> Diagnostic:
    """Tell of a lock that is to be cleared and whose session lives on the server."""
    who = f"{holder.operation} (run {holder.run})" if holder else "a session"
    link = f"; see {holder.link}" if holder and holder.link else ""
    begun = f" since {since:%Y-%m-%d %H:%M:%SZ}" if since else ""
    named = f' "{called}"' if called else ""
    return Diagnostic(
        "lock-held",
        Severity.ERROR,
        "Somebody else works with this state",
        f"The lock is held by {who}: process {pid} of the server{named}, connected{begun}{link}. It was left alone.",
        hint="wait for it with --lock-timeout 10m, or end that run; if it is surely gone, an administrator ends its "
        f"session in the database with SELECT pg_terminate_backend({pid})",
    )


CODES = {
    "wrong-database-url": "The URL of a state in PostgreSQL does not name a database and a state, or has an option "
    "that a URL may not have.",
    "no-database": "The server of PostgreSQL that keeps the state does not answer: it is down, starting, or the "
    "network does not lead there.",
    "database-refuses": "The server of PostgreSQL refused user, password, database or encryption.",
    "database-lost": "The connection to PostgreSQL ended while it was used. Every write is settled by looking at what "
    "is stored, so this one was none, or did not happen.",
    "database-failed": "PostgreSQL refused a statement: a missing privilege, a standby, a time-out, a full disk.",
    "no-state-schema": "The first write makes a schema and two tables. The user of the URL may not; the statements for "
    "somebody who may are part of the message.",
    "database-read-only": "doctor looked at what the user of the database may do, and something that a write needs is "
    "missing. Who only plans needs no more; for an apply an administrator grants it.",
    "pooled-connection": "The lock lives as long as its session. A pooler in transaction mode gives each transaction "
    "another session, so a lock through it protects nothing.",
    "database-lock-lost": "The connection that held the lock broke, and somebody else may have held it since. The "
    "state was not written; it is saved beside the user.",
    "unknown-write": "The connection broke while the state was written, and the database could not be reached to look. "
    "The state is saved beside the user as well.",
}
