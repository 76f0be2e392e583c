"""The one place where everything that ends a run becomes an exit code: expected, interrupted, bug."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from omnictl.cli.boundary import leave, run
from omnictl.cli.signals import SignalReceived, raise_on_signals
from omnictl.errors import OmnictlError, RefusalKind, RefusedError, StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.transport.credentials import make_credentials

PROBLEM = Diagnostic("some-code", Severity.ERROR, "Something is wrong", "the detail", hint="mend it")


def raising(error: BaseException) -> click.Group:
    """Return a command line whose one command fails so."""

    @click.group()
    def group() -> None: ...

    @group.command("go", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def go() -> None:
        raise error

    return group


@pytest.fixture(autouse=True)
def own_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the signals of the test run alone."""
    monkeypatch.setattr("omnictl.cli.boundary.raise_on_signals", lambda: None)
    monkeypatch.setattr("omnictl.cli.boundary.let_signals_end", lambda: None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OmnictlError(PROBLEM), 1),
        (RefusedError(RefusalKind.STALE, PROBLEM), 3),
        (StoppedError(PROBLEM), 6),
        (click.UsageError("wrong"), 64),
        (click.ClickException("wrong"), 64),
        (click.FileError("x"), 64),
        (click.exceptions.Exit(3), 3),
        (click.Abort(), 130),
        (SignalReceived(15), 143),
        (SignalReceived(1), 129),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_code(error: BaseException, code: int) -> None:
    assert run(raising(error), ["go"]) == code


def test_an_expected_error_is_told_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(OmnictlError(PROBLEM)), ["go"])
    out, err = capsys.readouterr()
    assert (out, err) == ("", "error[some-code]: Something is wrong\n  the detail\n\nhint: mend it\n\n")


def test_an_expected_error_is_one_json_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(RefusedError(RefusalKind.GUARD, PROBLEM)), ["go", "--format=json", "--sandbox"])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["kind"] == "error"
    assert document["exit_code"] == 3
    assert document["sandbox"] is True
    assert document["refusal"] == {"kind": "guard"}
    assert document["diagnostics"][0]["code"] == "some-code"
    assert "some-code" in err


@pytest.mark.parametrize("given", [["--log-format", "json"], ["--log-format=json"]])
def test_an_expected_error_is_an_event_where_the_log_is_json(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(raising(OmnictlError(PROBLEM)), ["go", *given])
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["code"], event["severity"]) == ("diagnostic", "some-code", "error")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["at"])


def test_colours_are_taken_from_the_command_line_even_where_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    run(raising(OmnictlError(PROBLEM)), ["go", "--color=always"])
    assert "\x1b[1;31merror[some-code]\x1b[0m" in capsys.readouterr().err


def test_a_bug_is_told_and_its_log_has_no_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    canary = "canary-value"

    def fail() -> None:
        local = canary
        raise RuntimeError(len(local))

    @click.group()
    def group() -> None: ...

    group.command("go")(fail)
    assert run(group, ["go"]) == 70
    err = capsys.readouterr().err
    [log] = tmp_path.glob("omnictl-bug-*.log")
    assert "error[bug]: This is a bug in omnictl\n  RuntimeError in test_boundary.py:" in err
    assert str(log) in err
    assert "RuntimeError: 12" in log.read_text()
    assert canary not in log.read_text() + err


def test_a_bug_without_a_traceback_is_a_bug_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from omnictl.cli.boundary import _tell_bug

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert _tell_bug(ValueError("x"), []) == 70
    assert "ValueError in an unknown place" in capsys.readouterr().err


@pytest.mark.parametrize("made", ["omnictl.yaml", "scenarios", ".omnictl"])
def test_the_log_of_a_bug_lies_in_the_work_directory(
    project: Path, made: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(project / "not to be used"))
    (project / made).write_text("") if made == "omnictl.yaml" else (project / made).mkdir()
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below" if made == "omnictl.yaml" else project)
    assert run(raising(RuntimeError("x")), ["go"]) == 70
    [log] = (project / ".omnictl" / "logs").iterdir()
    assert log.name in capsys.readouterr().err
    assert log.stat().st_mode & 0o777 == 0o600
    assert (project / ".omnictl").stat().st_mode & 0o777 == 0o700


def test_the_log_of_a_bug_holds_no_credentials(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".omnictl").mkdir()
    monkeypatch.setenv("ACME_API_KEY", "canary-of-the-environment")
    monkeypatch.setenv("HTTPS_PROXY", "http://somebody:canary@127.0.0.1:9")
    given = make_credentials("canary-of-a-command", source="the test")
    text = f"{given.authorization()} canary-of-the-environment http://somebody:canary@127.0.0.1:9"
    try:
        raise ValueError(text)
    except ValueError as cause:
        bug = RuntimeError(text)
        bug.__cause__ = cause
    assert run(raising(bug), ["go"]) == 70
    [log] = (project / ".omnictl" / "logs").iterdir()
    assert "canary" not in log.read_text() + capsys.readouterr().err
    assert log.read_text().count("[hidden] [hidden] [hidden]") == 2


def test_a_work_directory_that_cannot_be_written_hides_no_bug(
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    (project / ".omnictl").mkdir()
    (project / ".omnictl" / "logs").write_text("a file where the directory should be")
    assert run(raising(RuntimeError("x")), ["go"]) == 70
    assert list(elsewhere.glob("omnictl-bug-*.log"))
    monkeypatch.setattr("tempfile.tempdir", str(project / "nowhere"))
    assert run(raising(RuntimeError("x")), ["go"]) == 70
    assert "its log could not be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [(SignalReceived(15), 143, "interrupted"), (RuntimeError("x"), 70, "bug"), (click.UsageError("x"), 64, "usage")],
)
def test_every_end_is_one_document_where_json_was_asked_for(
    error: BaseException,
    code: int,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(raising(error), ["go", "--format", "json", "--log-format", "json"]) == code
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert (document["exit_code"], document["diagnostics"][0]["code"]) == (code, kind)
    assert [json.loads(line)["code"] for line in err.splitlines()] == [kind]


def test_after_a_signal_the_process_waits_for_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    with pytest.raises(SystemExit) as caught:
        leave(143)
    assert (ended, caught.value.code) == ([143], 143)
    with pytest.raises(SystemExit):
        leave(0)
    assert ended == [143]


def test_a_closed_pipe_ends_with_141(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnictl.cli.output.silence", lambda stream: None)
    assert run(raising(BrokenPipeError()), ["go"]) == 141


def test_a_result_that_is_no_code_is_success() -> None:
    @click.group()
    def group() -> None: ...

    @group.command("go")
    def go() -> str:
        return "text"

    assert run(group, ["go"]) == 0


def test_streams_that_are_not_there_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert run(raising(OmnictlError(PROBLEM)), ["go", "--format", "json"]) == 1


def test_signals_are_raised_where_nobody_stops_in_good_order(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    handlers: dict[int, Callable[[int, None], None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    raise_on_signals()
    assert set(handlers) == {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    with pytest.raises(SignalReceived) as caught:
        handlers[signal.SIGTERM](15, None)
    assert caught.value.number == 15


@pytest.mark.parametrize(
    ("given", "command", "told"),
    [
        (["--env", "a", "--sandbox"], "omnictl state list", "omnictl state list --env a --sandbox"),
        (["-e", "a"], "omnictl state history", "omnictl state history --env a"),
        (["--env=a b"], "omnictl output vk-sms", "omnictl output vk-sms --env 'a b'"),
        (["--sandbox", "--env", "a"], "omnictl sandbox reset", "omnictl sandbox reset --env a"),
        (["--env", "a"], "omnictl state list --env b", "omnictl state list --env b"),
        (["--env", "a"], "omnictl explain", "omnictl explain"),
        ([], "omnictl state list", "omnictl state list"),
    ],
)
def test_a_command_to_copy_works_where_the_run_did(
    given: list[str], command: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(raising(OmnictlError(Diagnostic("some-code", Severity.ERROR, "Wrong", commands=(command,)))), ["go", *given])
    assert f"    {told}\n" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code", "said"), [(28, 1, "cannot-write-output"), (2, 70, "error[bug]")])
def test_help_without_room_is_no_bug(
    number: int,
    code: int,
    said: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("omnictl.cli.output.silence", lambda stream: None)
    monkeypatch.setattr("tempfile.tempdir", str(project))
    assert run(raising(OSError(number, "on purpose")), ["go"]) == code
    assert said in capsys.readouterr().err


def test_wrong_usage_is_wrong_usage_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(stream: object, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("omnictl.cli.output._write", fail)
    monkeypatch.setattr("omnictl.cli.output.silence", lambda stream: None)
    assert run(raising(click.UsageError("wrong")), ["go"]) == 64
