"""What is said before and after a sending and a pull."""

from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from omnictl.model.message import Message, MessageFate, Recipient, Sent, Via
from omnictl.model.outcome import Ending, LookingForMessages, MessagesSent, ReportsTaken, SendingStarted
from omnictl.model.pulling import PullReport
from omnictl.model.report import Gap, Price, Report, ReportQuery, ReportSource, Status
from omnictl.model.scenario import Step
from omnictl.model.sending import SendReport
from omnictl.render.collecting import render_log_rows, render_pull
from omnictl.render.events import describe_work, render_event
from omnictl.render.send_text import render_send_report, render_summary
from omnictl.render.style import Style
from tests.golden.golden import check_golden
from tests.reporting import example_stories

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
VIA = Via("vk-sms", "K" * 32, "0d21c752", (Step("VKONTAKTE"), Step("SMS", "InfoSMS")))
PENDING, REJECTED = Status("PENDING", "PENDING_ENROUTE", 7), Status("REJECTED", "REJECTED_DESTINATION", 52)
STYLE = Style(width=100)


def sent(number: int, fate: MessageFate, status: Status | None = None, recipient: Recipient | None = None) -> Sent:
    who = recipient or Recipient(phone=f"417930267{number:02d}")
    return Sent(f"00000000-0000-4000-8000-{number:012d}", "B-1", "7d1f0a2b", VIA, NOW, who, "h", fate, status)


def summary(message: Message, **more: object) -> str:
    given = {"total": 3, "by_kind": "3 recipients", "duplicates": 0, "bad": 0, "requests": 1, "style": STYLE}
    return render_summary(message, VIA, **{**given, **more})  # type: ignore[arg-type]


def test_what_is_about_to_go_out() -> None:
    plain = Message({"VKONTAKTE": {"text": "By VK"}, "SMS": {"text": "By SMS\x1b[2J", "validityPeriod": 90}})
    rich = Message({"VKONTAKTE": {"templateName": "order"}, "SMS": {"text": "x" * 400}}, send_at=NOW)
    texts = (summary(plain), summary(rich, total=250, by_kind="250 recipients", duplicates=2, bad=1, requests=3))
    check_golden(
        "send-summary.txt", "\n\n".join((*texts, summary(Message(), total=0), summary(plain, show_texts=False))) + "\n"
    )


def test_what_became_of_a_sending() -> None:
    fates = [
        sent(1, MessageFate.ACCEPTED, PENDING),
        sent(2, MessageFate.REFUSED, REJECTED),
        sent(3, MessageFate.UNKNOWN),
        replace(sent(4, MessageFate.NOT_TRIED), recipient=None),
        sent(5, MessageFate.ACCEPTED, PENDING, Recipient("41793026705", "anna@example.com", "push-registration-5")),
    ]
    report = SendReport("7d1f0a2b", "vk-sms", "test", Ending.FINISHED, accepted=2, refused=1, unknown=1, not_tried=1)
    stopped = replace(report, ending=Ending.STOPPED, stop_reason="SIGTERM")
    many = [sent(n, MessageFate.UNKNOWN if n % 2 else MessageFate.ACCEPTED) for n in range(120)]
    nothing = SendReport("7d1f0a2b", "vk-sms", "test", Ending.FINISHED)
    texts = (
        render_send_report(report, VIA, fates, STYLE),
        render_send_report(stopped, VIA, fates[:1], STYLE, unmask=True),
        render_send_report(replace(report, accepted=60, unknown=60), VIA, many, STYLE),
        render_send_report(nothing, VIA, [], STYLE),
    )
    check_golden("send-report.txt", "\n\n".join(texts) + "\n")


def test_what_a_pull_brought() -> None:
    gap = Gap(1, NOW, ReportQuery())
    full = PullReport(5, 4, 1, 2, (gap,), 3, (gap,) * 4, NOW, (gap,))
    texts = (
        render_pull(full, example_stories()[:2], STYLE, more=7),
        render_pull(PullReport(), [], STYLE, more=0),
    )
    check_golden("pull.txt", "\n\n".join(texts) + "\n")


def test_rows_of_the_logs() -> None:
    row = Report(
        ReportSource.LOG, "M-1", "41793026731", PENDING, "SMS", NOW, NOW, price=Price(Decimal("0.01"), "EUR"),
        sender="InfoSMS", text="Your order\x1b[2J",
    )  # fmt: skip
    bare = Report(ReportSource.LOG, "M-2", "anna@example.com", Status("ODD", ""))
    texts = (render_log_rows([row, bare], STYLE), render_log_rows([row, bare], STYLE, unmask=True))
    check_golden("log-rows.txt", "\n\n".join((*texts, render_log_rows([], STYLE))) + "\n")


def test_progress_of_messages() -> None:
    events = (
        SendingStarted("7d1f0a2b", "vk-sms", 1),
        SendingStarted("7d1f0a2b", "vk-sms", 250, 100),
        MessagesSent(100, 0, 0, 250),
        MessagesSent(100, 2, 3, 250),
        LookingForMessages(3),
        ReportsTaken(5, 4),
    )
    lines = [render_event(each, NOW) for each in events]
    lines += [describe_work(each) for each in (events[3], events[4])]
    check_golden("message-events.txt", "\n".join(lines) + "\n")
