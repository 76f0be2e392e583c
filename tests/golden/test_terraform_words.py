"""What can be wrong with a state behind Terraform's HTTP protocol, word for word."""

from omnictl.state.terraform.problems import CODES, damaged, fate_unknown, lock_cleared, no_lock, refused, unreachable
from tests.golden.golden import check_golden
from tests.golden.words import all_told

WHERE = "https://state.example.com/production"


def test_what_can_be_wrong_with_a_state_behind_the_http_protocol() -> None:
    statuses = (302, 400, 401, 403, 404, 413, 422)
    nobody = "OMNICTL_STATE_TOKEN is not set"
    problems = (
        *(refused(WHERE, f"POST was answered {each} (no)", each, "") for each in statuses),
        *(refused(WHERE, f"GET was answered {each}", each, nobody) for each in (401, 413)),
        unreachable(WHERE, "GET: no answer in time"),
        fate_unknown(WHERE, "POST: the connection was cut before the answer", 8),
        damaged(WHERE),
        lock_cleared(WHERE, "POST was answered 409"),
        no_lock(WHERE, "LOCK was answered 405"),
    )
    assert {each.code for each in problems} == set(CODES)
    check_golden("terraform-problems.txt", all_told(problems))
