"""Saying that a ledger has never seen what is asked for: no messages of a misspelt scenario are no news."""

from collections.abc import Sequence
from difflib import get_close_matches

from omnictl.cli.context import Session
from omnictl.config.documents import shorten
from omnictl.ledger.base import Ledger, MessageFilter
from omnictl.render.words import count

_MOST_NAMED = 5


def say_unseen(session: Session, ledger: Ledger, wanted: MessageFilter) -> None:
    """Say on stderr which scenario, run or message the ledger has nothing of, and what it may have been meant."""
    if wanted.scenario is not None and not _has(ledger, MessageFilter(scenario=wanted.scenario)):
        known = sorted({each.scenario for each in ledger.list_runs()} - {wanted.scenario})
        _say(session, f"of scenario {shorten(wanted.scenario)}", wanted.scenario, known)
    if wanted.run is not None and ledger.get_run(wanted.run) is None:
        _say(session, f"of a run {shorten(wanted.run)}", wanted.run, [each.id for each in ledger.list_runs()])
    if wanted.message_id is not None and not _has(ledger, MessageFilter(message_id=wanted.message_id)):
        _say(session, f"with the id {shorten(wanted.message_id)}", wanted.message_id, ())


def _has(ledger: Ledger, wanted: MessageFilter) -> bool:
    return next(iter(ledger.list_messages(wanted)), None) is not None


def _say(session: Session, which: str, name: str, known: Sequence[str]) -> None:
    close = get_close_matches(name, known, n=1)
    if close:
        cure = f" Did you mean {close[0]}?"
    elif known:
        others = len(known) - _MOST_NAMED
        rest = f" and {count(others, 'other')}" if others > 0 else ""
        cure = f" It knows {', '.join(known[:_MOST_NAMED])}{rest}."
    else:
        cure = ""
    session.output.say(f"The ledger has no message {which}.{cure}")
