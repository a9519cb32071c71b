"""The pulse that a run of a function leaves once it has done its work."""

from __future__ import annotations

from aws_lambda_powertools import Logger

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.domain.pulses import Part
from tidegate.ports import Clock
from tidegate.usecases.bounds.pulse import PulseMemory, note_pulse
from tidegate.usecases.services import Services

logger = Logger()


def leave_pulse(services: Services, memory: PulseMemory, part: Part, clock: Clock) -> None:
    """Stores the pulse of a part where it is due. A failure is only logged, because the work itself is done."""
    try:
        note_pulse(services, memory, part, now_ms=clock.now_ms())
    except (ServiceUnavailable, ServiceRefused) as error:
        logger.warning("the pulse was not stored", extra={"part": part, "error": str(error)})
