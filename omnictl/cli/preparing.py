"""What is to be sent, read and checked before anything leaves: through what, what, and to whom."""

import math
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from omnictl import __version__
from omnictl.cli.audience import Audience, gather, survey_file
from omnictl.cli.context import Session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.memory import require_state
from omnictl.cli.messaging import read_now
from omnictl.codec.envelope import make_envelope
from omnictl.codec.shapes import parse_json, write_json
from omnictl.config.message_options import MessageOptions, apply_options
from omnictl.config.messages import load_message
from omnictl.config.recipients import parse_recipients
from omnictl.config.variables import collect
from omnictl.engine.deliverable import check_message, check_recipient, needed_addresses
from omnictl.engine.revision import make_revision
from omnictl.errors import ConfigurationError, UsageError
from omnictl.model.address import id_of, make_address
from omnictl.model.diagnostic import Diagnostic, Severity, has_errors
from omnictl.model.masking import mask_recipient
from omnictl.model.message import Addressed, Batch, Message, Recipient, Via
from omnictl.model.state import State
from omnictl.operations.sending import with_callback_data
from omnictl.provider.message_wire import write_batch
from omnictl.provider.wire import SEND_PATH
from omnictl.render.send_text import render_summary
from omnictl.render.words import count

_MOST_MISTAKES = 100
_LONGEST_LINE = 10_000


class SendOptions(Struct, frozen=True):
    """What the command line says, as it was typed."""

    scenario: str
    to: tuple[str, ...]
    recipients: str | None
    message_file: str | None
    said: MessageOptions
    batch_size: int
    bad_rows: str | None
    ledger: str | None
    dry_run: bool
    yes: bool
    wait: bool
    timeout: float | None
    resume: str | None
    new_run: bool
    again: bool
    resend_unknown: bool
    unmask: bool
    output_format: str


class Prepared(Struct, frozen=True):
    """All that is to be sent, checked: through what, what, and to whom."""

    via: Via
    message: Message
    audience: Audience
    batch_size: int


# --- before anything leaves ------------------------------------------------------------------------------------


def prepare(session: Session, options: SendOptions) -> Prepared:
    """Return what is to be sent. Raises where anything of it is wrong; what is only odd is told."""
    via = _find_via(session, options.scenario)
    message, found = _make_message(session, options, via)
    if not has_errors(found):
        found = (*found, *check_message(message, via.flow, now=read_now(session)))
    if has_errors(found):
        raise ConfigurationError.of(found)
    session.output.diagnostics(found)
    return Prepared(via, message, _make_audience(session, options, via), options.batch_size)


def _find_via(session: Session, scenario: str) -> Via:
    """Return the scenario as the state records it: its key, and the flow that the account has."""
    state = require_state(session.backend.read(), session)
    record = state.records.get(make_address(scenario))
    if record is None:
        raise UsageError(_not_applied(session, scenario, state))
    flow = record.observed.flow
    return Via(scenario, record.key, make_revision(flow), flow)


def _not_applied(session: Session, scenario: str, state: State) -> Diagnostic:
    from difflib import get_close_matches

    known = [id_of(each) for each in state.records]
    close = get_close_matches(scenario, known, n=1)
    return Diagnostic(
        "not-applied",
        Severity.ERROR,
        "There is no such scenario in the state",
        f"{scenario} has no key in {session.backend.location}. Nothing was sent.",
        hint=f"did you mean {close[0]}?" if close else "if a file declares it, apply creates it and stores its key",
        commands=() if close else (session.command("apply"),),
    )


def _make_message(session: Session, options: SendOptions, via: Via) -> tuple[Message, tuple[Diagnostic, ...]]:
    """Return the message of --message, or the one that the scenario's file names, with the options over it."""
    channels = tuple(dict.fromkeys(each.channel for each in via.flow))
    base: Message | None = None
    found: tuple[Diagnostic, ...] = ()
    if options.message_file is not None:
        settings, environment = session.settings, session.environment
        variables = collect(settings.variables, environment.variables, session.options.variables, session.environ)
        base, found = load_message(Path(options.message_file), variables=variables)
        if base is None:
            return Message(), found
    elif not options.said.texts:
        base = session.loaded.messages.get(make_address(options.scenario))
    message, mistakes = apply_options(base, options.said, channels)
    return message, (*found, *mistakes)


def _make_audience(session: Session, options: SendOptions, via: Via) -> Audience:
    if options.recipients is not None:
        audience = survey_file(
            Path(options.recipients),
            needed_addresses(via.flow),
            bad_rows_to=Path(options.bad_rows) if options.bad_rows else None,
            tell=session.output.hint,
        )
        _tell_rows(session, options, audience)
    else:
        audience = gather(_read_people(session, options, via))
    if not audience.total:
        raise ConfigurationError(_nobody(options))
    return audience


def _read_people(session: Session, options: SendOptions, via: Via) -> Sequence[Recipient]:
    """Return the people of --to, those of stdin in the place of ``-``."""
    typed = [each for each in options.to if each != "-"]
    people, found = parse_recipients(typed)
    if "-" in options.to:
        more, mistakes = parse_recipients(_read_lines(), label="line")
        known = {each.identity for each in people}
        people = (*people, *(each for each in more if each.identity not in known))
        found = (*found, *mistakes)
    for number, each in enumerate(people, start=1):
        found = (*found, *check_recipient(each, via.flow, label=f"recipient {number}"))
        if sum(each.severity is Severity.ERROR for each in found) > _MOST_MISTAKES:
            break
    if has_errors(found):
        raise UsageError(*found)
    session.output.diagnostics(found)
    return people


def _read_lines() -> Iterator[str]:
    """Yield the lines of stdin, of one without an end a part; none where there is no stdin."""
    while sys.stdin is not None and (line := sys.stdin.readline(_LONGEST_LINE)):
        yield line


def _tell_rows(session: Session, options: SendOptions, audience: Audience) -> None:
    """Say which rows of a file cannot be used: line and reason, nothing of the row."""
    if audience.doubtful:
        what = f"{count(audience.doubtful, 'row')} of {options.recipients}"
        detail = (
            f"{what}: the number has a possible length, and no operator is known to have such a one. It is sent to."
        )
        session.output.diagnostics([Diagnostic("doubtful-rows", Severity.WARNING, "Numbers may be of nobody", detail)])
    if not audience.bad:
        return
    lines = [
        f"line {each.line}: {f'{each.column}: ' if each.column is not None else ''}{each.reason}"
        for each in audience.bad_rows
    ]
    if audience.bad > len(lines):
        lines.append(f"and {audience.bad - len(lines)} more")
    written = f"All of them are in {options.bad_rows}." if options.bad_rows else ""
    session.output.diagnostics(
        [
            Diagnostic(
                "bad-rows",
                Severity.WARNING,
                f"{count(audience.bad, 'row')} of {options.recipients} cannot be used",
                "\n".join([*lines, *([written] if written else [])]),
                hint="" if written else "write them to a file, mend them there, and send that one",
                commands=() if written else ("--bad-rows bad-rows.csv",),
            )
        ]
    )


def _nobody(options: SendOptions) -> Diagnostic:
    where = options.recipients or "--to"
    return Diagnostic("nobody", Severity.ERROR, "There is nobody to send to", f"{where} names no usable recipient.")


# --- what goes out ---------------------------------------------------------------------------------------------


def summarize(prepared: Prepared, session: Session, *, on_stderr: bool, show_texts: bool) -> str:
    """Return what goes out to how many; texts are shown where somebody reviews them."""
    audience = prepared.audience
    return render_summary(
        prepared.message,
        prepared.via,
        total=audience.total,
        by_kind=count(audience.total, "recipient"),
        duplicates=audience.duplicates,
        bad=audience.bad,
        requests=math.ceil(audience.total / prepared.batch_size),
        show_texts=show_texts,
        style=session.output.err_style if on_stderr else session.output.out_style,
    )


def show_dry_run(session: Session, options: SendOptions, prepared: Prepared) -> None:
    """Show what would be sent, and its first request; ids are made when it is."""
    people = tuple(islice(prepared.audience.recipients(), prepared.batch_size))
    shown = people if options.unmask else tuple(map(mask_recipient, people))
    addressed = tuple(Addressed(f"(id {number})", each) for number, each in enumerate(shown, start=1))
    message = with_callback_data(prepared.message, prepared.via, "(id)")
    body = write_batch(Batch("(id)", prepared.via.key, message, addressed)).decode("ascii")
    if options.output_format == "json":
        session.output.document(
            make_envelope(
                "send-dry-run",
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                exit_code=ExitCode.OK,
                diagnostics=(),
                recipients=prepared.audience.total,
                request={"method": "POST", "path": SEND_PATH, "body": parse_json(body)},
            )
        )
        return
    request = write_json(parse_json(body))
    summary = summarize(prepared, session, on_stderr=False, show_texts=True)
    session.show(f"{summary}\n\nPOST {SEND_PATH}\n{request.rstrip()}\n\nNothing was sent.")


CODES = {
    "not-applied": "send takes a scenario by its id, and its key from the state of the environment. The state has "
    "no such id: apply first, or check --env and --state.",
    "bad-rows": "Rows of a file of recipients that cannot be used, each with its line and the reason. They stop "
    "nothing else; --bad-rows writes them to a file, which can be mended and sent.",
    "doubtful-rows": "Rows of a file of recipients whose numbers are possible, and in no range that is known to be "
    "assigned. They are sent to: plans of numbers change.",
    "nobody": "No recipient is left to send to: every row is bad, or the file has none.",
}
