"""Reads the operators' rules for a dispatcher."""

from __future__ import annotations

from tidegate.domain.rules import DispatchRules
from tidegate.usecases.services import Services


def rules_in_force(services: Services, now_ms: int) -> DispatchRules:
    """Returns the rules that operators have set. In a long-lived process they may be `recall.KEEP_MS` old.

    Raises ServiceUnavailable.
    """
    return services.recall.of("rules", now_ms, services.rules.load)
