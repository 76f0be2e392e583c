"""Addresses, methods and credentials of a state behind Terraform's HTTP protocol."""

import base64
from collections.abc import Mapping

import pytest

from omnictl.errors import AccessError, UsageError
from omnictl.state.location import parse_location
from omnictl.state.terraform.place import Endpoint, ServerPlace, find_identity, read_place

CANARY = "a-canary-of-a-password"
GITLAB = "https://gitlab.example.com/api/v4/projects/group%2Fproject/terraform/state/"
BASIC = {"TF_HTTP_USERNAME": "somebody", "TF_HTTP_PASSWORD": CANARY}


def place_of(url: str, environ: Mapping[str, str] | None = None) -> ServerPlace:
    return read_place(parse_location(url, "production"), environ or {})


def test_gitlab_and_gitea_are_known_by_their_paths() -> None:
    path = "/api/v4/projects/group%2Fproject/terraform/state/production"
    found = place_of(GITLAB)
    assert (found.path, found.is_gitlab, found.text) == (path, True, f"https://gitlab.example.com{path}")
    assert (found.lock, found.unlock) == (Endpoint("POST", f"{path}/lock"), Endpoint("DELETE", f"{path}/lock"))
    below = place_of("https://example.com/gitlab/api/v4/projects/7/terraform/state/one")
    assert (below.is_gitlab, below.lock.path) == (True, "/gitlab/api/v4/projects/7/terraform/state/one/lock")
    gitea = place_of("https://git.example.com/api/packages/owner/terraform/state/one")
    assert (gitea.is_gitlab, gitea.unlock) == (
        False,
        Endpoint("DELETE", "/api/packages/owner/terraform/state/one/lock"),
    )


def test_elsewhere_the_lock_is_on_the_address_of_the_state() -> None:
    found = place_of("https://state.example.com:8443/omnictl/")
    assert found.text == "https://state.example.com:8443/omnictl/production"
    assert (found.lock, found.unlock, found.update_method) == (
        Endpoint("LOCK", "/omnictl/production"),
        Endpoint("UNLOCK", "/omnictl/production"),
        "POST",
    )


def test_options_go_before_the_variables_of_terraform() -> None:
    environ = {
        "TF_HTTP_LOCK_ADDRESS": "https://state.example.com/locks/b",
        "TF_HTTP_LOCK_METHOD": "put",
        "TF_HTTP_UNLOCK_METHOD": "DELETE",
        "TF_HTTP_UPDATE_METHOD": "PUT",
    }
    given = place_of("https://state.example.com/a", environ)
    assert (given.lock, given.unlock) == (Endpoint("PUT", "/locks/b"), Endpoint("DELETE", "/locks/b"))
    assert given.update_method == "PUT"
    options = "lock_address=https://state.example.com/c&lock_method=POST&unlock_address=https://state.example.com/d"
    given = place_of(f"https://state.example.com/a?{options}", environ)
    assert (given.lock, given.unlock) == (Endpoint("POST", "/c"), Endpoint("DELETE", "/d"))
    assert (given.text, given.location) == ("https://state.example.com/a", f"https://state.example.com/a?{options}")


def test_the_variables_belong_to_the_state_that_terraform_names() -> None:
    environ = {"TF_HTTP_ADDRESS": "https://state.example.com/theirs", "TF_HTTP_LOCK_ADDRESS": "https://x.example/l"}
    assert place_of("https://state.example.com/ours", environ).lock == Endpoint("LOCK", "/ours")
    environ = {"TF_HTTP_ADDRESS": "https://state.example.com/ours", "TF_HTTP_LOCK_METHOD": "POST"}
    assert place_of("https://state.example.com/ours", environ).lock == Endpoint("POST", "/ours")


@pytest.mark.parametrize(
    "url",
    [
        "https://state.example.com/a?lock_address=https://other.example.com/a",
        "https://state.example.com/a?lock_address=http://state.example.com/a",
        "https://state.example.com/a?lock_address=https://state.example.com:444/a",
        "https://state.example.com/a?lock_address=/a",
        "https://state.example.com/a?lock_address=https://state.example.com/a%3Fb",
        "https://state.example.com/a?lock_method=LO%20CK",
        "https://state.example.com/a?lock=1",
        "https://state.example.com/a b",
        "https://state.example.com/a/../b",
        "https://state.example.com/a%zz",
        "https://under score.example/a",
        "https://exämple.com/a",
    ],
)
def test_what_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        place_of(url)
    assert refused.value.diagnostics[0].code == "unusable-state-server"


def test_plain_http_is_for_this_machine_unless_it_is_said() -> None:
    assert place_of("http://127.0.0.1:8000/a").base.text == "http://127.0.0.1:8000"
    assert place_of("http://[::1]:8000/a").base.text == "http://[::1]:8000"
    with pytest.raises(UsageError) as refused:
        place_of("http://state.example.com/a")
    assert refused.value.diagnostics[0].code == "insecure-state-server"
    assert place_of("http://state.example.com/a?allow_http=true").base.scheme == "http"


def test_a_token_goes_before_user_and_password() -> None:
    found = find_identity(place_of(GITLAB), {**BASIC, "OMNICTL_STATE_TOKEN": "a-token"}).credentials
    assert found is not None
    assert found.authorization() == "Bearer a-token"
    found = find_identity(place_of(GITLAB), BASIC).credentials
    assert found is not None
    assert found.authorization() == "Basic " + base64.b64encode(f"somebody:{CANARY}".encode()).decode()
    assert CANARY not in repr(found)


def test_half_of_the_credentials_is_refused() -> None:
    with pytest.raises(AccessError) as refused:
        find_identity(place_of(GITLAB), {"TF_HTTP_PASSWORD": CANARY})
    assert CANARY not in str(refused.value.diagnostics)


def test_the_token_of_a_job_goes_to_its_own_gitlab_alone() -> None:
    job = {"CI_JOB_TOKEN": CANARY, "CI_SERVER_URL": "https://gitlab.example.com"}
    found = find_identity(place_of(GITLAB), job).credentials
    assert found is not None
    assert found.authorization() == "Basic " + base64.b64encode(f"gitlab-ci-token:{CANARY}".encode()).decode()
    for url in (
        GITLAB.replace("gitlab.example.com", "gitlab.example.net"),
        GITLAB.replace("gitlab.example.com", "gitlab.example.com:444"),
        "https://gitlab.example.com/other/a",
    ):
        assert find_identity(place_of(url), job).credentials is None
    assert find_identity(place_of(GITLAB), {"CI_JOB_TOKEN": CANARY}).credentials is None


def test_user_and_password_of_another_server_are_not_sent() -> None:
    for address in ("https://other.example.com/a", "not an address"):
        found = find_identity(place_of(GITLAB), {**BASIC, "TF_HTTP_ADDRESS": address})
        assert found.credentials is None
        assert "TF_HTTP_ADDRESS" in found.why_nobody
    found = find_identity(place_of(GITLAB), {**BASIC, "TF_HTTP_ADDRESS": "https://gitlab.example.com/another"})
    assert found.credentials is not None
