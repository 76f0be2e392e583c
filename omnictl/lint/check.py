"""Running the rules with the severities of a project."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import TypeVar

from omnictl.lint.findings import ConfigurationRule, DatedRule, Finding, Flow, FlowRule, Rule
from omnictl.lint.table import CONFIGURATION_RULES, DATED_RULES, FLOW_RULES
from omnictl.model.diagnostic import Diagnostic, Severity, Source
from omnictl.model.scenario import Configuration, Resource

R = TypeVar("R", FlowRule, ConfigurationRule, DatedRule)


def lint(
    configuration: Configuration,
    chosen: Mapping[str, str],
    *,
    today: date | None = None,
    only: Iterable[Severity] = tuple(Severity),
) -> tuple[Diagnostic, ...]:
    """Return what the rules find. ``chosen`` maps ids of rules to error, warning, note or off.

    Rules whose severity is not among ``only`` do not run, nor those about what ends where nobody says which day it is.
    """
    wanted = frozenset(only)
    flow_rules = list(_active(FLOW_RULES, chosen, wanted))
    found = list(_lint_flows(configuration, flow_rules)) if flow_rules else []
    for rule, severity in _active(CONFIGURATION_RULES, chosen, wanted):
        found += (_diagnose(rule, severity, resource, finding) for resource, finding in rule.find(configuration))
    return (*found, *(lint_endings(configuration, chosen, today, only=wanted) if today is not None else ()))


def lint_endings(
    configuration: Configuration, chosen: Mapping[str, str], today: date, *, only: Iterable[Severity] = tuple(Severity)
) -> tuple[Diagnostic, ...]:
    """Return what the rules about what ends find on a day."""
    return tuple(
        _diagnose(rule, severity, resource, finding)
        for rule, severity in _active(DATED_RULES, chosen, frozenset(only))
        for resource, finding in rule.find(configuration, today)
    )


def _active(rules: Iterable[R], chosen: Mapping[str, str], wanted: frozenset[Severity]) -> Iterator[tuple[R, Severity]]:
    for rule in rules:
        named = chosen.get(rule.id)
        severity = rule.severity if named is None else None if named == "off" else Severity(named)
        if severity in wanted and severity is not None:
            yield rule, severity


def _lint_flows(configuration: Configuration, rules: list[tuple[FlowRule, Severity]]) -> Iterator[Diagnostic]:
    """Look at each flow once: hundreds of scenarios often share a few."""
    known: dict[Flow, list[tuple[FlowRule, Severity, Finding]]] = {}
    for resource in configuration.resources.values():
        flow = resource.attributes.flow
        if flow not in known:
            known[flow] = [(rule, severity, finding) for rule, severity in rules for finding in rule.find(flow)]
        for rule, severity, finding in known[flow]:
            yield _diagnose(rule, severity, resource, finding)


def _diagnose(rule: Rule, severity: Severity, resource: Resource | None, finding: Finding) -> Diagnostic:
    source = _place(resource, finding.where) if resource is not None else None
    return Diagnostic(rule.id, severity, rule.summary, finding.detail, source, hint=finding.hint)


def _place(resource: Resource, where: str) -> Source | None:
    return resource.sources.get(where) or resource.source
