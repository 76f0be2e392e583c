"""Addresses: how omnictl names a declared scenario, whatever the account calls it."""

from typing import NewType

Address = NewType("Address", str)
"""``scenario.<id>``; the identity of a scenario in files, state, plans and output."""

RESERVED_ID = "all"
"""What no scenario is called: the word of ``--allow GUARD=all`` for a whole plan."""
_PREFIX = "scenario."


def make_address(scenario_id: str) -> Address:
    """Return the address of the scenario with this id."""
    return Address(_PREFIX + scenario_id)


def id_of(address: Address) -> str:
    """Return the id that an address names, as files and the command line spell it."""
    return address.removeprefix(_PREFIX)
