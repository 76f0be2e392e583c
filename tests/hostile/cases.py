"""Hostile files, made when they are needed: what must not lie in git, or would not survive it."""

import json
from collections.abc import Callable
from dataclasses import dataclass

GOOD = "id: a\nname: a\nflow:\n  - channel: SMS\n    from: InfoSMS\n"
K = 1000
DEEP = 100 * K


@dataclass(frozen=True)
class Case:
    """A file, the code of its first error (empty: it is fine), and the line that the error names, where it has one."""

    name: str
    make: Callable[[], str | bytes]
    code: str = ""
    line: int | None = None
    ending: str = "yaml"

    @property
    def content(self) -> bytes:
        made = self.make()
        return made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made


def _json(fields: str) -> str:
    return '{"id": "a", "flow": [{"channel": "SMS", "from": "x"}],\n' + fields + "}"


def _multiplied(first: str, rest: str, again: str) -> str:
    """Return lines, each of which names the one before ten times."""
    return first + "".join(rest.format(i, ",".join([again.format(i - 1)] * 10)) for i in range(1, 12))


BYTES = [
    Case("random", lambda: bytes((i * 7919 + i // 3) % 256 for i in range(4096)), "not-utf-8", 1),
    Case("empty", lambda: "", "empty-file"),
    Case("comments alone", lambda: "# one\n# two\n", "empty-file"),
    Case("separators alone", lambda: "---\n" * DEEP, "empty-file"),
    Case("a byte order mark", lambda: "\ufeff" + GOOD),
    Case("UTF-16", lambda: GOOD.encode("utf-16"), "not-utf-8", 1),
    Case("UTF-16 without a mark", lambda: GOOD.encode("utf-16-le"), "not-yaml", 1),
    Case("UTF-32", lambda: GOOD.encode("utf-32"), "not-utf-8", 1),
    Case("Latin-1", lambda: (GOOD + "description: \xe4\n").encode("latin-1"), "not-utf-8", 6),
    Case("a surrogate in UTF-8", lambda: GOOD.encode() + b"description: \xed\xa0\x80\n", "not-utf-8", 6),
    Case("NUL", lambda: GOOD + 'description: "\0"\n', "not-yaml", 6),
    Case("an escape sequence", lambda: GOOD + "description: \x1b[2J\n", "not-yaml", 6),
    Case("C1", lambda: GOOD + "description: \x9b2J\n", "not-yaml", 6),
    Case("returns alone", lambda: GOOD.replace("\n", "\r")),
    Case("tabs alone", lambda: "\t" * 900 * K, "not-yaml", 1),
]
NESTED = [
    Case("lists", lambda: "[" * DEEP + "]" * DEEP, "too-deep", 1),
    Case("lists without an end", lambda: "[" * DEEP, "too-deep", 1),
    Case("mappings", lambda: "{a: " * DEEP, "too-deep", 1),
    Case("dashes", lambda: "- " * DEEP, "too-deep", 1),
    Case("keys that are keys", lambda: "? " * DEEP, "too-deep", 1),
    Case("steps to the right", lambda: "\n".join(" " * i + "a:" for i in range(1000)), "too-deep", 42),
    Case("JSON lists", lambda: "[" * DEEP, "too-deep", 1, "json"),
    Case("JSON mappings", lambda: '{"a":' * DEEP, "too-deep", 1, "json"),
]
MULTIPLIED = [
    Case("laughs", lambda: _multiplied("a0: &a0 [x]\n", "a{0}: &a{0} [{1}]\n", "*a{}"), "too-many-aliases"),
    Case("merges", lambda: _multiplied("a0: &a0 {x: y}\n", "a{0}: &a{0} {{<<: [{1}]}}\n", "*a{}"), "too-many-aliases"),
    Case("square", lambda: f"a: &a [{'x,' * 10 * K}]\nb: [{'*a,' * 10 * K}]\n", "too-many-aliases"),
    Case("a long text", lambda: f"a: &a {'x' * 300 * K}\nflow: [{'*a,' * 100 * K}]\n", "too-many-aliases", 1),
    Case("merged again and again", lambda: "m: &m {a: x}\n" + "".join(f"n{i}: {{<<: *m}}\n" for i in range(5 * K)),
         "unknown-key"),
    Case("a list in itself", lambda: "&a [*a]\n", "recursive-alias", 1),
    Case("a mapping in itself", lambda: "a: &a {b: *a}\n", "recursive-alias", 1),
    Case("merged into itself", lambda: "a: &a {<<: *a}\n", "recursive-alias", 1),
    Case("a key in itself", lambda: "&a {*a : x}\n", "bad-key", 1),
    Case("an alias of nothing", lambda: GOOD + "description: *b\n", "not-yaml", 6),
    Case("a variable named often", lambda: GOOD.replace("name: a", f'name: "{"${var.x}" * 90 * K}"'),
         "too-much-text", 2),
    Case("an unknown variable named often", lambda: GOOD.replace("name: a", f'name: "{"${var.z}" * 90 * K}"'),
         "unknown-variable", 2),
]  # fmt: skip
LONG = [
    Case("100 MB", lambda: b"x" * 100_000_000, "file-too-large"),
    Case("a line", lambda: "name: " + "x" * 1000 * K, "missing-key", 1),
    Case("a key", lambda: "x" * 1000 * K + ": 1\n", "not-yaml", 1),
    Case("a key in quotes", lambda: f'"{"x" * 900}": 1\n', "key-too-long", 1),
    Case("a key above many values", lambda: f"? {'x' * 500 * K}\n: [{'1,' * 50 * K}]\n", "key-too-long", 1),
    Case("a JSON key above many values", lambda: f'{{"{"x" * 500 * K}": [{"1," * 50 * K}1]}}',
         "key-too-long", 1, "json"),
    Case("quotes", lambda: '"' * 1000 * K, "wrong-type", 1),
    Case("a channel", lambda: GOOD.replace("SMS", "S" * 500 * K, 1), "unknown-channel", 4),
    Case("an index", lambda: GOOD + f'lifecycle: {{ignore_changes: [{{field: "flow[{"9" * 5000}].from"}}]}}\n',
         "no-such-step", 6),
    Case("a path", lambda: GOOD + f"message_file: {'a/' * 50 * K}\n", "missing-message-file", 6),
    Case("an open reference", lambda: GOOD.replace("name: a", f'name: "{"${" * 300 * K}"'), "bad-reference", 2),
    Case("a credential that never comes", lambda: f"x: token{' ' * 900 * K}\n@", "not-yaml", 2),
]  # fmt: skip
MANY = [
    Case("steps", lambda: "id: a\nname: a\nflow:\n" + "- {channel: SMS}\n" * 50 * K, "too-many-elements", 4),
    Case("wrong steps", lambda: "id: a\nname: a\nflow:\n" + "- {chanel: SM}\n" * 5 * K, "too-many-elements", 4),
    Case("keys", lambda: GOOD + "".join(f"k{i}: x\n" for i in range(10 * K)), "unknown-key", 6),
    Case("the same key", lambda: GOOD + "name: x\n" * 10 * K, "duplicate-key", 6),
    Case("labels", lambda: GOOD + f"labels: {{{','.join(f'x{i}: y' for i in range(10 * K))}}}\n",
         "too-many-elements", 6),
    Case("previous ids", lambda: GOOD + f"previous_ids: [{','.join(f'x{i}' for i in range(10 * K))}]\n",
         "too-many-elements", 6),
    Case("environments", lambda: GOOD + f"only_in: [{','.join(f'x{i}' for i in range(10 * K))}]\n",
         "too-many-elements", 6),
    Case("the same document", lambda: ("---\n" + GOOD) * 2 * K, "duplicate-id", 8),
    Case("documents", lambda: "--- x\n" * 20 * K, "wrong-type", 1),
]  # fmt: skip
BENT = [
    Case("1e400", lambda: _json('"name": 1e400'), "wrong-type", 2, "json"),
    Case("NaN", lambda: _json('"name": NaN'), "not-json", 2, "json"),
    Case("Infinity", lambda: _json('"name": -Infinity'), "not-json", 2, "json"),
    Case("digits", lambda: _json(f'"name": "a", "default": {"9" * 5000}'), "wrong-type", 2, "json"),
    Case("half a character", lambda: _json('"name": "\\ud800"'), "half-character", 2, "json"),
    Case("half a character in a key", lambda: _json('"\\udfff": "a"'), "half-character", 2, "json"),
    Case("half a character in YAML", lambda: 'name: "\\ud800"\n', "not-yaml", 1),
    Case("no character at all", lambda: 'name: "\\UFFFFFFFF"\n', "not-yaml", 1),
    Case("a NUL that is escaped", lambda: GOOD + 'message_file: "a\\0b"\n', "wrong-form", 6),
    Case("a flag", lambda: GOOD + "default: yes\n", "bent-value", 6),
    Case("octal, sexagesimal and the like are texts", lambda: GOOD + "description: 1:30\nlabels: {a: 0o17, b: -0}\n"),
    Case("the same key in JSON", lambda: _json('"name": "a", "name": "b"'), "duplicate-key", 2, "json"),
    Case("a tag", lambda: "id: !!python/object:os.system a\n", "custom-tag", 1),
    Case("a tag of one's own", lambda: "%TAG ! tag:x,2000:\n---\nid: !foo a\n", "custom-tag", 3),
    Case("an endless version", lambda: "%YAML 9999999999.1\n---\nid: a\n", "not-yaml", 1),
    Case("collections everywhere", lambda: "id: {}\nname: []\nflow: {a: b}\ndefault: []\nimport: []\nlifecycle: []\n"
         "labels: x\nmessage_file: []\nprevious_ids: [{a: b}, [c]]\nonly_in: {a: b}\n", "wrong-type", 1),
]  # fmt: skip
SCENARIOS = [*BYTES, *NESTED, *MULTIPLIED, *LONG, *MANY, *BENT]


def _payload(value: str) -> str:
    return f'{{"push": {{"text": "a",\n"customPayload": {{"a": {value}}}}}}}'


_OF_ANY_FILE = ("random", "UTF-16", "separators alone", "tabs alone", "laughs", "merges", "square", "a list in itself")
MESSAGES = [
    *(each for each in (*BYTES, *MULTIPLIED) if each.name in _OF_ANY_FILE),
    *NESTED,
    Case("100 MB", lambda: b"x" * 100_000_000, "file-too-large"),
    Case("a text", lambda: f"sms: {{text: '{'a' * 1000 * K}'}}\n"),
    Case("a text of pictures", lambda: f"sms: {{text: '{chr(0x1F600) * 250 * K}'}}\n"),
    Case("a text that is too long", lambda: f"push: {{text: '{'a' * 1000 * K}'}}\n", "text-too-long", 1),
    Case("a text that steers", lambda: 'sms: {text: "\\e]0;x\\a\\u202e"}\nsmss: {"\\e[2J": x}\n', "unknown-key", 2),
    Case("a payload that is deep", lambda: _payload("[" * 35 + "]" * 35), "", None, "json"),
    Case("a payload that is too deep", lambda: _payload("[" * DEEP), "too-deep", 2, "json"),
    Case("a payload of many", lambda: _payload(f"[{'1,' * 100 * K}1]"), "", None, "json"),
    Case("a payload beyond all numbers", lambda: _payload(f"[{'1e400,' * 30 * K}1]"), "wrong-value", 2, "json"),
    Case("a payload of digits", lambda: _payload("9" * 5000), "", None, "json"),
    Case("half a character", lambda: _payload('"\\ud800"'), "half-character", 2, "json"),
    Case("values of a template", lambda: "vKontakte:\n  templateName: a\n  templateData: {"
         + ",".join(f"k{i}: v" for i in range(8 * K)) + "}\n", "too-many-elements", 3),
    Case("buttons", lambda: f"kakaoAlim:\n  buttons: [{'{x: y},' * 8 * K}]\n", "too-many-elements", 2),
    Case("keys", lambda: "".join(f"k{i}: x\n" for i in range(10 * K)), "unknown-key", 1),
    Case("a period of digits", lambda: f"sms: {{text: a, validityPeriod: {'9' * 5000}}}\n", "wrong-type", 1),
    Case("a time of digits", lambda: f"sendAt: {'9' * 5000}-01-01T00:00Z\n", "wrong-form", 1),
    Case("an endless address", lambda: f"notifyUrl: https://{'x' * 900 * K}\n"),
    Case("a variable named often", lambda: f"sms: {{text: '{'${var.x}' * 90 * K}'}}\n", "too-much-text", 1),
    Case("messages", lambda: "---\nsms: {text: a}\n" * 9 * K, "several-documents", 4),
]  # fmt: skip

SETTINGS = [
    Case("empty", lambda: "", "empty-file"),
    Case("binary", lambda: b"\x80\x81", "not-utf-8", 1),
    Case("deep", lambda: "[" * DEEP, "too-deep", 1),
    Case("documents", lambda: "version: 1\n---\nversion: 1\n", "several-documents", 3),
    Case("environments", lambda: "version: 1\nenvironments: {" + ",".join(f"e{i}: {{}}" for i in range(5 * K)) + "}\n",
         "too-many-elements", 2),
    Case("wrong environments", lambda: "version: 1\nenvironments:\n" + "".join(f"  E{i}: [x]\n" for i in range(5 * K)),
         "too-many-elements", 3),
    Case("a budget beyond all numbers", lambda: "version: 1\nenvironments:\n  a:\n    budgets: {create: {limit: "
         + "9" * 5000 + ", window_seconds: 1e400}}\n", "wrong-type", 4),
    Case("paths with NUL", lambda: 'version: 1\nscenarios: ["a\\0b"]\n', "missing-path"),
    Case("a version without end", lambda: f"version: 1\nrequires: '{'>=1,' * 100 * K}'\n", "wrong-version", 2),
    Case("a version of many digits", lambda: f"version: 1\nrequires: '>={'9' * 5000}'\n", "wrong-version", 2),
]  # fmt: skip

_STATE = {"format_version": 1, "kind": "state", "environment": "default", "lineage": "l", "serial": 1, "records": {}}


def _state(**fields: object) -> str:
    return json.dumps({**_STATE, **fields})


def _record(**fields: object) -> dict[str, object]:
    return {"a": {"key": "K", "applied": {"name": "a", "flow": []}, **fields}}


DOCUMENTS = [
    Case("empty", lambda: ""),
    Case("binary", lambda: b"\x00\xff" * 100),
    Case("UTF-16", lambda: _state().encode("utf-16")),
    Case("deep lists", lambda: "[" * DEEP),
    Case("deep mappings", lambda: '{"a":' * DEEP),
    Case("deep inside", lambda: _state(later=0)[:-2] + "[" * DEEP + "]" * DEEP + "}"),
    Case("cut", lambda: _state()[:-20]),
    Case("something after it", lambda: _state() + "x"),
    Case("two of it", lambda: _state() * 2),
    Case("a key twice", lambda: '{"kind": "state", "kind": "plan"}'),
    Case("NaN", lambda: '{"serial": NaN}'),
    Case("digits", lambda: f'{{"serial": {"9" * 5000}}}'),
    Case("a list", lambda: "[]"),
    Case("YAML", lambda: "format_version: 1\n"),
    Case("HTML", lambda: "<html>"),
]
STATES = [
    *DOCUMENTS,
    Case("a serial beyond 2^53", lambda: _state(serial=2**53 + 1)),
    Case("a serial that bends", lambda: _state(serial=1e308 * 10)),
    Case("an id with a path", lambda: _state(records={"../x": {}})),
    Case("an id that steers", lambda: _state(records={"\x1b]0;x\x07": {}})),
    Case("a key that steers", lambda: _state(records=_record(key="\x1b[2J"))),
    Case("an endless key", lambda: _state(records=_record(key="K" * 1000 * K))),
    Case("a time before all times", lambda: _state(records=_record(created_at="0001-01-01T00:00:00+23:59"))),
    Case("records in a list", lambda: _state(records=[])),
    Case("a protection that is none", lambda: _state(records=_record(lifecycle={"protected": "\u202e"}))),
]
COUNTS = [
    Case("a count that nothing has", lambda: _state(listed=2**53 - 1)),
    Case("a count that is only high", lambda: _state(listed=1000 * K)),
]
