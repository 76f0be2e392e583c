"""The commands by group, with one line each: enough for --help, so that nothing is imported for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: the group of the help it stands in, the module that has it, its one line."""

    group: str
    summary: str
    module: str


def _entry(group: str, name: str, summary: str) -> Entry:
    return Entry(group, summary, f"omnictl.cli.commands.{name}")


GROUPS = ("Start", "Change", "Live with", "Send", "Inspect")

COMMANDS: dict[str, Entry] = {
    "init": _entry("Start", "init", "Write omnictl.yaml and a first scenario."),
    "validate": _entry("Start", "validate", "Check the files; offline, without credentials."),
    "fmt": _entry("Start", "fmt", "Bring the files into canonical layout, comments kept."),
    "sandbox": _entry("Start", "sandbox", "The embedded stand-in for the API."),
    "plan": _entry("Change", "plan", "Show what differs from the account. Changes nothing."),
    "apply": _entry("Change", "apply", "Create and update what differs."),
    "show": _entry("Change", "show", "Show a saved plan, a report or a state."),
    "import": _entry("Live with", "import_", "Adopt scenarios that the account has, and write their files."),
    "drift": _entry("Live with", "drift", "Show what somebody else changed on the account."),
    "accept": _entry("Live with", "accept", "Write what was changed on the account into the files."),
    "state": _entry("Live with", "state", "Look at the state, and mend it."),
    "output": _entry("Live with", "output", "The keys, for applications."),
    "send": _entry("Send", "send", "Send a message through a scenario."),
    "reports": _entry("Send", "reports", "Collect delivery reports, and show what became of messages."),
    "render": _entry("Inspect", "render", "What will be sent, variables resolved."),
    "explain": _entry("Inspect", "explain", "Explain a diagnostic, a guard, a field or an exit code."),
    "schema": _entry("Inspect", "schema", "The JSON Schemas of the files."),
    "completion": _entry("Inspect", "completion", "Completion for a shell."),
    "doctor": _entry("Inspect", "doctor", "Check credentials, account, clock, state and lock."),
}

OTHER_WORDS: dict[str, str] = {
    "destroy": "Scenarios cannot be deleted. Remove the file and apply: the scenario is forgotten.",
    "delete": "Scenarios cannot be deleted. Remove the file and apply: the scenario is forgotten.",
    "sync": "omnictl apply creates and updates what differs.",
    "push": "omnictl apply creates and updates what differs; omnictl state push stores a state.",
    "pull": "omnictl state pull prints the state.",
    "refresh": "omnictl plan always reads the whole account.",
    "list": "omnictl state list shows the managed scenarios.",
    "lint": "omnictl validate checks the files, lint rules included.",
    "adopt": "omnictl import takes scenarios of the account into files and state.",
    "export": "omnictl import --all writes files for what the account has; omnictl output exports the keys.",
    "diff": "omnictl plan shows what differs from the account.",
}
"""Words of other tools, and the command that does it here."""
