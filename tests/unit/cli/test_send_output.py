"""What a sending ends with: 4 once anything may have left and is not done, else what refused it."""

import pytest
from msgspec.structs import replace

from omnictl.cli.send_output import code_of_sending
from omnictl.model.diagnostic import Diagnostic, Severity
from omnictl.model.outcome import Ending
from omnictl.model.sending import SendReport
from omnictl.model.story import Story, StoryOutcome

REPORT = SendReport("run-1", "s", "test", Ending.FINISHED)
ERROR = Diagnostic("x", Severity.ERROR, "It is wrong")
WARNING = Diagnostic("x", Severity.WARNING, "It is odd")
DONE = Story("m", StoryOutcome.DELIVERED, is_final=True)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"accepted": 3, "requests_sent": 1}, 0),
        ({"accepted": 3}, 0),
        ({"accepted": 3, "diagnostics": (WARNING,)}, 0),
        ({"accepted": 2, "refused": 1, "requests_sent": 1}, 4),
        ({"accepted": 2, "unknown": 1, "requests_sent": 1}, 4),
        ({"unknown": 3, "requests_sent": 1}, 4),
        ({"unknown": 3}, 4),
        ({"refused": 3, "requests_sent": 1}, 4),
        ({"accepted": 2, "not_tried": 1, "requests_sent": 1}, 4),
        ({"accepted": 2, "not_tried": 1, "denied": True, "diagnostics": (ERROR,), "requests_sent": 1}, 4),
        ({"not_tried": 3, "denied": True, "diagnostics": (ERROR,)}, 5),
        ({"unknown": 1, "not_tried": 2, "denied": True, "diagnostics": (ERROR,)}, 4),
        ({"not_tried": 3, "diagnostics": (ERROR,)}, 1),
        ({"not_tried": 3}, 1),
        ({"not_tried": 3, "ending": Ending.STOPPED}, 6),
        ({"accepted": 1, "not_tried": 2, "ending": Ending.STOPPED, "requests_sent": 1}, 6),
        ({"accepted": 1, "unknown": 2, "ending": Ending.STOPPED, "requests_sent": 1}, 4),
        ({"accepted": 1, "not_tried": 2, "ending": Ending.INTERRUPTED, "signal": 2, "requests_sent": 1}, 130),
        ({"accepted": 1, "unknown": 2, "ending": Ending.INTERRUPTED, "signal": 15, "requests_sent": 1}, 143),
    ],
    ids=str,
)
def test_the_code_says_whether_anything_may_have_left(what: dict[str, object], code: int) -> None:
    assert code_of_sending(replace(REPORT, **what)) == code


@pytest.mark.parametrize(
    ("stories", "code"),
    [
        ([], 0),
        ([DONE, DONE], 0),
        ([DONE, replace(DONE, is_final=False)], 6),
        ([DONE, replace(DONE, outcome=StoryOutcome.UNDELIVERED)], 4),
        ([replace(DONE, is_final=False), replace(DONE, outcome=StoryOutcome.UNDELIVERED)], 4),
    ],
)
def test_who_waited_is_told_how_it_ended(stories: list[Story], code: int) -> None:
    assert code_of_sending(replace(REPORT, accepted=2, requests_sent=1), stories) == code
