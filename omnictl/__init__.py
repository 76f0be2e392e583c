"""Scenario-as-code for the Infobip OMNI failover API."""

__version__ = "0.1.0"
