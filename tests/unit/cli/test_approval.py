"""Only the literal yes of a person, or --yes, approves."""

import io
import sys

import pytest

from omnictl.cli.approval import ask, is_wanted, require_confirmation, require_safety
from omnictl.cli.output import Output
from omnictl.cli.signals import SignalReceived
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.plan import Risk, RiskKind, RiskReason
from omnictl.render.style import Style

REASON = RiskReason(RiskKind.GUARD, "vanished", "It is gone.", subject="b")
OUTPUT = Output(Style(), Style())


class Terminal(io.TextIOWrapper):
    """What a person types or reads."""

    def __init__(self, text: str = "") -> None:
        self.content = io.BytesIO(text.encode())
        super().__init__(self.content, encoding="utf-8", write_through=True)

    @property
    def text(self) -> str:
        return self.content.getvalue().decode()

    def isatty(self) -> bool:
        return True


def type_answer(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    """Let a person sit in front of both streams; return what is said to them."""
    said = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", said)
    return said


def test_the_word_yes_approves(monkeypatch: pytest.MonkeyPatch) -> None:
    said = type_answer(monkeypatch, "yes\n")
    ask("Apply?", OUTPUT, approved=False, command="x")
    assert said.text == "\nApply? Only the word yes goes on.\n"


@pytest.mark.parametrize("answer", ["y\n", "YES\n", "yes please\n", "\n", "", "no\n"])
def test_nothing_else_approves(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    type_answer(monkeypatch, answer)
    with pytest.raises(RefusedError) as caught:
        ask("Apply?", OUTPUT, approved=False, command="x")
    assert caught.value.kind is RefusalKind.APPROVAL
    assert caught.value.diagnostics[0].code == "not-approved"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("y\n", True), (" Y \n", True), ("yes\n", True), ("YES\n", True), ("yess\n", False), ("\n", False), ("", False)],
)
def test_an_offer_is_accepted_by_a_letter_too(monkeypatch: pytest.MonkeyPatch, answer: str, *, expected: bool) -> None:
    said = type_answer(monkeypatch, answer)
    assert is_wanted("Take it?", OUTPUT) is expected
    assert said.text == "\nTake it? y or yes accepts.\n"


def test_another_word_may_be_what_approves(monkeypatch: pytest.MonkeyPatch) -> None:
    said = type_answer(monkeypatch, "live\n")
    ask("Apply?", OUTPUT, approved=False, command="x", word="live")
    assert said.text == "\nApply? Only the name live goes on.\n"
    type_answer(monkeypatch, "yes\n")
    with pytest.raises(RefusedError) as caught:
        ask("Apply?", OUTPUT, approved=False, command="x", word="live")
    assert (
        caught.value.diagnostics[0].detail == "The answer was 'yes'; only the name live goes on. Nothing was changed."
    )


@pytest.mark.parametrize(
    ("risk", "told"),
    [
        (None, "The plan is older than the risk of plans.\nNothing was changed."),
        (Risk((REASON,)), "guard vanished (b): It is gone.\nNothing was changed."),
    ],
)
def test_what_is_not_safe_is_asked_about_or_refused_with_its_reasons(
    risk: Risk | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_answer(monkeypatch, "")
    require_safety(risk, "x")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(RefusedError) as caught:
        require_safety(risk, "omnictl apply --yes")
    [found] = caught.value.diagnostics
    assert (caught.value.kind, found.code, found.detail) == (RefusalKind.APPROVAL, "not-safe", told)
    assert found.commands == ("omnictl apply --yes",)


def test_a_terminal_needs_no_confirmation_and_a_pipeline_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    type_answer(monkeypatch, "")
    require_confirmation(None, "live", "x")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    require_confirmation("live", "live", "x")
    with pytest.raises(RefusedError) as caught:
        require_confirmation(None, "live", "omnictl apply --confirm live")
    [found] = caught.value.diagnostics
    assert (found.code, found.commands) == ("confirmation-needed", ("omnictl apply --confirm live",))


def test_without_a_terminal_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    with pytest.raises(RefusedError) as caught:
        ask("Apply?", OUTPUT, approved=False, command="omnictl apply --yes")
    assert caught.value.diagnostics[0].code == "approval-needed"
    assert caught.value.diagnostics[0].commands == ("omnictl apply --yes",)


def test_yes_on_the_command_line_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ask("Apply?", OUTPUT, approved=True, command="x")


def test_what_is_said_after_an_interrupt_begins_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    said = type_answer(monkeypatch, "")

    def interrupt() -> str:
        raise SignalReceived(2)

    monkeypatch.setattr(sys.stdin, "readline", interrupt)
    with pytest.raises(SignalReceived):
        ask("Apply?", OUTPUT, approved=False, command="omnictl apply --yes")
    assert said.text == "\nApply? Only the word yes goes on.\n\n"
