"""The outside of a simulation: it holds the tokens of attempts that were handed over, and tells how they go on."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import partial

from dev.simulator.people.callers import caller_named
from dev.simulator.system.simulator import Simulator
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import NotFound, NotOutside
from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.outside_ends import FailedOutside, SucceededOutside
from tidegate.ports import Assignment, Outcome, OutcomeKind
from tidegate.usecases.work.outside import beat_outside, finish_outside

BEN = caller_named("ben")
LEASE_SECONDS = 120
TIMEOUT_SECONDS = 600
HANDED = Outcome(
    OutcomeKind.HANDED_OVER,
    handed_over=HandedOver(timeout_seconds=TIMEOUT_SECONDS, lease_seconds=LEASE_SECONDS),
)
_LATE_MS = 900_000  # after every lease


@dataclass(slots=True)
class Outside:
    """Draws how each attempt goes on outside: it ends well, fails, falls silent, or is told about too late or twice.

    `told` counts the calls by their answers. It is an observer of the simulator, and `take` notes the token of an
    attempt that is about to be handed over.
    """

    draw: random.Random
    tokens: dict[tuple[str, int], FinishToken] = field(default_factory=dict)
    most_outside: int = 0

    def take(self, assignment: Assignment) -> None:
        """Notes the token that job code gets, as the outside does that it is handed to."""
        if assignment.token is not None:
            self.tokens[assignment.job_id, assignment.attempt] = assignment.token

    def __call__(self, simulator: Simulator, changes: list[JobChange]) -> None:
        """Plans what follows each hand-over."""
        for change in changes:
            if change.new.is_outside and change.old is not None and not change.old.is_outside:
                self._plan(simulator, self.tokens[change.new.job_id, change.new.attempt])
        outside = sum(job.is_outside for job in simulator.world.jobs.values())
        self.most_outside = max(self.most_outside, outside)

    def _plan(self, simulator: Simulator, token: FinishToken) -> None:
        fate = self.draw.choice(("ends", "ends", "fails", "silent", "late", "beats", "twice", "stays"))
        delay_ms = self.draw.randrange(1, LEASE_SECONDS * 900)
        if fate in ("beats", "stays"):
            for number in range(1, 5 if fate == "beats" else 12):
                simulator.after(number * LEASE_SECONDS * 800, partial(self._beat, simulator, token))
            delay_ms += 4 * LEASE_SECONDS * 800
        if fate in ("ends", "beats", "twice"):
            simulator.after(delay_ms, partial(self._end, simulator, token, "ends"))
        if fate == "twice":
            simulator.after(
                delay_ms + self.draw.randrange(0, 2_000), partial(self._end, simulator, token, "ends")
            )
        if fate == "fails":
            simulator.after(delay_ms, partial(self._end, simulator, token, "fails"))
        if fate == "late":
            simulator.after(_LATE_MS + delay_ms, partial(self._end, simulator, token, "ends"))

    def _end(self, simulator: Simulator, token: FinishToken, how: str) -> None:
        outcome = SucceededOutside(token.job_id) if how == "ends" else FailedOutside("broken", "outside")

        def tell() -> None:
            now_ms = simulator.now_of("outside")
            try:
                finish_outside(
                    simulator.services, token.job_id, token.text, outcome, caller=BEN, now_ms=now_ms
                )
                simulator.happened[f"outside {how}"] += 1
            except (NotOutside, NotFound):
                simulator.happened["outside told too late"] += 1

        if not simulator.attempt(tell):
            simulator.after(1_000, partial(self._end, simulator, token, how))

    def _beat(self, simulator: Simulator, token: FinishToken) -> None:
        def tell() -> None:
            now_ms = simulator.now_of("outside")
            try:
                beat_outside(simulator.services, token.job_id, token.text, None, now_ms=now_ms)
                simulator.happened["heartbeat from outside"] += 1
            except (NotOutside, NotFound):
                simulator.happened["outside told too late"] += 1

        simulator.attempt(tell)
