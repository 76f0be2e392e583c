"""Approval: the literal yes on a terminal, flags without one, and a refusal that says what would approve.

Flags alone: no variable of the environment stands for one.
"""

import sys
from collections.abc import Iterable

import click

from omnictl.cli.output import Output, is_terminal
from omnictl.cli.signals import SignalReceived
from omnictl.errors import RefusalKind, RefusedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Risk
from omnictl.render.risk_words import say_reasons

_YES = "yes"


def ask(question: str, output: Output, *, approved: bool, command: str, word: str = _YES) -> None:
    """Return if it is approved, or a person types the word; raise RefusedError (approval) otherwise.

    ``command`` is what to run where nobody can be asked.
    """
    if approved:
        return
    if not has_person():
        raise RefusedError(RefusalKind.APPROVAL, _nobody_to_ask(command))
    answer = _read_answer(f"{question} Only {_name_word(word)} goes on.", output)
    if answer != word:
        raise RefusedError(RefusalKind.APPROVAL, _not_approved(answer, word))


def is_wanted(question: str, output: Output) -> bool:
    """Tell whether a person says yes to an offer, which any other answer declines: nothing is changed by it."""
    return _read_answer(f"{question} y or yes accepts.", output).lower() in ("y", _YES)


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


def check_confirmed_name(confirmed: str | None, environment: str) -> None:
    """Refuse --confirm with another name than that of the environment: it is about to happen elsewhere."""
    if confirmed is not None and confirmed != environment:
        raise click.UsageError(f"--confirm names {confirmed}, and the environment is {environment}.")


def require_confirmation(confirmed: str | None, environment: str, command: str) -> None:
    """Refuse production where nobody can be asked and --confirm does not name it. Raises RefusedError (approval)."""
    if confirmed is None and not has_person():
        raise RefusedError(RefusalKind.APPROVAL, _not_confirmed(environment, command))


def require_safety(risk: Risk | None, command: str) -> None:
    """Refuse a plan that --yes-if-safe does not cover, where nobody can be asked. Raises RefusedError (approval)."""
    if not has_person():
        raise RefusedError(RefusalKind.APPROVAL, _not_safe(risk, command))


def _name_word(word: str) -> str:
    return "the word yes" if word == _YES else f"the name {word}"


def _nobody_to_ask(command: str) -> Diagnostic:
    return Diagnostic(
        "approval-needed",
        Severity.ERROR,
        "Nobody can be asked, and nobody approved",
        "There is no terminal, and --yes was not given. Nothing was changed.",
        hint="when the plan is right, approve it on the command line",
        commands=(command,),
    )


def _not_approved(answer: str, word: str) -> Diagnostic:
    said = f"The answer was {answer!r}" if answer else "There was no answer"
    detail = f"{said}; only {_name_word(word)} goes on. Nothing was changed."
    return Diagnostic("not-approved", Severity.ERROR, "Not approved", detail)


def _not_confirmed(environment: str, command: str) -> Diagnostic:
    return Diagnostic(
        "confirmation-needed",
        Severity.ERROR,
        "Production has to be confirmed by its name",
        f"The environment {environment} is marked production: true, and there is no terminal to ask for its name. "
        "Nothing was changed.",
        hint="name it on the command line",
        commands=(command,),
    )


def _not_safe(risk: Risk | None, command: str) -> Diagnostic:
    reasons: Iterable[str] = say_reasons(risk) if risk is not None else ("The plan is older than the risk of plans.",)
    return Diagnostic(
        "not-safe",
        Severity.ERROR,
        "The plan is not one that --yes-if-safe approves",
        "\n".join((*reasons, "Nothing was changed.")),
        hint="look at the plan; when it is right, approve it on the command line",
        commands=(command,),
    )


CODES = {
    "approval-needed": "apply asks before it changes anything. Without a terminal it cannot ask, so it needs --yes, or "
    "a saved plan, which was reviewed before.",
    "confirmation-needed": "An environment with production: true is applied without a terminal only where --confirm "
    "names it, beside --yes or a saved plan: what was meant for a test must not reach production by a slip.",
    "not-approved": "Only the literal word yes approves; in production, only the name of the environment. Nothing was "
    "changed.",
    "not-safe": "--yes-if-safe goes on without asking only where no guard fired, allowed or not, and neither a rule of "
    "lint nor anything else warned. Without a terminal nobody can be asked about the rest.",
}
