"""Statistics: what is counted, by revision and step, and that nothing is counted twice."""

from collections.abc import Iterable
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from omnictl.engine.statistics import count_stories
from omnictl.engine.stories import tell_story, tell_strays
from omnictl.model.message import MessageFate
from omnictl.model.report import GapState
from omnictl.model.scenario import Step
from omnictl.model.statistics import Latency, RevisionStatistics
from omnictl.model.story import Story, StoryOutcome
from tests.reporting import ABSENT, at, gap, many_stories, report, seed_story, seen, sent
from tests.unit.engine.test_stories import MESSAGES, ROWS

STORIES = st.lists(st.builds(tell_story, MESSAGES, ROWS, st.just(())), max_size=12)


@given(STORIES, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_everything_is_counted_once_in_any_order(stories: list[Story], chance: Random) -> None:
    counted = count_stories(stories)
    shuffled = list(stories)
    chance.shuffle(shuffled)
    assert count_stories(shuffled) == counted
    revisions = [each for scenario in counted.scenarios for each in scenario.revisions]
    assert sum(each.messages + each.not_tried for each in revisions) == len(stories)
    for each in revisions:
        assert each.messages == each.delivered + each.failed + each.pending + each.unknown
        for step in each.steps:
            assert step.attempted == step.delivered + step.fell_through + step.pending + step.unknown
            assert sum(step.reasons.values()) == step.fell_through
        assert sum(sum(step.costs.values()) for step in each.steps) == sum(each.costs.values())


def only(stories: Iterable[Story]) -> RevisionStatistics:
    (scenario,) = count_stories(stories).scenarios
    (revision,) = scenario.revisions
    return revision


def test_a_funnel() -> None:
    counted = only(many_stories())
    assert (counted.messages, counted.delivered, counted.failed) == (100, 90, 10)
    assert counted.flow == (Step("VKONTAKTE"), Step("SMS", "InfoSMS"))
    first, second = counted.steps
    assert (first.attempted, first.delivered, first.fell_through) == (100, 70, 30)
    assert first.reasons == {"EC_ABSENT_SUBSCRIBER_SM": 30}
    assert first.costs == {"EUR": Decimal("1.0400")}
    assert (second.attempted, second.delivered, second.reasons) == (30, 20, {"EXPIRED_EXPIRED": 10})
    assert counted.outcomes == {StoryOutcome.DELIVERED: 90, StoryOutcome.EXPIRED: 10}
    assert counted.delivered_share == 0.9
    assert counted.cost_per_delivered == {"EUR": Decimal("2.54") / 90}
    assert (counted.first_at, counted.last_at) == (at(0), at(99 * 60))


def test_quantiles_are_times_that_were_measured() -> None:
    rows = [report("SMS", "DELIVERED_TO_HANDSET", 1, 1 + seconds) for seconds in range(1, 101)]
    counted = only(tell_story(sent("SMS"), [row], ()) for row in rows)
    assert counted.steps[0].from_step == Latency(100, 50, 95)
    assert counted.steps[0].from_send == counted.from_send == Latency(100, 51, 96)
    assert only([seed_story()]).from_send == Latency(1, 0.024, 0.024)
    timeless = tell_story(sent("SMS"), [report("SMS", "DELIVERED_TO_HANDSET", None, None)], ())
    assert only([timeless]).steps[0].from_step is only([timeless]).from_send is None


def test_revisions_come_in_the_order_of_their_first_use() -> None:
    stories = [
        *many_stories(revision="bbb", of=2, start=9000),
        *many_stories(revision="aaa", of=2, start=90000),
        *many_stories(revision="ccc", of=2),
    ]
    (scenario,) = count_stories(stories).scenarios
    assert [each.revision for each in scenario.revisions] == ["ccc", "bbb", "aaa"]


def test_scenarios_come_by_id_and_strays_last() -> None:
    strays = tell_strays([report("SMS", "DELIVERED_TO_HANDSET", sender="X"), report("SMS", "EXPIRED_EXPIRED", 5, 9)])
    counted = count_stories([*strays, *many_stories("b", of=1), *many_stories("a", of=1)])
    assert [each.scenario for each in counted.scenarios] == ["a", "b", None]
    (stray,) = counted.scenarios[2].revisions
    assert [(step.position, step.channel, step.sender) for step in stray.steps] == [(None, "SMS", None)]
    assert (stray.flow, stray.revision, stray.messages) == ((), None, 1)


def test_costs_are_never_added_up_over_currencies() -> None:
    rows = [report("VKONTAKTE", "EXPIRED_EXPIRED", currency="USD"), report("SMS", "DELIVERED_TO_HANDSET", price="0.1")]
    assert only([tell_story(sent(), rows, ())]).costs == {"EUR": Decimal("0.1"), "USD": Decimal("0.01")}


def test_what_never_left_counts_nowhere_else() -> None:
    counted = only([tell_story(sent(fate=each), (), ()) for each in MessageFate])
    assert (counted.messages, counted.not_tried, counted.failed, counted.pending, counted.unknown) == (3, 1, 1, 1, 1)
    assert [step.attempted for step in counted.steps] == [0, 0]
    assert counted.cost_per_delivered == {}
    assert only([tell_story(sent(fate=MessageFate.NOT_TRIED), (), ())]).delivered_share is None


def test_seen_and_delivered_twice() -> None:
    rows = [report("VKONTAKTE", "DELIVERED_TO_HANDSET", 0, 90), report("SMS", "DELIVERED_TO_HANDSET", 60, 61)]
    counted = only([tell_story(sent(), rows, [seen(100)]), seed_story()])
    assert (counted.delivered, counted.delivered_twice, counted.seen) == (2, 1, 1)
    assert [step.delivered for step in counted.steps] == [1, 2]


def test_only_permanent_gaps_are_shown() -> None:
    gaps = [gap(number, state) for number, state in enumerate(GapState)]
    assert [each.state for each in count_stories((), gaps).gaps] == [GapState.PERMANENT]


def test_a_step_without_a_report_fell_through() -> None:
    rows = [report("SMS", "UNDELIVERABLE_NOT_DELIVERED", error=ABSENT)]
    assert [each.reasons for each in only([tell_story(sent(), rows, ())]).steps] == [
        {"no report": 1},
        {"EC_ABSENT_SUBSCRIBER_SM": 1},
    ]
