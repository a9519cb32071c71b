"""Rules in force: those that operators have set, as a dispatcher reads them."""

from __future__ import annotations

from tidegate.domain.rules import DispatchRules
from tidegate.usecases.services import Services


def rules_in_force(services: Services, now_ms: int) -> DispatchRules:
    """Reads what operators have set; in a long-lived process it may be as old as `recall.KEEP_MS`."""
    return services.recall.of("rules", now_ms, services.rules.load)
