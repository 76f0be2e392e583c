"""The approval of a plan: shown, then approved by flags or a person, or refused with the command that approves it."""

from collections.abc import Sequence

import click
from msgspec import Struct
from msgspec.structs import replace

from omnictl.cli.approval import ask, require_confirmation, require_safety
from omnictl.cli.context import Session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.plan_output import show_plan
from omnictl.cli.reports import Report, write_failure
from omnictl.codec.plan import encode_plan
from omnictl.errors import RefusalKind, RefusedError, StoppedError
from omnictl.model.change import Refresh
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.plan import Plan
from omnictl.model.scenario import Json
from omnictl.operations.apply import refuse_guarded
from omnictl.provider.base import StopSignal
from omnictl.render.human import render_plan


class Flags(Struct, frozen=True):
    """What the command line approves; ``confirmed`` is the name given with --confirm."""

    yes: bool = False
    yes_if_safe: bool = False
    confirmed: str | None = None


class PlanApproval(Struct, frozen=True):
    """Has plans of one run approved.

    ``approving`` is the command line that approves what this one does not, ``confirming`` the one that only names the
    environment.
    """

    session: Session
    flags: Flags
    output_format: str
    reports: Sequence[Report]
    approving: str
    confirming: str
    is_production: bool = False

    def ask_for(self, plan: Plan, stop: StopSignal) -> None:
        """Return where the plan may be applied; raise RefusedError, or end with one JSON document, where not.

        Raises StoppedError where the time was used up before anybody could be asked.
        """
        self._show(plan)
        try:
            refuse_guarded(plan)
            if plan.changes:
                is_given = self._is_given_for(plan)
                if stop.is_set and self.session.output.is_interactive and not is_given:
                    raise StoppedError(_no_time_to_ask(stop.reason))
                self._ask(plan, approved=is_given)
        except RefusedError as refused:
            if self.output_format != "json":
                raise
            self._answer(plan, refused)
            raise click.exceptions.Exit(ExitCode.REFUSED) from None

    def approve_saved(self, plan: Plan) -> None:
        """Return where a saved plan may be applied: it was reviewed, so it is asked about only as the flags want it."""
        if self.flags.yes_if_safe and not self._is_given_for(plan):
            self._show(plan)
            self._ask(plan, approved=False)
        elif self.is_production:
            require_confirmation(self.flags.confirmed, plan.environment, self.confirming)

    def _is_given_for(self, plan: Plan) -> bool:
        """Tell whether the flags approve a plan. Raises RefusedError where they do not and nobody can be asked."""
        changes_nothing = all(isinstance(each, Refresh) for each in plan.changes)
        is_safe = changes_nothing or (plan.risk is not None and plan.risk.is_safe)
        if self.flags.yes_if_safe and not is_safe:
            require_safety(plan.risk, self.approving)
        return self.flags.yes or (self.flags.yes_if_safe and is_safe)

    def _ask(self, plan: Plan, *, approved: bool) -> None:
        """Ask for the word yes, in production for the name of the environment."""
        name = plan.environment
        word = name if self.is_production else "yes"
        question = f"Apply these changes to {name}?"
        ask(question, self.session.output, approved=approved, command=self.approving, word=word)
        if self.is_production:
            require_confirmation(self.flags.confirmed, name, self.confirming)

    def _show(self, plan: Plan) -> None:
        """Show what is about to happen; where stdout is kept for one document, people read it on stderr."""
        output = self.session.output
        if self.output_format == "text":
            show_plan(self.session, plan, "text", ExitCode.OK)
        elif not output.json_log:
            output.hint(render_plan(plan, output.err_style))

    def _answer(self, plan: Plan, refused: RefusedError) -> None:
        """Write the plan with the refusal and the command that approves, as the one document of the run."""
        output = self.session.output
        write_failure(self.reports, refused, sandbox=self.session.sandbox, output=output)
        commands = refused.diagnostics[0].commands if refused.kind is RefusalKind.APPROVAL else ()
        refusal: dict[str, Json] = {"kind": refused.kind.value, "command": next(iter(commands), self.approving)}
        output.diagnostics(refused.diagnostics)
        said = replace(plan, diagnostics=(*plan.diagnostics, *refused.diagnostics))
        output.document({**encode_plan(said, exit_code=ExitCode.REFUSED), "refusal": refusal})


def _no_time_to_ask(reason: str) -> Diagnostic:
    return Diagnostic(
        "stopped-before-asking",
        Severity.ERROR,
        "Stopped before the plan could be approved",
        f"{reason}. The account took that long to read; nothing was changed.",
        hint="run the same command again, with more time",
    )


CODES = {
    "stopped-before-asking": "The time of --stop-after was used up before there was a plan to approve. Nothing was "
    "changed.",
}
