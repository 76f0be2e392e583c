"""The tables of a world. Times of scenarios and requests are seconds, those of messages whole milliseconds."""

FORMAT = 2
READABLE = (0, 1, FORMAT)
"""Format 1 had no messages: what it lacks is made when it is opened."""

TABLES = """
CREATE TABLE IF NOT EXISTS scenarios (
    key TEXT PRIMARY KEY, position INTEGER NOT NULL, body TEXT NOT NULL, is_default INTEGER NOT NULL,
    changed_at REAL NOT NULL, before TEXT, was_default INTEGER
);
CREATE TABLE IF NOT EXISTS later (id INTEGER PRIMARY KEY, at REAL NOT NULL, key TEXT, body TEXT NOT NULL, flag INTEGER);
CREATE TABLE IF NOT EXISTS later_sends (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, is_simple INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS requests (at REAL NOT NULL, operation TEXT NOT NULL, status INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS requests_by_operation ON requests (operation, at);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY AUTOINCREMENT, fault TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS behaviour (switches TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (stopped_at REAL, ahead REAL NOT NULL);
CREATE TABLE IF NOT EXISTS recipients (
    address TEXT NOT NULL, channel TEXT NOT NULL, persona TEXT NOT NULL, PRIMARY KEY (address, channel)
);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, bulk_id TEXT NOT NULL, scenario_key TEXT NOT NULL,
    recipient TEXT NOT NULL, callback TEXT, taken_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_id ON messages (message_id);
CREATE INDEX IF NOT EXISTS messages_by_bulk ON messages (bulk_id);
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, message INTEGER NOT NULL, row_id TEXT NOT NULL, channel TEXT NOT NULL,
    recipient TEXT NOT NULL, sender TEXT, text TEXT, sent_at INTEGER NOT NULL, segments INTEGER NOT NULL,
    mcc_mnc TEXT, price REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS steps_by_message ON steps (message);
CREATE INDEX IF NOT EXISTS steps_by_row ON steps (row_id);
CREATE INDEX IF NOT EXISTS steps_by_time ON steps (sent_at);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
    status_group INTEGER NOT NULL, error TEXT NOT NULL, taken_at INTEGER
);
CREATE INDEX IF NOT EXISTS events_by_step ON events (step);
CREATE INDEX IF NOT EXISTS events_unread ON events (at) WHERE taken_at IS NULL AND kind = 'report';
CREATE TABLE IF NOT EXISTS pushes (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL, url TEXT NOT NULL, due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS pushes_due ON pushes (due_at) WHERE state = 'due';
"""
CONTENTS = (
    "scenarios",
    "later",
    "later_sends",
    "requests",
    "clock",
    "messages",
    "steps",
    "events",
    "pushes",
)
"""What a reset empties. How the world behaves stays: switches, faults, recipients."""
