"""The table of all rules. Their ids are the keys of ``lint:`` in omnictl.yaml, and codes of diagnostics."""

from omnictl.lint import endings, flows, names
from omnictl.lint.endings import SOON_DAYS
from omnictl.lint.findings import ConfigurationRule, DatedRule, FlowRule
from omnictl.model.diagnostic import Severity

FLOW_RULES = (
    FlowRule(
        "duplicate-step",
        Severity.WARNING,
        "A flow has the same step twice",
        "Two steps have the same channel and the same sender. What failed once is tried again, and nothing else.",
        flows.find_duplicate_steps,
    ),
    FlowRule(
        "repeated-channel",
        Severity.NOTE,
        "A flow uses a channel twice",
        "Two steps have the same channel and different senders. The recipient is reached, or not, in the same way.",
        flows.find_repeated_channels,
    ),
    FlowRule(
        "single-step",
        Severity.NOTE,
        "A flow has one step only",
        "A flow with one step has nothing to fall back on.",
        flows.find_single_steps,
    ),
    FlowRule(
        "missing-sender",
        Severity.WARNING,
        "A step has no sender",
        "Every channel but VKONTAKTE sends in somebody's name; a step without from is likely to be refused when a "
        "message is sent.",
        flows.find_missing_senders,
    ),
    FlowRule(
        "sender-form",
        Severity.WARNING,
        "A sender does not have the form of its channel",
        "SMS takes up to 11 letters, digits and signs, or 3 to 15 digits; EMAIL an address; WHATSAPP and VOICE a "
        "number; PUSH an application code.",
        flows.find_odd_senders,
    ),
    FlowRule(
        "old-channel",
        Severity.WARNING,
        "A channel is no longer documented",
        "FACEBOOK and PARSECO stand in old documents of the API. It may refuse them.",
        flows.find_old_channels,
    ),
    FlowRule(
        "last-resort",
        None,
        "A flow does not end with a channel that reaches everybody",
        "SMS and VOICE need nothing but a telephone. A flow that ends with another channel leaves some people out. Off "
        "unless omnictl.yaml asks for it.",
        flows.find_unreliable_ends,
    ),
)

CONFIGURATION_RULES = (
    ConfigurationRule(
        "odd-name",
        Severity.WARNING,
        "A name has characters that are hard to see",
        "Spaces at the ends of a name, several in a row, and invisible characters make names that look equal and are "
        "not; the service may also drop them.",
        names.find_odd_names,
    ),
    ConfigurationRule(
        "equal-name",
        Severity.NOTE,
        "Two scenarios have the same name",
        "Names need not be unique, but whoever looks at the account cannot tell these scenarios apart.",
        names.find_equal_names,
    ),
    ConfigurationRule(
        "no-default",
        None,
        "No scenario is the account default",
        "No scenario of an environment says default: true. Off unless omnictl.yaml asks for it.",
        names.find_absent_defaults,
    ),
)

DATED_RULES = (
    DatedRule(
        "ignore-ends-soon",
        Severity.WARNING,
        "A field is soon no longer ignored",
        f"The last day of ignore_changes is {SOON_DAYS} days away or less. After it the difference is drift again, and "
        "the next apply puts the field back to what its file says.",
        endings.find_ending_soon,
    ),
    DatedRule(
        "ignore-ended",
        Severity.WARNING,
        "A field is no longer ignored",
        "The last day of ignore_changes is over (in UTC), so it does nothing any more: a difference of the field is "
        "drift, and the next apply puts it back to what its file says.",
        endings.find_ended,
    ),
)

RULES = (*FLOW_RULES, *CONFIGURATION_RULES, *DATED_RULES)

CODES = {rule.id: rule.docs for rule in RULES}
