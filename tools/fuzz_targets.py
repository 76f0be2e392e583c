"""What the fuzzer feeds: each target takes bytes, reads them as omnictl does, and shows whatever came of it.

An error of ours, with a code that docs/errors.md has, is a good end. Any other exception, and any character that could
steer a terminal, is a finding.
"""

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from omnictl.cli.explanations import all_codes
from omnictl.cli.renderings import PLAIN, apply_renderings, plan_renderings
from omnictl.codec import plan as plan_codec
from omnictl.codec.deliveries import decode_report as decode_deliveries
from omnictl.codec.deliveries import decode_seen, encode_seen
from omnictl.codec.deliveries import encode_report as encode_deliveries
from omnictl.codec.plan import decode_plan, encode_plan
from omnictl.codec.report import decode_report
from omnictl.codec.shapes import ShapeError, as_object, parse_json
from omnictl.codec.state import decode_state, encode_state, state_digest
from omnictl.codec.stories import write_stories
from omnictl.config.crosscheck import check_together
from omnictl.config.documents import MistakeError
from omnictl.config.format import format_text
from omnictl.config.ignoring import read_ignore_lines
from omnictl.config.interpretation import interpret, make_resource
from omnictl.config.message_options import MessageOptions, apply_options
from omnictl.config.messages import load_message
from omnictl.config.reading import decode, parse_text
from omnictl.config.recipient_rows import BadRow, read_rows, write_bad_rows
from omnictl.config.recipients import parse_recipients
from omnictl.config.settings import Environment, Settings, load_settings
from omnictl.config.variables import Variables
from omnictl.engine.deliverable import check_message
from omnictl.engine.statistics import count_stories
from omnictl.engine.stories import tell_strays
from omnictl.engine.unmanaged import compile_glob, note_idle_lines
from omnictl.errors import OmnictlError
from omnictl.lint.check import lint
from omnictl.model.diagnostic import Diagnostic
from omnictl.model.message import CONTENT_NAMES, Addressed, Batch, Message, Recipient
from omnictl.model.report import ReportSource
from omnictl.model.scenario import Attributes, Configuration, Step
from omnictl.provider import failures, message_wire, wire
from omnictl.render.collecting import render_log_rows
from omnictl.render.csv_rows import render_stories_csv
from omnictl.render.diagnostics import render_diagnostics
from omnictl.render.github import render_github
from omnictl.render.gitlab import render_gitlab_codequality
from omnictl.render.junit import render_failure_junit
from omnictl.render.markdown import render_diagnostics_markdown
from omnictl.render.state_text import render_state
from omnictl.render.statistics import render_statistics
from omnictl.render.statistics_html import render_statistics_html
from omnictl.render.stories import render_stories, render_story
from omnictl.transport.answer import Reply, Request

_ENVIRONMENTS = {each: Environment(each) for each in ("test", "production")}
_SETTINGS = Settings(Path(tempfile.gettempdir()), environments=_ENVIRONMENTS)
_VARIABLES = Variables({"sender": "InfoSMS", "primary": True}, frozenset({"sender", "primary", "unset"}))
_NOW = datetime(2026, 11, 20, tzinfo=UTC)
_STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

Target = Callable[[bytes], None]


@cache
def _known_codes() -> frozenset[str]:
    return frozenset(all_codes())


def _tell(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics in every form; each has a code that can be explained."""
    told = tuple(diagnostics)
    for each in told:
        assert each.code in _known_codes(), f"{each.code} is explained nowhere"
        assert each.detail, f"{each.code} says nothing"
    _show(render_diagnostics(told, PLAIN))
    _show(render_diagnostics_markdown(told))
    _show(render_github(told, title="x", summary="x"))
    _show(render_failure_junit(told))
    json.loads(render_gitlab_codequality(told))


def _show(text: str) -> None:
    found = _STEERING.search(text)
    assert found is None, f"U+{ord(found[0]):04X} would reach a terminal"


def _read_scenarios(data: bytes, shown: str) -> None:
    try:
        reading = parse_text(decode(data, shown), shown)
    except MistakeError as found:
        _tell([found.diagnostic])
        return
    fallback = "a" if len(reading.documents) == 1 else None
    said = [interpret(each, fallback, _SETTINGS, _VARIABLES) for each in reading.documents]
    made = [make_resource(each, "test") for each in said]
    resources = {each.address: each for each in made if each is not None}
    _tell(reading.diagnostics)
    for each in said:
        _tell(each.diagnostics)
    _tell(check_together(said, "test"))
    _tell(lint(Configuration(resources), {}))


def read_yaml(data: bytes) -> None:
    """A scenario file in YAML."""
    _read_scenarios(data, "scenarios/a.yaml")


def read_strict_json(data: bytes) -> None:
    """A scenario file in JSON."""
    _read_scenarios(data, "scenarios/a.json")


def bring_into_layout(data: bytes) -> None:
    """A scenario file that fmt takes up; what it writes, it leaves as it is."""
    try:
        text = decode(data, "a.yaml")
    except MistakeError:
        return
    once, problems = format_text(text, "a.yaml")
    _tell(problems)
    again, _ = format_text(once, "a.yaml")
    assert again == once, "fmt does not come to rest"


@cache
def _settings_path() -> Path:
    return Path(tempfile.mkdtemp(prefix="omnictl-fuzz-")) / "omnictl.yaml"


def read_settings(data: bytes) -> None:
    """omnictl.yaml."""
    path = _settings_path()
    path.write_bytes(data)
    _, diagnostics = load_settings(path, path.parent)
    _tell(diagnostics)


def read_ignored(data: bytes) -> None:
    """.omnictlignore, each line against itself and against a name."""
    try:
        lines, diagnostics = read_ignore_lines(data)
    except MistakeError as found:
        _tell([found.diagnostic])
        return
    _tell(diagnostics)
    _tell(note_idle_lines(lines[:20], ()))
    for each in lines[:20]:
        compile_glob(each.text).fullmatch("Black Friday " * 20)


def read_message(data: bytes) -> None:
    """A message file, with options over it, against a flow of every channel."""
    path = _settings_path().with_name("a.message.yaml")
    path.write_bytes(data)
    message, diagnostics = load_message(path, variables=_VARIABLES, shown=path.name)
    _tell(diagnostics)
    if message is None:
        return
    flow = tuple(Step(each, "x") for each in CONTENT_NAMES)
    _tell(check_message(message, flow, now=_NOW))
    typed = data[:200].decode("utf-8", "surrogateescape")
    options = MessageOptions((typed,), callback_data=typed, notify_url=typed, send_at=typed)
    over, diagnostics = apply_options(message, options, tuple(CONTENT_NAMES))
    _tell(diagnostics)
    json.dumps(message.contents, allow_nan=False)
    assert len(over.sources) <= len(message.sources)


def read_recipients(data: bytes) -> None:
    """A file of recipients, and its lines as those of --to."""
    try:
        rows = read_rows(io.BytesIO(data), shown="people.csv")
    except OmnictlError as error:
        _tell(error.diagnostics)
    else:
        found = list(rows)
        lines = [each.line for each in found]
        assert lines == sorted(set(lines)), "a line is read twice"
        bad = [each for each in found if isinstance(each, BadRow)]
        for each in bad:
            _show(each.reason)
        stream = io.StringIO(newline="")
        write_bad_rows(stream, rows.header, bad)
        again = csv.reader(io.StringIO(stream.getvalue(), newline=""))
        assert not any(cell.startswith(("=", "+", "-", "@")) for cells in again for cell in cells), "a formula"
    _, diagnostics = parse_recipients(data.decode("utf-8", "surrogateescape").splitlines())
    _tell(diagnostics)


def read_state(data: bytes) -> None:
    """A state; what is read is written and read again as the same."""
    try:
        state = decode_state(data, path="state/test.json", environment="test")
    except OmnictlError as error:
        _tell(error.diagnostics)
        return
    assert decode_state(encode_state(state), path="again") == state
    state_digest(state)
    _show(render_state(state, PLAIN))


def read_plan(data: bytes) -> None:
    """A saved plan, whose digest is mended first: it would keep the fuzzer out."""
    try:
        document = dict(as_object(parse_json(data), ""))
    except ShapeError as error:
        _show(repr(str(error)))
        return
    except OmnictlError as error:
        _tell(error.diagnostics)
        return
    with suppress(RecursionError):
        document["digest"] = plan_codec._digest(document)  # noqa: SLF001
    try:
        plan = decode_plan(document, path="plan.json")
    except OmnictlError as error:
        _tell(error.diagnostics)
        return
    assert decode_plan(encode_plan(plan), path="again") == plan
    for kind, rendering in plan_renderings(plan, 0).items():
        if kind == "sarif":
            continue  # it reads every explanation again, which takes longer than all else
        text = rendering()
        if kind in ("json", "gitlab", "gitlab-codequality"):
            json.loads(text)
        _show(text)


def read_report(data: bytes) -> None:
    """The report of an apply."""
    try:
        report = decode_report(as_object(parse_json(data), ""), path="report.json")
    except ShapeError as error:
        _show(repr(str(error)))
        return
    except OmnictlError as error:
        _tell(error.diagnostics)
        return
    for rendering in apply_renderings(report, 0).values():
        _show(rendering())


def read_reply(data: bytes) -> None:
    """A reply of the API, read as the answer to every request."""
    sent = Attributes("a", ())
    readers: tuple[Callable[[], object], ...] = (
        lambda: wire.read_page(data),
        lambda: wire.read_scenario(data),
        lambda: wire.read_created(data, sent, default=False),
        lambda: wire.read_updated(data, "CC9F01A5DC7BEE2C2B829D203482A654"),
    )
    for read in readers:
        try:
            found = read()
        except wire.UnreadableError as error:
            _show(str(error))
            continue
        for remote in found if isinstance(found, tuple) else (found,):
            json.loads(wire.write_updated(remote, sent, default=True))
            try:
                wire.scenario_path(remote.key).encode("ascii")
            except ValueError as error:
                _show(str(error))
    wire.read_api_error(data)
    request = Request("GET", "/omni/1/scenarios")
    for status in (200, 400, 500):
        reply = Reply(status, {"x-request-id": data[:80].decode("latin-1")}, data)
        said = failures.describe(request, reply, lambda text: text)
        _show(said)
    _tell([failures.outcome_unknown(said)])


def read_rows_of_messages(data: bytes) -> None:
    """Receipts, reports, rows of logs and seen reports; what is read is kept, told and counted."""
    batch = Batch("B", "K", Message(), (Addressed("M-1", Recipient("41793026727")),))
    with suppress(wire.UnreadableError):
        assert [each.message_id for each in message_wire.read_receipts(data, batch)] == ["M-1"]
    with suppress(wire.UnreadableError):
        push = message_wire.read_push(data)
        for seen, raw in ((each.seen, each.raw) for each in push.seen):
            assert decode_seen(encode_seen(seen), "again") == seen
            json.loads(raw)
    try:
        received, _ = message_wire.read_reports(data, ReportSource.PULL)
    except wire.UnreadableError as error:
        _show(str(error))
        return
    reports = [each.report for each in received]
    for each in received:
        assert decode_deliveries(encode_deliveries(each.report), "again") == each.report
        json.loads(each.raw)
    stories = list(tell_strays(reports))
    statistics = count_stories(stories)
    for text in (
        render_stories(stories, PLAIN, unmask=True),
        *(render_story(each, PLAIN, unmask=True) for each in stories),
        render_log_rows(reports, PLAIN, unmask=True),
        "".join(render_stories_csv(stories, unmask=True)).replace("\t", ""),
        render_statistics(statistics, PLAIN),
        render_statistics_html(statistics, environment="test"),
    ):
        _show(text)
    for line in write_stories(stories, unmask=True):
        json.loads(line)


TARGETS: dict[str, Target] = {
    "yaml": read_yaml,
    "json": read_strict_json,
    "fmt": bring_into_layout,
    "message": read_message,
    "recipients": read_recipients,
    "settings": read_settings,
    "ignored": read_ignored,
    "state": read_state,
    "plan": read_plan,
    "report": read_report,
    "reply": read_reply,
    "rows": read_rows_of_messages,
}
