"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from omnictl.model.diagnostic import Severity
from omnictl.model.scenario import Configuration, Resource, Step

Flow: TypeAlias = tuple[Step, ...]


class Finding(NamedTuple):
    """One finding: the path in the scenario (``flow[1].from``), what is odd about it, what to do."""

    where: str
    detail: str
    hint: str = ""


class FlowRule(Struct, frozen=True):
    """A rule that looks at one flow alone. ``severity`` None means that it is off unless omnictl.yaml asks for it."""

    id: str
    severity: Severity | None
    summary: str
    docs: str
    find: Callable[[Flow], Iterator[Finding]]


class ConfigurationRule(Struct, frozen=True):
    """A rule that looks at all scenarios of an environment. A finding without a scenario is about all of them."""

    id: str
    severity: Severity | None
    summary: str
    docs: str
    find: Callable[[Configuration], Iterator[tuple[Resource | None, Finding]]]


class DatedRule(Struct, frozen=True):
    """A rule about what ends: it is told which day it is, in UTC."""

    id: str
    severity: Severity | None
    summary: str
    docs: str
    find: Callable[[Configuration, date], Iterator[tuple[Resource, Finding]]]


Rule: TypeAlias = FlowRule | ConfigurationRule | DatedRule
