"""One story a message: which step each row is of, how the steps ended, and how the message did."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from omnictl.engine.stories import tell_story, tell_strays
from omnictl.model.message import MessageFate, Sent
from omnictl.model.report import DeliveryError, Report, ReportSource, SeenReport, Status
from omnictl.model.story import StepState, Story, StoryOutcome
from tests.reporting import ABSENT, NO_ERROR, STATUSES, at, report, seed_reports, seen, sent

FLOWS = ("VKONTAKTE > SMS:InfoSMS", "SMS:A > SMS:B > VIBER", "SMS > SMS > SMS", "EMAIL:a@b.example")
MOMENTS = st.sampled_from([None, 0, 1, 1, 2, 60])
ROWS = st.lists(
    st.builds(
        lambda began, ended, **more: report(began=began, ended=ended, **more),
        channel=st.sampled_from(["VKONTAKTE", "VKONTANTE", "SMS", "VIBER", "PUSH", None]),
        status=st.sampled_from(sorted(STATUSES)),
        began=MOMENTS,
        ended=MOMENTS,
        message_id=st.sampled_from(["a", "b", ""]),
        bulk_id=st.sampled_from(["X", "Y", None]),
        to=st.sampled_from(["1", "2"]),
        sender=st.sampled_from(["A", "B", "C", None]),
        source=st.sampled_from(ReportSource),
        error=st.sampled_from([None, ABSENT, NO_ERROR]),
        price=st.sampled_from([None, "0.01", "0.02"]),
        message_count=st.sampled_from([None, 0, 1, 3]),
    ),
    max_size=7,
)
MESSAGES = st.none() | st.builds(sent, st.sampled_from(FLOWS), fate=st.sampled_from(MessageFate))


def states(story: Story) -> list[tuple[str | None, StepState]]:
    return [(step.channel, step.state) for step in story.steps]


def identity(row: Report) -> tuple[str, ...]:
    return replace(row, channel="VKONTAKTE" if row.channel == "VKONTANTE" else row.channel).identity


@given(MESSAGES, ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_doubled_rows_matter(
    message: Sent | None, rows: list[Report], chance: Random
) -> None:
    shuffled = [*rows, *rows[::2]]
    chance.shuffle(shuffled)
    assert tell_story(message, shuffled, ()) == tell_story(message, rows, ())


@given(MESSAGES, ROWS)
def test_every_row_ends_in_exactly_one_step(message: Sent | None, rows: list[Report]) -> None:
    told = [row.identity for step in tell_story(message, rows, ()).steps for row in step.rows]
    assert len(told) == len(set(told))
    assert set(told) == {identity(row) for row in rows}


@given(MESSAGES, ROWS, st.sampled_from(["VKONTAKTE", "SMS", "PUSH", None]), MOMENTS)
def test_a_delivered_row_makes_it_delivered_for_ever(
    message: Sent | None, rows: list[Report], channel: str | None, ended: float | None
) -> None:
    delivered = report(channel, "DELIVERED_TO_HANDSET", 0, ended)
    for told in (rows[:1], rows):
        story = tell_story(message, [delivered, *told], ())
        assert (story.outcome, story.is_final) == (StoryOutcome.DELIVERED, True)
        assert story.delivering is not None
        assert story.delivering.state is StepState.DELIVERED


@given(MESSAGES, ROWS)
def test_the_steps_of_the_flow_come_first_and_are_all_there(message: Sent | None, rows: list[Report]) -> None:
    story = tell_story(message, rows, ())
    declared = () if message is None else message.via.flow
    inside = [step for step in story.steps if step.position is not None]
    assert [(step.channel, step.sender) for step in inside] == [(step.channel, step.sender) for step in declared]
    assert list(story.steps[: len(inside)]) == inside
    assert all(step.rows for step in story.steps[len(inside) :])
    assert story.is_final or story.outcome is not StoryOutcome.DELIVERED


@given(ROWS, st.randoms(use_true_random=False))
def test_strays_hold_every_row_once_in_any_order(rows: list[Report], chance: Random) -> None:
    stories = list(tell_strays(rows))
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert list(tell_strays(shuffled)) == stories
    for story in stories:
        own = [row.identity for step in story.steps for row in step.rows]
        assert len(own) == len(set(own))
    told = {row.identity for story in stories for step in story.steps for row in step.rows}
    assert told == {identity(row) for row in rows}
    named = [row.identity for story in stories for step in story.steps for row in step.rows if row.message_id]
    assert len(named) == len(set(named))


def test_the_published_example() -> None:
    story = tell_story(sent(), seed_reports(), [seen(60), seen(50), seen(None)])
    assert states(story) == [("VKONTAKTE", StepState.UNDELIVERABLE), ("SMS", StepState.DELIVERED)]
    assert tell_story(sent(), (), ()).costs == {}
    first, second = story.steps
    assert (first.position, first.reason, first.seconds, first.cost) == (
        1,
        "EC_ABSENT_SUBSCRIBER_SM",
        0.01,
        Decimal("0.0104"),
    )
    assert (second.sender, second.reason, second.seconds, second.currency) == ("InfoSMS", None, 0.014, "EUR")
    assert story.delivering is second
    assert story.seconds == 0.024
    assert story.costs == {"EUR": Decimal("0.0204")}
    assert (story.seen, story.seen_at) == (True, at(50))
    assert (story.scenario, story.revision, story.run) == ("vk-sms", "3f2a91", "R-1")


@pytest.mark.parametrize(
    ("fate", "outcome", "final"),
    [
        (MessageFate.ACCEPTED, StoryOutcome.PENDING, False),
        (MessageFate.UNKNOWN, StoryOutcome.UNKNOWN, False),
        (MessageFate.REFUSED, StoryOutcome.REFUSED, True),
        (MessageFate.NOT_TRIED, StoryOutcome.NOT_TRIED, True),
    ],
)
def test_without_reports_the_fate_of_the_sending_tells(fate: MessageFate, outcome: StoryOutcome, final: bool) -> None:
    story = tell_story(sent(fate=fate), (), ())
    assert (story.outcome, story.is_final, story.delivering, story.seconds) == (outcome, final, None, None)
    assert [step.was_attempted for step in story.steps] == [False, False]


def test_a_message_that_was_rejected_in_the_receipt_is_refused() -> None:
    told = {name: tell_story(sent(status=STATUSES[name]), (), ()).outcome for name in STATUSES}
    assert told["REJECTED_NO_APPLICATION"] is StoryOutcome.REFUSED
    assert told["PENDING_ENROUTE"] is told["LOST"] is StoryOutcome.PENDING


@pytest.mark.parametrize(
    ("ends", "outcome", "final"),
    [
        (("UNDELIVERABLE_NOT_DELIVERED", None), StoryOutcome.PENDING, False),
        (("UNDELIVERABLE_NOT_DELIVERED", "PENDING_ENROUTE"), StoryOutcome.PENDING, False),
        (("PENDING_ENROUTE", "EXPIRED_EXPIRED"), StoryOutcome.PENDING, False),
        (("EXPIRED_EXPIRED", "UNDELIVERABLE_NOT_DELIVERED"), StoryOutcome.UNDELIVERED, True),
        (("UNDELIVERABLE_NOT_DELIVERED", "EXPIRED_EXPIRED"), StoryOutcome.EXPIRED, True),
        ((None, "REJECTED_NO_APPLICATION"), StoryOutcome.REJECTED, True),
        (("LOST", None), StoryOutcome.PENDING, False),
        (("UNDELIVERABLE_NOT_DELIVERED", "LOST"), StoryOutcome.UNKNOWN, False),
        (("DELIVERED_TO_HANDSET", "DELIVERED_TO_HANDSET"), StoryOutcome.DELIVERED, True),
    ],
)
def test_how_the_steps_end_is_how_the_message_does(
    ends: tuple[str | None, str | None], outcome: StoryOutcome, final: bool
) -> None:
    channels = ("VKONTAKTE", "SMS")
    rows = [report(channel, end, i, i + 1) for i, (channel, end) in enumerate(zip(channels, ends, strict=True)) if end]
    story = tell_story(sent(), rows, ())
    assert (story.outcome, story.is_final) == (outcome, final)


def test_a_step_before_one_that_was_reported_was_attempted_too() -> None:
    story = tell_story(sent("VIBER > VKONTAKTE > SMS"), [report("VKONTAKTE", "PENDING_ENROUTE", 5, None)], ())
    assert [step.state for step in story.steps] == [StepState.NO_REPORT, StepState.PENDING, StepState.NOT_ATTEMPTED]
    assert [step.reason for step in story.steps] == ["no report", None, None]


def test_interim_statuses_are_folded_and_the_last_one_counts() -> None:
    rows = [
        report("SMS", "PENDING_ENROUTE", 3, None, price=None),
        report("SMS", "EXPIRED_EXPIRED", 3, 60, message_count=2),
        report("SMS", "DELIVERED_TO_OPERATOR", 3, 4),
    ]
    (step,) = tell_story(sent("SMS"), rows[:2], ()).steps
    assert (step.state, step.seconds, step.cost) == (StepState.EXPIRED, 57, Decimal("0.02"))
    (step,) = tell_story(sent("SMS"), rows, ()).steps
    assert (step.state, step.ended_at, len(step.rows)) == (StepState.DELIVERED, at(4), 3)


def test_a_late_delivery_of_an_earlier_step_is_success_and_the_first_delivery_counts() -> None:
    rows = [report("VKONTAKTE", "EXPIRED_EXPIRED", 0, 60), report("SMS", "UNDELIVERABLE_NOT_DELIVERED", 60, 61)]
    late = report("VKONTAKTE", "DELIVERED_TO_HANDSET", 0, 300)
    story = tell_story(sent(), [*rows, late], ())
    assert (story.outcome, story.delivered_step, story.seconds) == (StoryOutcome.DELIVERED, 0, 300)
    both = tell_story(sent(), [late, report("SMS", "DELIVERED_TO_HANDSET", 60, 61)], ())
    assert both.delivered_step == 1


def test_repeated_channels_are_dealt_out_by_time() -> None:
    rows = [report("SMS", "DELIVERED_TO_HANDSET", 90, 91), report("SMS", "EXPIRED_EXPIRED", 0, 60)]
    story = tell_story(sent("SMS:A > VIBER > SMS:B"), rows, ())
    assert [step.state for step in story.steps] == [StepState.EXPIRED, StepState.NO_REPORT, StepState.DELIVERED]
    more = [*rows, report("SMS", "DELIVERED_TO_HANDSET", 95, 96), report("SMS", "PENDING_ENROUTE", 0, None)]
    assert [len(step.rows) for step in tell_story(sent("SMS:A > VIBER > SMS:B"), more, ()).steps] == [2, 0, 2]


def test_repeated_channels_are_dealt_out_by_sender_where_a_log_tells_it() -> None:
    logged = report("SMS", "DELIVERED_TO_HANDSET", 90, 91, sender="B", source=ReportSource.LOG)
    interim = report("SMS", "PENDING_ENROUTE", 90, None)
    story = tell_story(sent("SMS:A > SMS:B"), [logged, interim], ())
    assert [len(step.rows) for step in story.steps] == [0, 2]
    earlier = report("SMS", "EXPIRED_EXPIRED", 95, 99)
    assert [len(step.rows) for step in tell_story(sent("SMS:A > SMS:B"), [logged, earlier], ()).steps] == [1, 1]


def test_rows_outside_of_the_flow_come_after_it() -> None:
    rows = [report("PUSH", "REJECTED_NO_APPLICATION", 2, 3), report(None, "PENDING_ENROUTE", 1, None, message_id="z")]
    story = tell_story(sent(), rows, ())
    assert [(step.position, step.channel) for step in story.steps] == [
        (1, "VKONTAKTE"),
        (2, "SMS"),
        (None, None),
        (None, "PUSH"),
    ]


def test_equal_rows_of_several_sources_fill_each_other_up() -> None:
    log = report("SMS", "UNDELIVERABLE_NOT_DELIVERED", source=ReportSource.LOG, sender="InfoSMS", price="0.02")
    pull = report("SMS", "UNDELIVERABLE_NOT_DELIVERED", error=ABSENT, price=None)
    (row,) = tell_story(sent("SMS"), [log, pull], ()).steps[0].rows
    assert (row.source, row.error, row.sender) == (ReportSource.PULL, ABSENT, "InfoSMS")
    assert row.price is not None


def test_the_reason_is_the_error_or_the_status() -> None:
    def reason(error: DeliveryError | None, status: Status) -> str | None:
        row = replace(report("SMS", "EXPIRED_EXPIRED"), error=error, status=status)
        return tell_story(sent("SMS"), [row], ()).steps[0].reason

    assert reason(ABSENT, STATUSES["EXPIRED_EXPIRED"]) == "EC_ABSENT_SUBSCRIBER_SM"
    assert reason(NO_ERROR, STATUSES["EXPIRED_EXPIRED"]) == "EXPIRED_EXPIRED"
    assert reason(None, Status("EXPIRED", "")) == "expired"


def test_a_log_that_tells_the_end_a_moment_later_does_not_take_the_error_away() -> None:
    pull = report("SMS", "UNDELIVERABLE_NOT_DELIVERED", 0, 1, error=ABSENT)
    log = report("SMS", "UNDELIVERABLE_NOT_DELIVERED", 0, 1.001, source=ReportSource.LOG)
    (step,) = tell_story(sent("SMS"), [log, pull], ()).steps
    assert (step.error, step.ended_at) == (ABSENT, at(1.001))
    later = report("SMS", "DELIVERED_TO_HANDSET", 0, 5, source=ReportSource.LOG)
    assert tell_story(sent("SMS"), [log, pull, later], ()).steps[0].error is None


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1E+999999", "1E-999999", "-Infinity"])
def test_a_price_that_cannot_be_true_is_none(price: str) -> None:
    (step,) = tell_story(sent("SMS"), [report("SMS", "DELIVERED_TO_HANDSET", price=price)], ()).steps
    assert (step.cost, step.currency) == (None, None)


def test_a_price_of_nothing_is_one() -> None:
    (step,) = tell_story(sent("SMS"), [report("SMS", "DELIVERED_TO_HANDSET", price="0.0000")], ()).steps
    assert step.cost == 0


def test_times_that_cannot_be_true_give_no_duration() -> None:
    story = tell_story(sent("SMS"), [report("SMS", "DELIVERED_TO_HANDSET", 5, -5)], ())
    assert (story.steps[0].seconds, story.seconds) == (None, None)


def test_strays_are_joined_by_message_or_by_bulk_and_recipient() -> None:
    rows = [
        report("VKONTAKTE", "EXPIRED_EXPIRED", 9, 10, message_id="x", bulk_id="B", callback_data="theirs"),
        report("SMS", "DELIVERED_TO_HANDSET", 10, 11, message_id="y", bulk_id="B"),
        report("SMS", "UNDELIVERABLE_NOT_DELIVERED", 1, 2, message_id="z"),
        report("SMS", "PENDING_ENROUTE", 1, None, message_id="z"),
        report("SMS", "PENDING_ENROUTE", None, None, message_id="", to="1"),
    ]
    stories = list(tell_strays(rows))
    assert [(each.message_id, each.outcome, len(each.steps)) for each in stories] == [
        ("", StoryOutcome.PENDING, 1),
        ("z", StoryOutcome.UNDELIVERED, 1),
        ("x", StoryOutcome.DELIVERED, 2),
    ]
    assert [each.is_final for each in stories] == [False, False, True]
    assert (stories[2].to, stories[2].bulk_id, stories[2].callback_data, stories[2].sent_at) == (
        "41793026731",
        "B",
        "theirs",
        at(9),
    )


def test_a_seen_report_alone_is_a_story_too() -> None:
    story = tell_story(None, (), [seen(5, "theirs")])
    assert (story.message_id, story.to, story.outcome, story.seen_at) == (
        "theirs",
        "41793026731",
        StoryOutcome.UNKNOWN,
        at(5),
    )


def test_a_scheduled_message_is_measured_from_its_start() -> None:
    later = sent().sent_at + timedelta(hours=3)
    row = report("SMS", "DELIVERED_TO_HANDSET", 0, 90)
    late = replace(row, sent_at=later, done_at=later + timedelta(seconds=2))
    told = tell_story(replace(sent(), send_at=later), [late])
    assert (told.seconds, told.starts_at) == (2.0, later)
    assert tell_story(sent(), [late]).seconds == 3 * 3600 + 2.0


def test_strays_are_seen_too() -> None:
    rows = [report("SMS", "DELIVERED_TO_HANDSET", message_id="one"), report("SMS", "EXPIRED_EXPIRED", message_id="two")]
    looked = [SeenReport("one", "4179", seen_at=sent().sent_at), SeenReport("three", "4178")]
    told = {each.message_id: (each.seen, each.outcome.value) for each in tell_strays(rows, looked)}
    assert told == {"one": (True, "delivered"), "two": (False, "expired"), "three": (True, "unknown")}
    assert {each.message_id for each in tell_strays(rows, looked, alone=False)} == {"one", "two"}
