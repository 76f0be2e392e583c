"""``omnictl explain``: any diagnostic, guard or exit code, offline."""

from difflib import get_close_matches

import click

from omnictl.cli.context import get_session
from omnictl.cli.exit_codes import MEANINGS, ExitCode
from omnictl.cli.explanations import all_codes
from omnictl.cli.globals import global_options
from omnictl.engine.guard import EXPLANATIONS
from omnictl.errors import UsageError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Guard
from omnictl.render.words import wrap


@click.command("explain", epilog="Example: omnictl explain unmanaged-twin")
@click.argument("code", required=False)
@global_options
@click.pass_context
def command(ctx: click.Context, code: str | None) -> int:
    """Explain a diagnostic, a guard or an exit code. Without a code, list them all."""
    output = get_session(ctx).output
    codes = all_codes()
    if code is None:
        output.result("\n".join(sorted(codes)))
        return ExitCode.OK
    if code.isdigit() and int(code) in list(ExitCode):
        output.result(f"exit code {code}\n{wrap(MEANINGS[ExitCode(int(code))], output.out_style.width)}")
        return ExitCode.OK
    if code in list(Guard):
        text = wrap(EXPLANATIONS[Guard(code)], output.out_style.width)
        output.result(f"guard {code}\n{text}\nTo allow it:\n    omnictl plan --allow {code}=ID --out plan.json")
        return ExitCode.OK
    if code not in codes:
        close = get_close_matches(code, codes, n=1)
        raise UsageError(
            Diagnostic(
                "unknown-code",
                Severity.ERROR,
                "There is no such code",
                f"{code} is no diagnostic, guard or exit code.",
                hint=f"did you mean {close[0]}?" if close else "",
                commands=("omnictl explain",),
            )
        )
    output.result(f"{code}\n{wrap(codes[code], output.out_style.width)}")
    return ExitCode.OK


CODES = {"unknown-code": "explain was asked for something that is no diagnostic, guard or exit code."}
