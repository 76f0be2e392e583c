"""The tables of a ledger, and the steps that bring an older file to them."""

import sqlite3
from collections.abc import Callable
from typing import TypeAlias

from omnictl.codec.deliveries import decode_report
from omnictl.codec.messages import decode_message
from omnictl.codec.shapes import parse_json
from omnictl.ledger.hashing import Hasher
from omnictl.ledger.times import to_number

APPLICATION_ID = 0x6F6D6E69
"""What the header of the file says: an SQLite file of omnictl ("omni")."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, scenario TEXT NOT NULL,
    message_digest TEXT NOT NULL, recipients_digest TEXT NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER,
    is_keyed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_by_message ON runs (scenario, message_digest);

CREATE TABLE vias (number INTEGER PRIMARY KEY, scenario TEXT NOT NULL, via TEXT NOT NULL UNIQUE);

CREATE TABLE contents (number INTEGER PRIMARY KEY, digest BLOB UNIQUE, message TEXT);

CREATE TABLE batches (
    number INTEGER PRIMARY KEY, bulk_id TEXT NOT NULL UNIQUE, run INTEGER NOT NULL REFERENCES runs,
    via INTEGER NOT NULL REFERENCES vias, content INTEGER NOT NULL REFERENCES contents, scenario_key TEXT NOT NULL,
    callback_data TEXT, sent_at INTEGER NOT NULL, send_at INTEGER
);
CREATE INDEX batches_by_run ON batches (run);
CREATE INDEX batches_by_content ON batches (content);

CREATE TABLE messages (
    number INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, run INTEGER NOT NULL REFERENCES runs,
    batch INTEGER NOT NULL REFERENCES batches, recipient TEXT, recipient_hash BLOB NOT NULL, address_hashes BLOB,
    fate TEXT NOT NULL DEFAULT 'unknown', receipt INTEGER
);
CREATE INDEX messages_by_batch ON messages (batch);
CREATE INDEX messages_by_recipient ON messages (run, recipient_hash) WHERE fate <> 'not tried';
CREATE INDEX messages_unknown ON messages (batch) WHERE fate = 'unknown';

CREATE TABLE receipts (
    message INTEGER NOT NULL REFERENCES messages, number INTEGER NOT NULL, at INTEGER NOT NULL, fate TEXT NOT NULL,
    status TEXT, reason TEXT NOT NULL DEFAULT '', PRIMARY KEY (message, number)
) WITHOUT ROWID;

CREATE TABLE tallies (run INTEGER NOT NULL, fate TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (run, fate))
WITHOUT ROWID;
CREATE TRIGGER count_message AFTER INSERT ON messages BEGIN
    INSERT INTO tallies VALUES (new.run, new.fate, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER count_fate AFTER UPDATE OF fate ON messages WHEN old.fate <> new.fate BEGIN
    UPDATE tallies SET count = count - 1 WHERE run = old.run AND fate = old.fate;
    INSERT INTO tallies VALUES (new.run, new.fate, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TABLE gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, opened_at INTEGER NOT NULL, query TEXT NOT NULL, state TEXT NOT NULL,
    closed_at INTEGER
);
CREATE INDEX gaps_by_state ON gaps (state);

CREATE TABLE replies (
    number INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL, gap INTEGER REFERENCES gaps, body BLOB
);

CREATE TABLE reports (
    position INTEGER PRIMARY KEY AUTOINCREMENT, identity BLOB NOT NULL UNIQUE, received_at INTEGER NOT NULL,
    reply INTEGER NOT NULL REFERENCES replies, message_id TEXT NOT NULL, bulk_id TEXT, callback_bulk TEXT,
    to_hash BLOB, message INTEGER REFERENCES messages, report TEXT NOT NULL, raw BLOB
);
CREATE INDEX reports_by_message ON reports (message) WHERE message IS NOT NULL;
CREATE INDEX unmatched_by_message_id ON reports (message_id) WHERE message IS NULL;
CREATE INDEX unmatched_by_bulk_id ON reports (bulk_id) WHERE message IS NULL;
CREATE INDEX unmatched_by_callback ON reports (callback_bulk) WHERE message IS NULL;

CREATE TABLE other_texts (
    report INTEGER NOT NULL REFERENCES reports, source TEXT NOT NULL, reply INTEGER NOT NULL REFERENCES replies,
    raw BLOB
);
CREATE INDEX other_texts_by_report ON other_texts (report);
"""

SEEN_TABLE = """
CREATE TABLE seen (
    number INTEGER PRIMARY KEY AUTOINCREMENT, identity BLOB NOT NULL UNIQUE, received_at INTEGER NOT NULL,
    reply INTEGER NOT NULL REFERENCES replies, message_id TEXT NOT NULL, to_hash BLOB, seen TEXT NOT NULL, raw BLOB
);
CREATE INDEX seen_by_message_id ON seen (message_id);
"""

Step: TypeAlias = Callable[[sqlite3.Connection, Hasher], None]


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run statements one by one, inside of the transaction that is open; ``executescript`` would end it."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all tables of the newest format."""
    run_script(connection, TABLES + SEEN_TABLE)


def _add_seen_and_hashes_of_targets(connection: sqlite3.Connection, hasher: Hasher) -> None:
    """From 1: there were no seen reports, and a report said nothing of its recipient once it was purged."""
    run_script(connection, SEEN_TABLE)
    connection.execute("ALTER TABLE reports ADD COLUMN to_hash BLOB")
    rows = connection.execute("SELECT position, report FROM reports")
    for position, text in rows.fetchall():
        to = decode_report(parse_json(text), "report").to
        connection.execute("UPDATE reports SET to_hash = ? WHERE position = ?", (hash_to(hasher, to), position))


def hash_to(hasher: Hasher, to: str) -> bytes:
    """Return the hash that a row keeps of its recipient when the address itself is purged."""
    return hasher.hash_target(to)[-1]


def _add_times_of_scheduled(connection: sqlite3.Connection, _: Hasher) -> None:
    """From 2: when a message was scheduled for stood in its content alone, which a purge takes away."""
    connection.execute("ALTER TABLE batches ADD COLUMN send_at INTEGER")
    rows = connection.execute("SELECT number, message FROM contents WHERE message IS NOT NULL").fetchall()
    for number, text in rows:
        send_at = decode_message(parse_json(text), "message").send_at
        if send_at is not None:
            connection.execute("UPDATE batches SET send_at = ? WHERE content = ?", (to_number(send_at), number))


UPGRADES: tuple[Step, ...] = (_add_seen_and_hashes_of_targets, _add_times_of_scheduled)
"""The step at index N makes format N + 2 of format N + 1."""

VERSION = len(UPGRADES) + 1
