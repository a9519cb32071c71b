"""The scenes in which one of two actors has to do with a job outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from dev.simulator.interleavings.actors import (
    ANN,
    LATER_MS,
    POOL,
    Act,
    Worked,
    cancels,
    concludes,
    reacts,
    reaps,
    ticks,
    works,
)
from dev.simulator.interleavings.scene import Scene
from dev.simulator.interleavings.scenes import Case
from dev.simulator.memory.seeded import START_MS
from tidegate.domain.errors import NotOutside
from tidegate.domain.outside import FinishToken, HandedOver
from tidegate.domain.outside_ends import FailedOutside, SucceededOutside
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.services import Services
from tidegate.usecases.work.claim import Claimed, claim
from tidegate.usecases.work.conclude import conclude
from tidegate.usecases.work.outside import beat_outside, finish_outside

HANDED = Outcome(OutcomeKind.HANDED_OVER, handed_over=HandedOver(timeout_seconds=300, lease_seconds=60))
DONE, BROKEN = SucceededOutside({"rows": 1}), FailedOutside("broken", "it broke outside")
TOO_LATE = "too late"


def token_of(claimed: Claimed) -> FinishToken:
    """Returns the token that the code of a claimed attempt gets."""
    assert claimed.assignment.token is not None
    return claimed.assignment.token


def finishes(
    token: FinishToken, outcome: SucceededOutside | FailedOutside = DONE, now_ms: int = START_MS
) -> Act:
    """Lets the outside tell how an attempt ended. An answer that it has ended before is accepted too."""

    def act(services: Services) -> Worked | str:
        try:
            finish_outside(services, token.job_id, token.text, outcome, caller=ANN, now_ms=now_ms)
        except NotOutside:
            return TOO_LATE
        return Worked(ended=((token.job_id, token.attempt),))

    return act


def says_again(token: FinishToken, outcome: SucceededOutside | FailedOutside = DONE) -> Act:
    """Lets the outside tell an end that another process tells as well; the two count as one."""

    def act(services: Services) -> str:
        job = finish_outside(services, token.job_id, token.text, outcome, caller=ANN, now_ms=START_MS)
        return str(job.state)

    return act


def beats(token: FinishToken, now_ms: int) -> Act:
    """Lets the outside send a heartbeat. An answer that the attempt has ended is accepted too."""

    def act(services: Services) -> str:
        try:
            beat_outside(services, token.job_id, token.text, None, now_ms=now_ms)
        except NotOutside:
            return TOO_LATE
        return "extended"

    return act


def hands_over(claimed: Claimed, now_ms: int = START_MS) -> Act:
    """Runs a worker whose job code has handed its attempt over."""

    def act(services: Services) -> None:
        conclude(services, claimed, HANDED, now_ms)

    return act


class _Outside(Scene):
    """A pool of one slot whose first job is claimed, and handed over unless the scene is to begin before that."""

    def __init__(self, *, handed: bool = True, jobs: int = 1, **fields: object) -> None:
        super().__init__(lease_seconds=60)
        self.submit(jobs, **fields)
        self.dispatch()
        (delivery,) = self.services.queue.receive(POOL, limit=1, wait_seconds=0)
        first = claim(self.services, delivery.message, "first", self.world.now_ms)
        assert first is not None
        self.first = first
        self.services.queue.delete(POOL, [delivery.receipt])
        self.token, self.job_id = token_of(self.first), self.first.job.job_id
        if handed:
            conclude(self.services, self.first, HANDED, self.world.now_ms)
            assert self.job(self.job_id).is_outside


def _hand_over_and(other: Callable[[_Outside], Act], now_ms: int = START_MS) -> Case:
    scene = _Outside(handed=False)
    scene.world.now_ms = now_ms
    return Case(scene, (hands_over(scene.first, now_ms), other(scene)), window=2)


def _both(one: Callable[[_Outside], Act], other: Callable[[_Outside], Act], *, late: bool = False) -> Case:
    scene = _Outside()
    if late:
        scene.wait()
    return Case(scene, (one(scene), other(scene)), window=2)


def _hand_over_frees_a_slot() -> Case:
    """Two jobs fill the window of the one slot. The hand-over and a tick leave room for one more, and no more."""
    scene = _Outside(handed=False, jobs=4)
    return Case(scene, (hands_over(scene.first), ticks(START_MS)), window=2)


def _its_event_and_tick() -> Case:
    scene = _Outside(jobs=4)
    handed = scene.job(scene.job_id)
    return Case(scene, (reacts(handed), ticks(START_MS)), window=2)


def _key_is_held(*, handed: bool) -> Case:
    """A second job waits for the key of the job outside, until that ends."""
    scene = _Outside(jobs=2, handed=handed, concurrency_key="k")
    one = finishes(scene.token) if handed else hands_over(scene.first)
    return Case(scene, (one, ticks(START_MS)), window=2, key_limit=1)


def _old_token_and_next_attempt(*, outcome: SucceededOutside | FailedOutside) -> Case:
    """The reaper took the job back, and its next attempt is claimed while the outside of the first still tells."""
    scene = _Outside()
    scene.wait()
    reaps(scene.services)
    scene.world.now_ms = LATER_MS + 700_000
    scene.dispatch()
    later_ms = scene.world.now_ms
    return Case(scene, (works("second", later_ms), finishes(scene.token, outcome, later_ms)), window=2)


OUTSIDE_CASES: Mapping[str, Callable[[], Case]] = {
    "hand-over and cancel": partial(_hand_over_and, lambda scene: cancels(scene.job_id)),
    "hand-over and its token": partial(_hand_over_and, lambda scene: finishes(scene.token)),
    "hand-over and heartbeat from outside": partial(
        _hand_over_and, lambda scene: beats(scene.token, START_MS)
    ),
    "late hand-over and reaper": partial(_hand_over_and, lambda _: reaps, LATER_MS),
    "hand-over twice": partial(_hand_over_and, lambda scene: hands_over(scene.first)),
    "hand-over and tick": _hand_over_frees_a_slot,
    "hand-over, its event and tick": _its_event_and_tick,
    "hand-over under a key and tick": partial(_key_is_held, handed=False),
    "finish under a key and tick": partial(_key_is_held, handed=True),
    "finish and cancel": partial(
        _both, lambda scene: finishes(scene.token), lambda scene: cancels(scene.job_id)
    ),
    "finish and failure": partial(
        _both, lambda scene: finishes(scene.token), lambda scene: finishes(scene.token, BROKEN)
    ),
    "finish told twice": partial(
        _both, lambda scene: says_again(scene.token), lambda scene: says_again(scene.token)
    ),
    "failure told twice": partial(
        _both, lambda scene: says_again(scene.token, BROKEN), lambda scene: says_again(scene.token, BROKEN)
    ),
    "heartbeat and finish": partial(
        _both, lambda scene: beats(scene.token, START_MS), lambda scene: finishes(scene.token)
    ),
    "late finish and reaper": partial(
        _both, lambda scene: finishes(scene.token, DONE, LATER_MS), lambda _: reaps, late=True
    ),
    "late failure and reaper": partial(
        _both, lambda scene: finishes(scene.token, BROKEN, LATER_MS), lambda _: reaps, late=True
    ),
    "late heartbeat and reaper": partial(
        _both, lambda scene: beats(scene.token, LATER_MS), lambda _: reaps, late=True
    ),
    "cancel outside and reaper": partial(
        _both, lambda scene: cancels(scene.job_id), lambda _: reaps, late=True
    ),
    "two reapers of a job outside": partial(_both, lambda _: reaps, lambda _: reaps, late=True),
    "worker's late word and finish": partial(
        _both, lambda scene: concludes(scene.first), lambda scene: finishes(scene.token)
    ),
    "next attempt and old success": partial(_old_token_and_next_attempt, outcome=DONE),
    "next attempt and old failure": partial(_old_token_and_next_attempt, outcome=BROKEN),
}
