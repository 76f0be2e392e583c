"""The table "What happens to a request" of docs/planning.md, cell by cell, by the words of the cell."""

from collections.abc import Callable
from itertools import product

import httpx
import pytest

from omnictl.errors import OutcomeUnknownError, ReadingError, RemoteError
from omnictl.model.scenario import Attributes
from omnictl.operations.updating import SENDS, write_update
from omnictl.provider.exchange import MOST_TRIES
from tests.planning_tables import read_table
from tests.unit.provider.service import BODY, ROW, Answer, Service, api_error, fail, reply, service
from tests.unit.provider.test_outcomes import EVERYTHING_ELSE, UNSENT

KEY = str(ROW["key"])
BEFORE = Attributes("before", BODY.flow)
AS_SENT, AS_SEEN = reply(200, ROW), reply(200, {**ROW, "name": "before"})
AS_NOBODY_SAID = reply(200, {**ROW, "name": "of somebody else"})

REQUESTS: dict[str, Callable[[Service], object]] = {
    "read": lambda it: it.provider().get(KEY),
    "create": lambda it: it.provider().create(BODY, default=True),
    "update": lambda it: write_update(it.provider(), KEY, seen=BEFORE, desired=BODY),
}
SAMPLES: dict[str, list[Answer]] = {
    "not sent": [each.values[0] for each in UNSENT],  # type: ignore[misc]
    "429": [api_error(429, "TOO_MANY_REQUESTS"), reply(429, None, retry_after="7")],
    "4xx of the API": [api_error(400), api_error(409), api_error(422)],
    "2xx as asked": [AS_SENT],
    "everything else": [each.values[0] for each in EVERYTHING_ELSE],  # type: ignore[misc]
}


def begin(request: str, *answers: Answer) -> Service:
    """Return a service with these answers; an update has read its scenario before."""
    return service(*([AS_SEEN] if request == "update" else []), *answers)


def methods(it: Service, request: str) -> list[str]:
    """Return what was sent, without the reading that begins an update."""
    return [each.method for each in it.requests][1 if request == "update" else 0 :]


METHOD = {"read": "GET", "create": "POST", "update": "PUT"}


def is_sent_again(request: str, sample: Answer) -> None:
    it = begin(request, sample, sample, AS_SENT)
    assert REQUESTS[request](it)
    assert methods(it, request) == [METHOD[request]] * 3
    assert len(it.waits) >= 2


def is_an_error(request: str, sample: Answer) -> None:
    it = begin(request, sample, AS_SENT)
    with pytest.raises(ReadingError):
        REQUESTS[request](it)
    assert methods(it, request) == [METHOD[request]]


def is_refused(request: str, sample: Answer) -> None:
    it = begin(request, sample, AS_SENT)
    with pytest.raises(RemoteError) as caught:
        REQUESTS[request](it)
    assert not isinstance(caught.value, ReadingError)
    assert methods(it, request) == [METHOD[request]]


def is_done(request: str, sample: Answer) -> None:
    it = begin(request, sample)
    assert REQUESTS[request](it)
    assert methods(it, request) == [METHOD[request]]


def is_bounded(request: str, sample: Answer) -> None:
    is_sent_again(request, sample)
    it = begin(request, sample)
    with pytest.raises(ReadingError):
        REQUESTS[request](it)
    assert methods(it, request) == [METHOD[request]] * MOST_TRIES


def is_unknown(request: str, sample: Answer) -> None:
    it = begin(request, sample, AS_SENT)
    with pytest.raises(OutcomeUnknownError):
        REQUESTS[request](it)
    assert methods(it, request) == [METHOD[request]]


def is_looked_at(request: str, sample: Answer) -> None:
    done = begin(request, sample, AS_SENT)
    assert REQUESTS[request](done)
    assert methods(done, request) == ["PUT", "GET"]
    again = begin(request, sample, AS_SEEN, AS_SENT)
    assert REQUESTS[request](again)
    assert methods(again, request) == ["PUT", "GET", "PUT"]
    refused = begin(request, sample, AS_NOBODY_SAID)
    with pytest.raises(RemoteError) as caught:
        REQUESTS[request](refused)
    assert caught.value.diagnostics[0].code == "changed-since-plan"
    assert methods(refused, request) == ["PUT", "GET"]
    never = begin(request, *[sample, AS_SEEN] * SENDS)
    with pytest.raises(OutcomeUnknownError):
        REQUESTS[request](never)
    assert methods(never, request) == ["PUT", "GET"] * SENDS


MEANINGS: dict[str, Callable[[str, Answer], None]] = {
    "again, later": is_sent_again,
    "again": is_sent_again,
    "wait, again": is_sent_again,
    "error": is_an_error,
    "refused": is_refused,
    "done": is_done,
    "created": is_done,
    "again, bounded": is_bounded,
    "**unknown**: look first": is_unknown,
    "read again: as sent is done, as the plan saw is sent again, else refused": is_looked_at,
}
"""What the words of a cell mean: a word that is not here fails the test."""

HEAD, ROWS = read_table("What happens to a request")
CELLS = [(row[0], outcome, word) for row in ROWS for outcome, word in zip(HEAD[1:], row[1:], strict=True)]


def test_the_table_has_every_request_and_every_outcome() -> None:
    assert {(request, outcome) for request, outcome, _ in CELLS} == set(product(REQUESTS, SAMPLES))
    assert len(CELLS) == len(REQUESTS) * len(SAMPLES)
    assert {word for _, _, word in CELLS} == MEANINGS.keys()


@pytest.mark.parametrize(("request_", "outcome", "word"), CELLS)
def test_a_cell_is_as_it_says(request_: str, outcome: str, word: str) -> None:
    for sample in SAMPLES[outcome]:
        MEANINGS[word](request_, sample)


def test_a_request_that_cannot_be_sent_is_not_tried_for_ever() -> None:
    for request in REQUESTS:
        it = begin(request, fail(httpx.ConnectError))
        with pytest.raises(RemoteError):
            REQUESTS[request](it)
        assert methods(it, request) == [METHOD[request]] * MOST_TRIES
