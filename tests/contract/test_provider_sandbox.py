"""The provider against the embedded sandbox, in this process: two strangers that speak the same API."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from omnictl.errors import OutcomeUnknownError, RemoteError
from omnictl.model.scenario import Attributes, Step
from omnictl.model.state import State
from omnictl.operations.account import read_account
from omnictl.provider.base import StopSignal
from omnictl.provider.factory import make_provider
from omnictl.provider.omni import OmniProvider
from omnictl.sandbox.app import Sandbox
from omnictl.sandbox.errors import ConnectionCutError
from omnictl.sandbox.store import World
from omnictl.transport.credentials import make_credentials
from omnictl.transport.in_process import make_in_process_transport

BODY = Attributes("My VK-SMS scenario", (Step("VKONTAKTE"), Step("SMS", "InfoSMS")))
OTHER = Attributes('Ünïcode "quotes" 😀', (Step("SMS", "InfoSMS"), Step("VIBER", "+385 1"), Step("SMS", "InfoSMS")))

Wrap = Callable[[WSGIApplication], WSGIApplication]


def open_provider(app: WSGIApplication, *, read_only: bool = False) -> OmniProvider:
    """Return a provider over an application, with no time to wait."""
    return make_provider(
        "http://127.0.0.1",
        make_credentials("any-key", source="the test"),
        workers=4,
        budgets={},
        recent={},
        stop=StopSignal(),
        observe=lambda event: None,
        clock=lambda: datetime.now(UTC),
        random=random.Random(1).random,
        wait=lambda seconds: False,
        settle_seconds=0.0,
        transport=make_in_process_transport(app, cut_errors=(ConnectionCutError,)),
        read_only=read_only,
    )


@pytest.fixture
def app(tmp_path: Path) -> WSGIApplication:
    """The sandbox with a fresh world."""
    return Sandbox(World(tmp_path / "world.sqlite"))


@pytest.fixture
def provider(app: WSGIApplication) -> Iterator[OmniProvider]:
    opened = open_provider(app)
    yield opened
    opened.close()


def test_an_empty_account_is_an_empty_page(provider: OmniProvider) -> None:
    assert provider.list_page(0) == ()


@pytest.mark.parametrize("body", [BODY, OTHER])
def test_what_is_created_is_read_back_in_every_way(provider: OmniProvider, body: Attributes) -> None:
    created = provider.create(body, default=False)
    assert created.attributes == body
    assert created.is_default  # the first scenario of an account, whatever it says
    assert provider.get(created.key) == created
    assert provider.list_page(0) == (created,)
    assert provider.list_page(1) == ()


def test_an_update_replaces_name_and_flow_and_keeps_the_key(provider: OmniProvider) -> None:
    created = provider.create(BODY, default=True)
    updated = provider.update(created, OTHER, default=True)
    assert (updated.key, updated.attributes, updated.is_default) == (created.key, OTHER, True)
    assert provider.get(created.key) == updated


def test_the_default_moves_by_put_and_the_loser_loses_it(provider: OmniProvider) -> None:
    first = provider.create(BODY, default=True)
    second = provider.create(OTHER, default=False)
    assert not second.is_default
    assert provider.update(second, OTHER, default=True).is_default
    assert {each.key: each.is_default for each in provider.list_page(0)} == {first.key: False, second.key: True}


def test_a_put_with_the_flag_as_read_steals_nothing_back(provider: OmniProvider) -> None:
    first = provider.create(BODY, default=True)
    second = provider.create(BODY, default=False)
    provider.update(second, OTHER, default=second.is_default)
    found = provider.get(first.key)
    assert found is not None
    assert found.is_default


def test_names_are_not_unique(provider: OmniProvider) -> None:
    keys = {provider.create(BODY, default=False).key for _ in range(3)}
    assert len(keys) == 3


def test_an_unknown_key_is_not_there(provider: OmniProvider) -> None:
    assert provider.get("0" * 32) is None
    assert provider.get("odd/key ü") is None


def test_the_api_refuses_what_is_no_scenario(provider: OmniProvider) -> None:
    with pytest.raises(RemoteError, match="refused-by-api") as caught:
        provider.create(Attributes("x", (Step("PIGEON"),)), default=False)
    assert type(caught.value) is RemoteError
    assert "POST /omni/1/scenarios answered 400 (request id " in caught.value.diagnostics[0].detail
    assert "channel" in caught.value.diagnostics[0].detail


def test_an_account_of_several_pages_is_read_to_its_end(provider: OmniProvider) -> None:
    keys = [provider.create(BODY, default=False).key for _ in range(205)]
    remotes = read_account(provider, State("lineage", "test"), workers=4, observe=lambda event: None)
    assert sorted(remotes) == sorted(keys)


def test_consecutive_providers_share_one_world(app: WSGIApplication) -> None:
    created = open_provider(app).create(BODY, default=False)
    assert open_provider(app, read_only=True).get(created.key) == created


def cut_before(app: WSGIApplication) -> WSGIApplication:
    """Cut the connection of every write before the sandbox sees it."""

    def cutting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET":
            raise ConnectionCutError
        return app(environ, start_response)

    return cutting


def cut_after(app: WSGIApplication) -> WSGIApplication:
    """Cut the connection of every write after the sandbox did it."""

    def cutting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = app(environ, start_response)
        if environ["REQUEST_METHOD"] != "GET":
            raise ConnectionCutError
        return answer

    return cutting


@pytest.mark.parametrize(("wrap", "there"), [(cut_before, 0), (cut_after, 1)])
def test_a_cut_create_is_unknown_and_the_list_knows(app: WSGIApplication, wrap: Wrap, there: int) -> None:
    provider = open_provider(wrap(app))
    with pytest.raises(OutcomeUnknownError):
        provider.create(BODY, default=False)
    assert len(provider.list_page(0)) == there


@pytest.mark.parametrize(("wrap", "expected"), [(cut_before, BODY), (cut_after, OTHER)])
def test_a_cut_update_is_unknown_and_a_look_knows(app: WSGIApplication, wrap: Wrap, expected: Attributes) -> None:
    created = open_provider(app).create(BODY, default=False)
    provider = open_provider(wrap(app))
    with pytest.raises(OutcomeUnknownError):
        provider.update(created, OTHER, default=False)
    found = provider.get(created.key)
    assert found is not None
    assert found.attributes == expected
