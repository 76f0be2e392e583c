"""Reading the account: pages asked for concurrently, read to the end, every recorded key accounted for."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

from omnictl.engine.listing import MOST_PAGES, Complete, Listing, Moved, guess_pages
from omnictl.errors import ReadingError, RefusalKind, RefusedError, StoppedError
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Event, ReadingAccount
from omnictl.model.scenario import Remote
from omnictl.model.state import State
from omnictl.provider.base import Provider, StopSignal
from omnictl.threads import leave_signals

RESTARTS = 2
"""How often a reading is begun anew because the list moved under it."""

PAGES_AHEAD = 4
"""How many pages a worker are asked for before they are needed: enough that none is idle, whatever a state claims."""

Observe = Callable[[Event], None]


def read_account(
    provider: Provider, state: State, *, workers: int, observe: Observe, stop: StopSignal | None = None
) -> Mapping[str, Remote]:
    """Return all scenarios of the account by key, in the order of the list.

    Raises ReadingError where the reading cannot be complete, RefusedError where the account is not the one of the
    state, StoppedError when asked to stop between two pages. Recorded keys that are missing from the result have
    vanished (404).
    """
    recorded = frozenset(record.key for record in state.records.values())

    def tell(event: Event) -> None:
        if stop is not None and stop.is_set:
            raise StoppedError(_stopped(stop.reason))
        observe(event)

    with _readers(workers) as pool:
        remotes = _read_list(provider, recorded, state, pool, max(1, workers) * PAGES_AHEAD, tell)
        missing = sorted(recorded - remotes.keys())
        if missing and len(missing) == len(recorded):
            _refuse_if_foreign(provider, missing, remotes, pool)
        for key, remote in zip(missing, pool.map(provider.get, missing), strict=True):
            if remote is not None:
                raise ReadingError(_incomplete(key))
    return remotes


@contextmanager
def _readers(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads that has ended with the context; only a signal does not wait for a page that may never come."""
    pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="read", initializer=leave_signals)
    try:
        yield pool
    except Exception:
        pool.shutdown(cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _read_list(
    provider: Provider, recorded: Collection[str], state: State, pool: ThreadPoolExecutor, ahead: int, observe: Observe
) -> dict[str, Remote]:
    moved_key = ""
    for _ in range(RESTARTS + 1):
        verdict = _read_once(provider, recorded, state, pool, ahead, observe)
        if isinstance(verdict, Complete):
            return {remote.key: remote for remote in verdict.remotes}
        moved_key = verdict.key
    raise ReadingError(_restless(moved_key))


def _read_once(
    provider: Provider, recorded: Collection[str], state: State, pool: ThreadPoolExecutor, ahead: int, observe: Observe
) -> Complete | Moved:
    size, listed = provider.capabilities.page_size, state.listed
    # A create of unknown outcome stands behind all that is known: no count and no recorded key vouches for it.
    must_end = bool(state.intents)
    listing = Listing(page_size=size, recorded=recorded, listed_before=listed, must_end=must_end)
    guessed = iter(range(min(guess_pages(listed, size), MOST_PAGES)))
    asked = deque(pool.submit(provider.list_page, each) for each in islice(guessed, ahead))
    for number in range(MOST_PAGES):
        verdict = listing.add(asked.popleft().result() if asked else provider.list_page(number))
        observe(ReadingAccount(len(listing)))
        if isinstance(verdict, Moved) or (isinstance(verdict, Complete) and not asked):
            _withdraw(asked)
            return verdict
        if not listing.has_ended:
            asked.extend(pool.submit(provider.list_page, each) for each in islice(guessed, 1))
    raise ReadingError(_endless(len(listing)))


def _withdraw(asked: Iterable[Future[tuple[Remote, ...]]]) -> None:
    """Take back what was asked for and is wanted no more, as far as it has not left."""
    for each in asked:
        each.cancel()


def _refuse_if_foreign(
    provider: Provider, missing: Sequence[str], remotes: Mapping[str, Remote], pool: ThreadPoolExecutor
) -> None:
    """Refuse an account that knows none of the keys of the state."""
    if any(remote is not None for remote in pool.map(provider.get, missing[:10])):
        raise ReadingError(_incomplete(missing[0]))
    raise RefusedError(
        RefusalKind.POLICY,
        Diagnostic(
            "foreign-account",
            Severity.ERROR,
            "The account knows none of the scenarios that the state records",
            f"The state records {len(missing)} keys; {provider.host} has {len(remotes)} scenarios and none of these. "
            "This is another account, or another state.",
            hint="check the environment (--env), its base URL, its credentials and its state",
        ),
    )


def _incomplete(key: str) -> Diagnostic:
    return Diagnostic(
        "incomplete-listing",
        Severity.ERROR,
        "The list of scenarios is incomplete",
        f"The scenario {key} exists on the account, but the list does not show it. "
        "A plan made from such a list could create scenarios a second time, so none is made.",
        hint="try again in a minute; a scenario that was just created may be missing for a moment",
    )


def _stopped(reason: str) -> Diagnostic:
    return Diagnostic(
        "stopped-reading",
        Severity.ERROR,
        "Stopped while the account was read",
        f"{reason}. Nothing is planned or sent after a part of a reading.",
        hint="run the same command again",
    )


def _restless(key: str) -> Diagnostic:
    return Diagnostic(
        "restless-listing",
        Severity.ERROR,
        "The list of scenarios changes while it is read",
        f"The scenario {key} came up twice in each of {RESTARTS + 1} readings, so something may be missing from them.",
        hint="try again when nobody else changes scenarios",
    )


def _endless(rows: int) -> Diagnostic:
    return Diagnostic(
        "endless-listing",
        Severity.ERROR,
        "The list of scenarios does not end",
        f"{MOST_PAGES:,} pages with {rows:,} scenarios were read, each of them new, and no page was the last.",
        hint="check the base URL; if the account really has so many, report it: omnictl reads no more",
    )


CODES = {
    "endless-listing": "The account was read to a bound that no account comes near (2,500 pages, 250,000 scenarios), "
    "and the list had no end. Nothing is planned against a part of an account.",
    "foreign-account": "The state has keys and the account lists none of them. Nothing is planned against an account "
    "that is not the one the state was written for.",
    "incomplete-listing": "A recorded scenario is missing from the list although it exists. An incomplete list is "
    "never taken for a complete one.",
    "stopped-reading": "The run was asked to stop before the account was read to its end, and nothing is "
    "planned or sent after a part of a reading. Run the same command again, with more time.",
    "restless-listing": "A key was listed twice: the order of the list changed between two pages. The reading was "
    "begun anew twice and gave no consistent list.",
}
