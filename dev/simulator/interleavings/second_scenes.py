"""The scenes in which one of two actors has to do with the second attempt of a straggler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from dev.simulator.interleavings.actors import (
    DONE,
    LATER_MS,
    POOL,
    Act,
    Worked,
    cancels,
    reacts,
    reaps,
    ticks,
    works,
)
from dev.simulator.interleavings.scene import Scene
from dev.simulator.interleavings.scenes import FAILED, Case
from dev.simulator.memory.seeded import START_MS
from dev.simulator.memory.usual_runs import note_usual_runs
from tidegate.domain.states import State
from tidegate.domain.statistics.usual_runs import MIN_RUNS_OF_P99
from tidegate.ports import Outcome
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.run import beat

BEAT_MS = START_MS + 45_000
SLOW_MS = START_MS + 65_000  # the job counts as slow, and its lease holds
WINDOW = 4  # of two slots


def runs_on(mine: Claimed, outcome: Outcome = DONE, now_ms: int = SLOW_MS) -> Act:
    """Runs a worker that sends one more heartbeat for a claimed attempt and then ends it."""

    def act(services: Services) -> Worked:
        beat(services, mine.job, None, now_ms)
        after = conclude(services, mine, outcome, now_ms)
        # A second attempt that did not succeed leaves the job RUNNING. That is no end of the attempt.
        is_end = after is not None and after.state is not State.RUNNING
        return Worked(ended=((mine.job.job_id, mine.job.attempt),) if is_end else ())

    return act


class _Slow(Scene):
    """A pool of two slots with one job, whose first attempt is slow. It gets a second attempt at the next tick."""

    def __init__(self) -> None:
        super().__init__(capacity=2, second_percent=50)
        note_usual_runs(self.services, [1_000] * MIN_RUNS_OF_P99)
        (self.job_id,) = self.submit()
        self.dispatch()
        self.first = self.take("first")
        beat(self.services, self.first.job, None, BEAT_MS)
        self.world.now_ms = SLOW_MS

    def take(self, worker_id: str) -> Claimed:
        """Lets a worker claim the attempt of the next message and acknowledge it."""
        (delivery,) = self.services.queue.receive(POOL, limit=1, wait_seconds=0)
        claimed = claim(self.services, delivery.message, worker_id, self.world.now_ms)
        assert claimed is not None
        self.services.queue.delete(POOL, [delivery.receipt])
        return claimed

    def offer(self) -> None:
        """Offers the second attempt."""
        tick(self.services, now_ms=self.world.now_ms)
        assert self.job(self.job_id).live_second is not None


def _offer_and_first(outcome: Outcome) -> Case:
    scene = _Slow()
    return Case(scene, (ticks(SLOW_MS), runs_on(scene.first, outcome)), window=WINDOW)


def _claim_and_first(outcome: Outcome) -> Case:
    scene = _Slow()
    scene.offer()
    return Case(scene, (works("second", SLOW_MS), runs_on(scene.first, outcome)), window=WINDOW)


def _claim_and_cancel() -> Case:
    scene = _Slow()
    scene.offer()
    return Case(scene, (works("second", SLOW_MS), cancels(scene.job_id)), window=WINDOW)


def _two_claims() -> Case:
    """The message of the offer came twice, to two workers."""
    scene = _Slow()
    scene.offer()
    scene.double_messages(1)
    return Case(scene, (works("second", SLOW_MS), works("third", SLOW_MS)), window=WINDOW)


def _both_end(first: Outcome, second: Outcome) -> Case:
    scene = _Slow()
    scene.offer()
    other = scene.take("second")
    return Case(scene, (runs_on(scene.first, first), runs_on(other, second)), window=WINDOW)


def _late_claim_and_tick() -> Case:
    """The offer has stood for more than five minutes, so the tick takes it back."""
    scene = _Slow()
    scene.offer()
    scene.wait()
    return Case(scene, (works("second", LATER_MS), ticks(LATER_MS)), window=WINDOW)


def _late_second_and(other: Act) -> Case:
    """The leases of both attempts have ended, and the second worker reports only now."""
    scene = _Slow()
    scene.offer()
    second = scene.take("second")
    scene.wait()
    return Case(scene, (runs_on(second, now_ms=LATER_MS), other), window=WINDOW)


def _permit_given_back() -> Case:
    """The second attempt has won. Its event and a tick both free its permit."""
    scene = _Slow()
    scene.offer()
    ended = conclude(scene.services, scene.take("second"), DONE, SLOW_MS)
    assert ended is not None
    return Case(scene, (ticks(SLOW_MS), reacts(ended, now_ms=SLOW_MS)), window=WINDOW)


SECOND_CASES: Mapping[str, Callable[[], Case]] = {
    "offer and the first succeeds": partial(_offer_and_first, DONE),
    "offer and the first fails": partial(_offer_and_first, FAILED),
    "second claim and the first succeeds": partial(_claim_and_first, DONE),
    "second claim and the first fails": partial(_claim_and_first, FAILED),
    "second claim and cancel": _claim_and_cancel,
    "two second claims": _two_claims,
    "both attempts succeed": partial(_both_end, DONE, DONE),
    "first fails and second succeeds": partial(_both_end, FAILED, DONE),
    "first succeeds and second fails": partial(_both_end, DONE, FAILED),
    "late second claim and tick": _late_claim_and_tick,
    "late second success and tick": partial(_late_second_and, ticks(LATER_MS)),
    "late second success and reaper": partial(_late_second_and, reaps),
    "second success, its event and tick": _permit_given_back,
}
