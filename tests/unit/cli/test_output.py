"""Where things are said, in which colours and how wide, and what a stream cannot encode."""

import io
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typing_extensions import Buffer

from omnictl.cli.globals import GlobalOptions
from omnictl.cli.output import _WORKFLOW_COMMAND, Output, is_terminal, make_output, silence
from omnictl.errors import OutputError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import ReadingAccount
from omnictl.render.style import Style

PLAIN = Style()
PROBLEM = Diagnostic("some-code", Severity.WARNING, "Summary", "Detail")


class Stream(io.TextIOWrapper):
    """A stream in memory, which may say that it is a terminal."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        self.content = io.BytesIO()
        super().__init__(self.content, encoding=encoding, write_through=True)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        return self.content.getvalue().decode(self.encoding)


def take_streams(monkeypatch: pytest.MonkeyPatch) -> tuple[Stream, Stream]:
    """Replace both streams of the run; not a fixture, for pytest sets its own between set-up and call."""
    out, err = Stream(), Stream()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    return out, err


@pytest.mark.parametrize(
    ("terminal", "choice", "environ", "expected"),
    [
        (True, None, {}, True),
        (False, None, {}, False),
        (True, None, {"TERM": "dumb"}, False),
        (True, None, {"NO_COLOR": "1"}, False),
        (True, None, {"NO_COLOR": ""}, True),
        (False, None, {"FORCE_COLOR": "1"}, True),
        (False, None, {"FORCE_COLOR": "0"}, False),
        (True, None, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (False, "always", {"NO_COLOR": "1"}, True),
        (True, "never", {"FORCE_COLOR": "1"}, False),
        (True, None, {"OMNICTL_COLOR": "never"}, False),
        (True, "always", {"OMNICTL_COLOR": "never"}, True),
    ],
)
def test_colours(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, choice: str | None, environ: Mapping[str, str], expected: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(terminal=terminal))
    assert make_output(GlobalOptions(color=choice), environ).out_style.colour is expected


def test_signs_follow_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(encoding="ascii"))
    assert not make_output(GlobalOptions(), {}).out_style.unicode
    monkeypatch.setattr(sys, "stdout", Stream())
    assert make_output(GlobalOptions(), {}).out_style.unicode


@pytest.mark.parametrize(("terminal", "columns", "width"), [(True, "72", 72), (True, "10", 40), (False, "72", 72)])
def test_width(monkeypatch: pytest.MonkeyPatch, terminal: bool, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", Stream(terminal=terminal))
    assert make_output(GlobalOptions(), os.environ).out_style.width == width


def test_width_in_a_pipeline_is_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    take_streams(monkeypatch)
    assert make_output(GlobalOptions(), {}).out_style.width == 100


def test_results_go_to_stdout_and_words_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = take_streams(monkeypatch)
    output = Output(PLAIN, PLAIN)
    output.result("result")
    output.document({"a": "ü"})
    output.say("said")
    output.hint("hinted")
    output.diagnostics(())
    output.diagnostics((PROBLEM,))
    assert out.text == 'result\n{\n  "a": "ü"\n}\n'
    assert err.text == "said\nhinted\nwarning[some-code]: Summary\n  Detail\n\n"


def test_quiet_silences_hints_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, err = take_streams(monkeypatch)
    output = Output(PLAIN, PLAIN, quiet=True)
    output.say("said")
    output.hint("hinted")
    assert err.text == "said\n"


@pytest.mark.parametrize("environ", [{"OMNICTL_LOG_FORMAT": "json"}, {}])
def test_a_json_log_is_one_event_a_line(monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]) -> None:
    _, err = take_streams(monkeypatch)
    options = GlobalOptions(log_format=None if environ else "json")
    output = make_output(options, environ)
    output.say("said")
    output.diagnostics((PROBLEM,))
    output.event(ReadingAccount(5), datetime(2026, 11, 20, tzinfo=UTC))
    events = [json.loads(line) for line in err.text.splitlines()]
    assert [each["event"] for each in events] == ["message", "diagnostic", "reading"]
    assert (events[0]["text"], events[1]["code"], events[2]["at"]) == ("said", "some-code", "2026-11-20T00:00:00Z")


def test_what_cannot_be_encoded_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Stream(encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    Output(PLAIN, PLAIN).result("naïve 😀 \udc80")
    assert out.text == "na\\xefve \\U0001f600 \\udc80\n"


def test_a_stream_that_takes_parts_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parts(io.BytesIO):
        def write(self, content: Buffer) -> int:
            return super().write(bytes(content)[:3])

    parts = Parts()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(parts, encoding="utf-8", write_through=True))
    Output(PLAIN, PLAIN).result("a long result")
    assert parts.getvalue() == b"a long result\n"


def test_missing_and_closed_streams_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    output = make_output(GlobalOptions(), {})
    output.result("x")
    closed = Stream()
    closed.close()
    assert not is_terminal(closed)
    assert not is_terminal(None)


def test_interactive_means_a_person_on_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    for stdin, stderr, expected in ((True, True, True), (True, False, False), (False, True, False)):
        monkeypatch.setattr(sys, "stdin", Stream(terminal=stdin))
        monkeypatch.setattr(sys, "stderr", Stream(terminal=stderr))
        assert Output(PLAIN, PLAIN).is_interactive is expected


def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "dup2", lambda one, other: copied.append((one, other)))
    silence(None)
    with Path(os.devnull).open("w", encoding="utf-8") as stream:
        silence(stream)
        assert [other for _, other in copied] == [stream.fileno()]


class Full(Stream):
    """A stream on a disk without room, or whose reader went away."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error
        self.content.write = self._refuse  # type: ignore[method-assign]

    def _refuse(self, written: Buffer) -> int:
        raise self.error


def test_a_full_disk_under_stdout_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    silenced: list[object] = []
    monkeypatch.setattr("omnictl.cli.output.silence", silenced.append)
    full = Full(OSError(28, "No space left on device"))
    monkeypatch.setattr(sys, "stdout", full)
    for write in (Output(PLAIN, PLAIN).result, Output(PLAIN, PLAIN).document):
        with pytest.raises(OutputError) as caught:
            write("text")
        assert caught.value.diagnostics[0].code == "cannot-write-output"
        assert "No space left on device" in (caught.value.diagnostics[0].detail or "")
    assert silenced == [full, full]


def test_a_reader_that_goes_away_is_no_mistake_of_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full(BrokenPipeError()))
    with pytest.raises(BrokenPipeError):
        Output(PLAIN, PLAIN).result("text")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError()])
def test_nobody_who_listens_stops_no_run(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    silenced: list[object] = []
    monkeypatch.setattr("omnictl.cli.output.silence", silenced.append)
    full = Full(error)
    monkeypatch.setattr(sys, "stderr", full)
    Output(PLAIN, PLAIN).say("text")
    Output(PLAIN, PLAIN).diagnostics([PROBLEM])
    Output(PLAIN, PLAIN, json_log=True).say("text")
    assert silenced == [full, full, full]


@pytest.mark.parametrize("environ", [{"GITHUB_ACTIONS": "true"}, {"TF_BUILD": "True"}, {"TEAMCITY_VERSION": "2026"}])
def test_a_name_never_steers_a_runner(monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]) -> None:
    out, err = take_streams(monkeypatch)
    output = make_output(GlobalOptions(), environ)
    output.result("a\n  ::add-mask::x\n##[group]y ##vso[z]\na::b")
    output.say("::stop-commands::x")
    output.diagnostics((Diagnostic("some-code", Severity.ERROR, "Summary", "::error::x"),))
    output.document("::error::this is one of ours")
    assert out.text == "a\n  \\x3a:add-mask::x\n\\x23#[group]y \\x23#vso[z]\na::b\n::error::this is one of ours\n"
    assert err.text == "\\x3a:stop-commands::x\nerror[some-code]: Summary\n  \\x3a:error::x\n\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_end_of_a_line_lets_a_command_through(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    out, _ = take_streams(monkeypatch)
    Output(PLAIN, PLAIN, obeys_lines=True).result(f"a{end} ::error::x")
    assert not _WORKFLOW_COMMAND.search(out.text)
    assert _WORKFLOW_COMMAND.search(f"a{end} ::error::x")
    assert not _WORKFLOW_COMMAND.search("a ::error::x")


def test_nothing_that_is_said_to_people_steers_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = take_streams(monkeypatch)
    output = Output(PLAIN, PLAIN)
    hostile = "a\tb\x1b[2J\rc\u202e\x1b[8md\n\x1b[1;31mred\x1b[0m \u00e9 \U0001f468\u200d\U0001f469"
    for said in (output.result, output.say, output.hint):
        said(hostile)
    output.alive(hostile, datetime(2026, 11, 20, tzinfo=UTC))
    harmless = "a\tb\\x1b[2J\\x0dc\\u202e\\x1b[8md\n\x1b[1;31mred\x1b[0m \u00e9 \U0001f468\u200d\U0001f469\n"
    assert out.text == harmless
    assert err.text == harmless * 2 + f"00:00:00Z alive    {harmless}"


@pytest.mark.parametrize(
    ("terminal", "term", "expected"), [(True, "xterm", True), (True, "dumb", False), (False, "xterm", False)]
)
def test_only_a_terminal_that_can_is_redrawn(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, term: str, expected: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", Stream(terminal=terminal))
    assert make_output(GlobalOptions(), {"TERM": term}).is_live is expected
