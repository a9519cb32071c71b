"""The rules that operators have set, as a dispatcher goes by them."""

from __future__ import annotations

from tidegate.domain.rules import DispatchRules
from tidegate.usecases.services import Services


def rules_in_force(services: Services, now_ms: int) -> DispatchRules:
    """Returns what operators have set; in a long-lived process it may be as old as `recall.KEEP_MS`."""
    return services.recall.of("rules", now_ms, services.rules.load)
