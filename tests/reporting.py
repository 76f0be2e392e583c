"""Messages, reports and stories for tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from omnictl.engine.statistics import count_stories
from omnictl.engine.stories import tell_story, tell_strays
from omnictl.model.message import MessageFate, Recipient, Sent, Via
from omnictl.model.report import (
    DeliveryError,
    Gap,
    GapState,
    Price,
    Report,
    ReportQuery,
    ReportSource,
    SeenReport,
    Status,
)
from omnictl.model.scenario import Step
from omnictl.model.statistics import Statistics
from omnictl.model.story import Story
from tests.builders import flow, key_of

SENT_AT = datetime(2026, 11, 20, 14, 12, 3, tzinfo=UTC)
MESSAGE = "50c24400-124f-4678-9f4b-309e994a4deb"

STATUSES = {
    each.name: each
    for each in (
        Status("PENDING", "PENDING_ENROUTE", 7, 1, "Message sent to next instance"),
        Status("UNDELIVERABLE", "UNDELIVERABLE_NOT_DELIVERED", 9, 2, "Message sent not delivered"),
        Status("DELIVERED", "DELIVERED_TO_OPERATOR", 2, 3, "Message delivered to operator"),
        Status("DELIVERED", "DELIVERED_TO_HANDSET", 5, 3, "Message delivered to handset"),
        Status("EXPIRED", "EXPIRED_EXPIRED", 15, 4, "Message expired"),
        Status("REJECTED", "REJECTED_NO_APPLICATION", 65, 5, "No application"),
        Status("LOST_IN_SPACE", "LOST", None, None, ""),
    )
}
ABSENT = DeliveryError("HANDSET_ERRORS", "EC_ABSENT_SUBSCRIBER_SM", 6, 1, "Absent Subscriber", permanent=False)
NO_ERROR = DeliveryError("OK", "NO_ERROR", 0, 0, "No Error", permanent=False)


def at(seconds: float) -> datetime:
    """Return a time so many seconds after the sending."""
    return SENT_AT + timedelta(seconds=seconds)


def sent(
    steps: str = "VKONTAKTE > SMS:InfoSMS",
    *,
    scenario: str = "vk-sms",
    revision: str = "3f2a91",
    phone: str | None = "41793026731",
    message_id: str = MESSAGE,
    **more: Any,
) -> Sent:
    """Return a message of the ledger that the API accepted."""
    given: dict[str, Any] = {
        "message_id": message_id,
        "bulk_id": "B-1",
        "run": "R-1",
        "via": Via(scenario, key_of(scenario), revision, flow(steps)),
        "sent_at": SENT_AT,
        "recipient": None if phone is None else Recipient(phone=phone),
        "recipient_hash": "5eed" * 16,
        "fate": MessageFate.ACCEPTED,
        **more,
    }
    return Sent(**given)


def report(
    channel: str | None,
    status: str,
    began: float | None = 0,
    ended: float | None = 1,
    *,
    price: str | None = "0.01",
    currency: str = "EUR",
    **more: Any,
) -> Report:
    """Return a row; times are seconds after the sending."""
    given: dict[str, Any] = {
        "source": ReportSource.PULL,
        "message_id": MESSAGE,
        "to": "41793026731",
        "status": STATUSES[status],
        "channel": channel,
        "sent_at": None if began is None else at(began),
        "done_at": None if ended is None else at(ended),
        "price": None if price is None else Price(Decimal(price), currency),
        "message_count": 1,
        **more,
    }
    return Report(**given)


def seed_reports() -> tuple[Report, Report]:
    """Return the rows of the published example: VK fails within 10 ms, SMS delivers within 14 ms."""
    return (
        report("VKONTANTE", "UNDELIVERABLE_NOT_DELIVERED", 0, 0.01, price="0.0104", error=ABSENT),
        report("SMS", "DELIVERED_TO_HANDSET", 0.01, 0.024, error=NO_ERROR),
    )


def seed_story() -> Story:
    """Return the story of the published example."""
    return tell_story(sent(), seed_reports(), ())


def seen(seconds: float | None, message_id: str = MESSAGE) -> SeenReport:
    """Return a seen report."""
    return SeenReport(message_id, "41793026731", seen_at=None if seconds is None else at(seconds))


def gap(number: int, state: GapState = GapState.PERMANENT) -> Gap:
    """Return a pull whose reply may be lost."""
    return Gap(number, at(3600 * number), ReportQuery(), state, at(200_000))


def many_stories(
    scenario: str = "vk-sms", *, revision: str = "3f2a91", of: int = 100, start: int = 0
) -> Iterable[Story]:
    """Yield stories: of ten messages seven arrive by VK, two by SMS, and one nowhere."""
    for number in range(of):
        began = start + number * 60.0
        message = sent(
            scenario=scenario,
            revision=revision,
            phone=f"4179302{number:04}",
            message_id=f"{scenario}-{revision}-{number}",
            sent_at=at(began),
        )
        seconds = 0.5 + number % 7
        rows = [report("VKONTAKTE", "DELIVERED_TO_HANDSET", began, began + seconds, price="0.0104")]
        if number % 10 > 6:
            rows = [report("VKONTAKTE", "UNDELIVERABLE_NOT_DELIVERED", began, began + 1, price="0.0104", error=ABSENT)]
            ending = "EXPIRED_EXPIRED" if number % 10 == 9 else "DELIVERED_TO_HANDSET"
            rows.append(report("SMS", ending, began + 1, began + 1 + 2 * seconds, price="0.05"))
        yield tell_story(message, rows, ())


HOSTILE = (
    "<script>document.title='hacked'</script>",
    "\"><img src='http://canary.example/x' onerror=document.title='hacked'>",
    "</svg></title><style>*{display:none}</style><link rel=stylesheet href=http://canary.example/y>",
    "שלום \u202eevil\u202c a\u200bb",
    "重要なお知らせ 📣 " * 6,
    "x" * 150,
    "\x1b[31mred\a\r\n=cmd|' /C calc'!A0",
    "&lt;b&gt; ' \" ` ]]> -->",
)


def hostile_stories() -> list[Story]:
    """Return stories in which every text of others tries to be something else."""
    stories = []
    for number, name in enumerate(HOSTILE):
        error = DeliveryError(name, name, description=name)
        rows = [
            report("VKONTAKTE", "UNDELIVERABLE_NOT_DELIVERED", 0, 0.004, error=error, currency=name[:20]),
            report("SMS", "DELIVERED_TO_HANDSET", 1, 1 + 500_000 * number, sender=name),
            replace(report(name, "LOST", 3, 4), status=Status(name, name, description=name)),
        ]
        via = Via(name, "KEY", name, (Step("VKONTAKTE", name), Step("SMS", name[:11])))
        recipient = Recipient(phone=name, email=f"{name}@example.com", push=name)
        stories.append(tell_story(sent(via=via, recipient=recipient, message_id=name), rows, ()))
        stories += tell_strays([report(name, "EXPIRED_EXPIRED", to=name, message_id=name)])
    return stories


def example_stories() -> list[Story]:
    """Return a story of nearly every kind."""
    mail = Recipient(phone="41793026732", email="anna@example.com", push="c1f0a7d2-5b3e")
    refused = sent(fate=MessageFate.REFUSED, status=STATUSES["REJECTED_NO_APPLICATION"], phone=None)
    return [
        seed_story(),
        tell_story(sent(recipient=mail), [report("VKONTAKTE", "DELIVERED_TO_HANDSET", 0, 3)], [seen(60)]),
        tell_story(sent(), (), ()),
        tell_story(refused, (), ()),
        tell_story(sent(fate=MessageFate.UNKNOWN), (), ()),
        tell_story(sent(fate=MessageFate.NOT_TRIED), (), ()),
        tell_story(
            sent("VIBER:Acme > VKONTAKTE > SMS:InfoSMS", scenario="welcome"),
            [report("VKONTAKTE", "PENDING_ENROUTE", 5, None), report(None, "LOST", price="0.1", currency="USD")],
            [seen(None)],
        ),
        tell_story(
            sent("VIBER:Acme > SMS:InfoSMS", scenario="otp", revision="5e0d17"),
            [
                report("VIBER", "EXPIRED_EXPIRED", 0, 90, price=None),
                report("SMS", "REJECTED_NO_APPLICATION", 90, 250_000, price="0.000012"),
            ],
            (),
        ),
        *tell_strays([report("SMS", "EXPIRED_EXPIRED", 0, 9000, message_id="7f3c", sender="Acme")]),
    ]


def example_statistics() -> Statistics:
    """Return statistics with a change of the flow, several currencies, strays and permanent gaps."""
    stories = [
        *many_stories(),
        *many_stories(revision="9bc001", start=90_000, of=55),
        *many_stories("otp", of=3),
        *example_stories(),
    ]
    return count_stories(stories, [gap(1), gap(2), gap(3, GapState.FILLED)])
