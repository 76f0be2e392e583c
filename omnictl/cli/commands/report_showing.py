"""``reports list`` and ``stats``: the ledger alone, no network."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

import click

from omnictl import __version__
from omnictl.cli.completing import complete_ids
from omnictl.cli.context import Session, get_session
from omnictl.cli.exit_codes import ExitCode
from omnictl.cli.filters import read_filter, read_to
from omnictl.cli.messaging import ledger_option, open_ledger, read_now, resolve_time, unmask_option
from omnictl.cli.options import global_options
from omnictl.cli.renderings import PLAIN
from omnictl.cli.reports import Rendering, Report, report_option, show_rendering, to_text, write_reports
from omnictl.cli.signals import stopping
from omnictl.cli.system import utc_now
from omnictl.cli.times import Moment, read_time
from omnictl.cli.unseen import say_unseen
from omnictl.codec.statistics import encode_statistics
from omnictl.codec.stories import encode_stories, write_stories
from omnictl.engine.statistics import count_stories
from omnictl.ledger.base import Ledger, MessageFilter
from omnictl.model.report import GapState
from omnictl.model.statistics import Statistics
from omnictl.model.story import Story, StoryOutcome
from omnictl.operations.stories import find_reported, iterate_reported, iterate_stories, iterate_strays
from omnictl.provider.base import StopSignal
from omnictl.render.csv_rows import render_statistics_csv, render_stories_csv
from omnictl.render.statistics import render_statistics, say_gaps
from omnictl.render.statistics_html import render_statistics_html
from omnictl.render.stories import render_stories, render_story_line

_FOLLOW_SECONDS = 1.0
_STATISTICS = ("text", "json", "csv", "html")


@click.command("list", epilog="Example: omnictl reports list vk-sms --since 24h --sandbox")
@click.argument("scenario", metavar="[ID]", required=False, callback=read_filter, shell_complete=complete_ids)
@click.option("--run", callback=read_filter, metavar="RUN", help="Only those of one run of send.")
@click.option("--message-id", callback=read_filter, metavar="ID", help="Only one message.")
@click.option("--to", callback=read_to, metavar="ADDRESS", help="Only those to one address.")
@click.option("--since", callback=read_time, metavar="TIME", help="Sent since then: a date, a time, or 24h.")
@click.option("--until", callback=read_time, metavar="TIME", help="Sent before then.")
@click.option(
    "--outcome", "outcomes", multiple=True, type=click.Choice([each.value for each in StoryOutcome]), help="Only these."
)
@click.option("--limit", type=click.IntRange(min=1), help="The first so many; of those to come, --follow shows all.")
@click.option("--follow", is_flag=True, help="Go on: each message again when a report of it arrives.")
@ledger_option
@unmask_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "csv", "ndjson"]),
    default="text",
    help="How it is shown; json is one document, the others begin at once.",
)
@global_options
@click.pass_context
def list_stories(
    ctx: click.Context,
    *,
    scenario: str | None,
    run: str | None,
    message_id: str | None,
    to: str | None,
    since: Moment | None,
    until: Moment | None,
    outcomes: Sequence[str],
    limit: int | None,
    follow: bool,
    ledger_path: str | None,
    unmask: bool,
    output_format: str,
) -> int:
    """Show what became of each message: every attempted step, its status and error, how long it took.

    From the ledger alone. Reports that belong to no message of the ledger are shown where nothing of ours is asked for.
    """
    if follow and output_format not in ("text", "ndjson"):
        raise click.UsageError("--follow shows text or ndjson: the others are whole documents.", ctx)
    session = get_session(ctx)
    begin, end = resolve_time(session, since), resolve_time(session, until)
    wanted = MessageFilter(scenario, run, message_id, to, begin, end)
    with closing(open_ledger(session, ledger_path, must_exist=True)) as ledger:
        say_unseen(session, ledger, wanted)
        after = ledger.last_position()
        strays = () if _asks_for_ours(wanted) else iterate_strays(ledger, since=begin, until=end)
        found = chain(iterate_stories(ledger, wanted), strays)
        chosen = islice((each for each in found if not outcomes or each.outcome in outcomes), limit)
        _show(session, chosen, output_format, follow=follow, unmask=unmask)
        if follow:
            return _follow(session, ledger, wanted, outcomes, after, output_format=output_format, unmask=unmask)
    return ExitCode.OK


def _show(session: Session, stories: Iterable[Story], output_format: str, *, follow: bool, unmask: bool) -> None:
    match output_format:
        case "json":
            document = encode_stories(
                stories,
                version=__version__,
                environment=session.place.environment,
                sandbox=session.sandbox,
                unmask=unmask,
            )
            session.output.document(document)
        case "csv":
            _write_parts(session, render_stories_csv(stories, unmask=unmask))
        case "ndjson":
            _write_parts(session, write_stories(stories, unmask=unmask))
        case _ if follow:
            _show_lines(session, stories, unmask=unmask)
        case _:
            session.show(render_stories(list(stories), session.output.out_style, unmask=unmask).rstrip("\n"))


def _write_parts(session: Session, lines: Iterator[str]) -> None:
    """Write lines for programs, a thousand at once."""
    while part := "".join(islice(lines, 1000)):
        session.output.document(part.rstrip("\n"))


def _show_lines(session: Session, stories: Iterable[Story], *, unmask: bool) -> None:
    for each in stories:
        session.output.result(render_story_line(each, session.output.out_style, unmask=unmask))


def _asks_for_ours(wanted: MessageFilter) -> bool:
    """Tell whether only messages of this ledger can be meant; what a stray went through nobody knows."""
    return any((wanted.scenario, wanted.run, wanted.message_id, wanted.to))


def _follow(
    session: Session,
    ledger: Ledger,
    wanted: MessageFilter,
    outcomes: Sequence[str],
    after: int,
    *,
    output_format: str,
    unmask: bool,
) -> ExitCode:
    """Show each story again when a report of it has arrived, until a signal comes; return its code."""
    stop = StopSignal()
    with stopping(stop, session.output.hint, lambda: "", announcement="Stopping.") as received:
        while not stop.wait(_FOLLOW_SECONDS):
            last = ledger.last_position()
            if last == after:
                continue
            ids = find_reported(ledger, after, last)
            strays = not _asks_for_ours(wanted)
            found = iterate_reported(ledger, after, ids, last=last, wanted=wanted, strays=strays)
            changed = [each for each in found if not outcomes or each.outcome in outcomes]
            after = last
            _show(session, changed, output_format, follow=True, unmask=unmask)
    return ExitCode(128 + received[0])


# --- statistics ------------------------------------------------------------------------------------------------


@click.command("stats", epilog="Example: omnictl reports stats vk-sms --sandbox --report html=stats.html")
@click.argument("scenario", metavar="[ID]", required=False, callback=read_filter, shell_complete=complete_ids)
@click.option("--run", callback=read_filter, metavar="RUN", help="Only those of one run of send.")
@click.option("--since", callback=read_time, metavar="TIME", help="Sent since then: a date, a time, or 24h.")
@click.option("--until", callback=read_time, metavar="TIME", help="Sent before then.")
@ledger_option
@click.option("--format", "output_format", type=click.Choice(_STATISTICS), default="text", help="How it is shown.")
@report_option(*_STATISTICS)
@global_options
@click.pass_context
def stats(
    ctx: click.Context,
    *,
    scenario: str | None,
    run: str | None,
    since: Moment | None,
    until: Moment | None,
    ledger_path: str | None,
    output_format: str,
    reports: Sequence[Report],
) -> int:
    """Count per scenario and step: attempted, delivered, fell through and why, time to delivery, cost.

    Before and after a change of the flow stand side by side. From the ledger alone, without personal data.
    """
    session = get_session(ctx)
    with closing(open_ledger(session, ledger_path, must_exist=True)) as ledger:
        begin, end = resolve_time(session, since), resolve_time(session, until)
        wanted = MessageFilter(scenario, run, since=begin, until=end)
        say_unseen(session, ledger, wanted)
        stories = iterate_stories(ledger, wanted)
        strays = () if scenario or run else iterate_strays(ledger, since=begin, until=end)
        now = read_now(session)
        gaps = [each.as_of(now) for each in ledger.list_gaps([GapState.OPEN, GapState.PERMANENT])]
        counted = count_stories(chain(stories, strays), gaps)
    write_reports(reports, lambda: _renderings(session, counted))
    if output_format == "text":
        session.show(render_statistics(counted, session.output.out_style).rstrip("\n"))
    else:
        show_rendering(session.output, output_format, _renderings(session, counted))
    if output_format == "csv":  # it has rows of scenarios alone
        for each in say_gaps(counted):
            session.output.say(each)
    return ExitCode.OK


def _renderings(session: Session, counted: Statistics) -> dict[str, Rendering]:
    environment, sandbox = session.place.environment, session.sandbox
    return {
        "text": lambda: render_statistics(counted, PLAIN),
        "json": lambda: to_text(
            encode_statistics(counted, version=__version__, environment=environment, sandbox=sandbox)
        ),
        "csv": lambda: render_statistics_csv(counted),
        "html": lambda: render_statistics_html(counted, environment=environment, sandbox=sandbox, made_at=utc_now()),
    }
