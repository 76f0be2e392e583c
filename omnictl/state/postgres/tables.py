"""The tables of states and locks in PostgreSQL: every version of a state is a row, the highest serial is the state."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import LiteralString

from msgspec import Struct
from psycopg import sql

from omnictl.state.postgres.link import Address, Connection, DatabaseError, Link
from omnictl.state.postgres.problems import no_tables

KEPT_VERSIONS = 10
_MISSING = ("42P01", "3F000")
_DENIED = "42501"
_MAKING = 7_205_759_403_792_794
"""The advisory lock under which the tables are made; of no other meaning."""

_SCHEMA: LiteralString = "CREATE SCHEMA {schema}"
_TABLES: tuple[LiteralString, ...] = (
    (
        "CREATE TABLE {schema}.states (name text NOT NULL, serial bigint NOT NULL, "
        "lineage text NOT NULL, "
        "content bytea NOT NULL, write_id text NOT NULL, began_run boolean NOT NULL DEFAULT false, "
        "written_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (name, serial))"
    ),
    (
        "CREATE TABLE {schema}.locks (name text PRIMARY KEY, status text NOT NULL, token text NOT NULL, "
        "holder text NOT NULL, pid integer NOT NULL, taken_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    ),
)
_GRANTS: tuple[LiteralString, ...] = (
    "GRANT USAGE ON SCHEMA {schema} TO {user}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.states, {schema}.locks TO {user}",
)

_LACKING: LiteralString = """
WITH s AS (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s),
  t AS (SELECT wanted.name, c.oid FROM (VALUES ('states'), ('locks')) AS wanted (name)
    LEFT JOIN pg_class AS c ON c.relname = wanted.name AND c.relnamespace = (SELECT oid FROM s)),
  lacks (n, what) AS (
    SELECT 1, 'a session that may write (this one is read-only, as a standby is)'
      WHERE current_setting('transaction_read_only') = 'on'
    UNION ALL SELECT 2, 'CREATE on the database' WHERE NOT EXISTS (SELECT FROM s)
      AND NOT has_database_privilege(current_database(), 'CREATE')
    UNION ALL SELECT 3, 'USAGE on the schema' FROM s WHERE NOT has_schema_privilege(s.oid, 'USAGE')
    UNION ALL SELECT 4, 'CREATE on the schema' FROM s WHERE NOT has_schema_privilege(s.oid, 'CREATE')
      AND EXISTS (SELECT FROM t WHERE t.oid IS NULL)
    UNION ALL SELECT 5, p || ' on ' || t.name FROM t, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
      WHERE t.oid IS NOT NULL AND NOT has_table_privilege(t.oid, p) AND (p <> 'DELETE' OR t.name = 'states'))
SELECT coalesce(string_agg(what, ', ' ORDER BY n, what), '') FROM lacks
"""
"""What a user lacks; the catalog knows it, so that nothing need be tried."""


class Row(Struct, frozen=True):
    """A stored version: its serial, the name of its write, its bytes."""

    serial: int
    write_id: str
    content: bytes


class Write(Struct, frozen=True):
    """A version to be stored in the place of another, or (None) of nothing; ``begins_run``: keep the one before."""

    serial: int
    lineage: str
    content: bytes
    write_id: str
    replaces: Row | None
    begins_run: bool


class Tables:
    """The rows of one state."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._schema = sql.Identifier(address.schema)

    def made(self, text: LiteralString, **names: str) -> sql.Composed:
        """Return a statement with its names."""
        identifiers = {key: sql.Identifier(value) for key, value in names.items()}
        return sql.SQL(text).format(schema=self._schema, **identifiers)

    # --- making them ---------------------------------------------------------------------------------------

    def ensure(self, link: Link) -> None:
        """Make the tables where they are not there. Raises DatabaseError with what an administrator has to run."""
        try:
            with link.using() as connection:
                if not self._missing(connection):
                    return
            with link.transaction(20) as connection:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
                for each in self._missing(connection):
                    connection.execute(self.made(each))
        except DatabaseError as error:
            if error.sqlstate != _DENIED:
                raise
            said = error.diagnostics[0].detail.partition(": ")[2].partition(". Nothing")[0]
            statements = statements_for(self._address.schema, link.user)
            raise DatabaseError(no_tables(self._address.shown, said, statements), is_refused=True) from None

    def _missing(self, connection: Connection) -> tuple[LiteralString, ...]:
        """Return the statements that make what is not there; the catalog is asked, for to_regclass remembers."""
        found = connection.execute(
            "SELECT NULL FROM pg_namespace WHERE nspname = %s UNION ALL SELECT relname FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND relname IN ('states', 'locks')",
            (self._address.schema, self._address.schema),
        ).fetchall()
        names = [each[0] for each in found]
        makers = ((None, _SCHEMA), ("states", _TABLES[0]), ("locks", _TABLES[1]))
        return tuple(maker for name, maker in makers if name not in names)

    def lacking(self, link: Link) -> str:
        """Return what this user lacks to write, in the words of SQL; empty where nothing does. Nothing is changed."""
        with link.using() as connection:
            found = connection.execute(_LACKING, {"schema": self._address.schema}).fetchone()
        return "" if found is None else str(found[0])

    # --- reading -------------------------------------------------------------------------------------------

    def ask(
        self, link: Link, text: LiteralString, values: Sequence[object] = (), *, seconds: float = 20
    ) -> list[tuple[object, ...]]:
        """Return the rows of a question; none where the tables are not there yet."""
        try:
            with link.using(seconds) as connection:
                return connection.execute(self.made(text), values, binary=True).fetchall()
        except DatabaseError as error:
            if error.sqlstate in _MISSING:
                return []
            raise

    def top(self, link: Link) -> Row | None:
        """Return the version that is the state."""
        found = self.ask(
            link,
            "SELECT serial, write_id, content FROM {schema}.states WHERE name = %s ORDER BY serial DESC LIMIT 1",
            (self._address.name,),
        )
        return _row(found[0]) if found else None

    def has(self, link: Link, write_id: str) -> bool:
        """Tell whether a write has happened."""
        text: LiteralString = "SELECT 1 FROM {schema}.states WHERE name = %s AND write_id = %s"
        return bool(self.ask(link, text, (self._address.name, write_id)))

    def version(self, link: Link, lineage: str, serial: int) -> bytes | None:
        """Return a kept version."""
        found = self.ask(
            link,
            "SELECT content FROM {schema}.states WHERE name = %s AND lineage = %s AND serial = %s",
            (self._address.name, plain(lineage), serial),
        )
        return _bytes(found[0][0]) if found else None

    def versions(self, link: Link) -> list[tuple[str, int, datetime]]:
        """Return lineage, serial and time of the kept versions, the last written first."""
        found = self.ask(
            link,
            "SELECT lineage, serial, written_at FROM {schema}.states AS one WHERE name = %s AND began_run AND serial < "
            "(SELECT max(serial) FROM {schema}.states WHERE name = one.name) ORDER BY written_at DESC, serial DESC",
            (self._address.name,),
        )
        return [(str(lineage), as_int(serial), _time(at)) for lineage, serial, at in found]

    # --- writing -------------------------------------------------------------------------------------------

    def insert(self, link: Link, write: Write, *, key: int, seconds: float) -> bool:
        """Store a version where the highest is still the one that it replaces; tell whether it was."""
        name, before = self._address.name, write.replaces
        with link.transaction(seconds) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (key,))
            now = connection.execute(
                self.made("SELECT write_id FROM {schema}.states WHERE name = %s ORDER BY serial DESC LIMIT 1"), (name,)
            ).fetchone()
            if (now[0] if now else None) != (before.write_id if before else None):
                return False
            connection.execute(
                self.made(
                    "INSERT INTO {schema}.states (name, serial, lineage, content, write_id) VALUES (%s, %s, %s, %s, %s)"
                ),
                (name, write.serial, plain(write.lineage), write.content, write.write_id),
            )
            if before is not None:
                self._prune(connection, before, write)
        return True

    def _prune(self, connection: Connection, before: Row, write: Write) -> None:
        """Keep the version that the run began with, and of those the last; the steps of runs go."""
        name = self._address.name
        if write.begins_run:
            connection.execute(
                self.made("UPDATE {schema}.states SET began_run = true WHERE name = %s AND serial = %s"),
                (name, before.serial),
            )
        connection.execute(
            self.made(
                "DELETE FROM {schema}.states WHERE name = %s AND serial < %s AND (NOT began_run OR (lineage = %s AND "
                "serial NOT IN (SELECT serial FROM {schema}.states WHERE name = %s AND lineage = %s AND began_run "
                "ORDER BY serial DESC LIMIT %s)))"
            ),
            (name, write.serial, plain(write.lineage), name, plain(write.lineage), KEPT_VERSIONS),
        )


def statements_for(schema: str, user: str) -> tuple[str, ...]:
    """Return what an administrator runs, once, for a user that may not make anything."""
    names = {"schema": sql.Identifier(schema), "user": sql.Identifier(user)}
    return tuple(f"{sql.SQL(each).format(**names).as_string()};" for each in (_SCHEMA, *_TABLES, *_GRANTS))


def plain(text: str) -> str:
    """Return any text as one that every database takes; a usual one is as it was."""
    return text.encode("unicode_escape").decode()


def _row(found: tuple[object, ...]) -> Row:
    serial, write_id, content = found
    return Row(as_int(serial), str(write_id), _bytes(content))


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def as_int(value: object) -> int:
    """Return a number of the database."""
    assert isinstance(value, int)
    return value


def _time(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value.astimezone(UTC)
