"""``omnictl explain``: any diagnostic, guard, field or exit code, offline."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import click

from omnictl.cli.completing import complete_codes
from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import MEANINGS, ExitCode
from omnictl.cli.explanations import Field, all_codes, all_fields
from omnictl.cli.options import global_options
from omnictl.engine.guard import EXPLANATIONS, WHOLE_PLAN
from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard
from omnictl.render.words import wrap

_OF_THE_WHOLE_PLAN = (Guard.MASS_CHANGE, Guard.EMPTY_CONFIGURATION)


@click.command("explain", epilog="Example: omnictl explain unmanaged-twin")
@click.argument("subject", metavar="[CODE|FIELD]", required=False, shell_complete=complete_codes)
@global_options
@click.pass_context
def command(ctx: click.Context, subject: str | None) -> int:
    """Explain a diagnostic, a guard, a field or an exit code. Without one, list them all."""
    output = get_session(ctx).output
    width = output.out_style.width
    codes, fields = all_codes(), all_fields()
    if subject is None:
        output.result("\n".join(_list_all(codes, fields)))
    elif subject.isascii() and subject.isdigit() and int(subject) in list(ExitCode):
        output.result(f"exit code {subject}\n{wrap(MEANINGS[ExitCode(int(subject))], width)}")
    elif subject in list(Guard):
        output.result(_explain_guard(Guard(subject), width))
    elif subject in codes:
        output.result(f"{subject}\n{wrap(codes[subject], width)}")
    elif subject in fields:
        output.result(_explain_field(fields[subject], width))
    else:
        raise UsageError(_unknown(subject, (*codes, *fields)))
    return ExitCode.OK


def _list_all(codes: Iterable[str], fields: Iterable[str]) -> Iterator[str]:
    guards = list(Guard)
    groups = (
        ("exit codes", [str(each.value) for each in ExitCode]),
        ("guards", [each.value for each in guards]),
        ("fields", sorted(fields)),
        ("diagnostics", sorted(each for each in codes if each not in guards)),
    )
    for title, words in groups:
        yield title
        yield from (f"  {word}" for word in words)


def _explain_guard(guard: Guard, width: int) -> str:
    subject = WHOLE_PLAN if guard in _OF_THE_WHOLE_PLAN else "ID"
    allow = f"    omnictl plan --allow {guard.value}={subject} --out plan.json"
    return f"guard {guard.value}\n{wrap(EXPLANATIONS[guard], width)}\nTo allow it:\n{allow}"


def _explain_field(field: Field, width: int) -> str:
    lines = [f"{field.path}, in {field.place}: {field.takes}", field.meaning]
    return "\n".join(wrap(line, width) for line in lines if line)


def _unknown(subject: str, known: Iterable[str]) -> Diagnostic:
    close = get_close_matches(subject, list(known), n=1)
    return Diagnostic(
        "unknown-subject",
        Severity.ERROR,
        "There is nothing of this name to explain",
        f"{subject} is no diagnostic, guard, field or exit code.",
        hint=f"did you mean {close[0]}?" if close else "all of them are listed by",
        commands=(f"omnictl explain {close[0]}",) if close else ("omnictl explain",),
    )


CODES = {"unknown-subject": "explain was asked for something that is no diagnostic, guard, field or exit code."}
