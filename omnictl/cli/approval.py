"""Approval: the literal yes on a terminal, --yes without one, and a refusal that says what would happen."""

import sys

from omnictl.cli.output import Output, is_terminal
from omnictl.cli.signals import SignalReceived
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.diagnostic import Diagnostic, Severity


def ask(question: str, output: Output, *, approved: bool, command: str) -> None:
    """Return if a person or --yes says yes; raise RefusedError (approval) otherwise.

    ``command`` is what to run where nobody can be asked.
    """
    if approved:
        return
    if not has_person():
        raise RefusedError(RefusalKind.APPROVAL, _nobody_to_ask(command))
    answer = _read_answer(f"{question} Only the word yes goes on.", output)
    if answer != "yes":
        raise RefusedError(RefusalKind.APPROVAL, _not_approved(answer))


def is_wanted(question: str, output: Output) -> bool:
    """Tell whether a person says yes to an offer, which any other answer declines."""
    return _read_answer(f"{question} The word yes accepts.", output) == "yes"


def _read_answer(question: str, output: Output) -> str:
    output.say(f"\n{question}")
    try:
        return sys.stdin.readline().strip()
    except (KeyboardInterrupt, SignalReceived):
        output.say("\n")  # the terminal has echoed ^C, and what is said now begins a line of its own
        raise


def has_person() -> bool:
    """Tell whether somebody sits there to be asked."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def _nobody_to_ask(command: str) -> Diagnostic:
    return Diagnostic(
        "approval-needed",
        Severity.ERROR,
        "Nobody can be asked, and nobody approved",
        "There is no terminal, and --yes was not given. Nothing was changed.",
        hint="when the plan is right, approve it on the command line",
        commands=(command,),
    )


def _not_approved(answer: str) -> Diagnostic:
    said = f"The answer was {answer!r}" if answer else "There was no answer"
    return Diagnostic(
        "not-approved", Severity.ERROR, "Not approved", f"{said}; only the word yes goes on. Nothing was changed."
    )


CODES = {
    "approval-needed": "apply asks before it changes anything. Without a terminal it cannot ask, so it needs --yes, or "
    "a saved plan, which was reviewed before.",
    "not-approved": "Only the literal word yes approves. Nothing was changed.",
}
