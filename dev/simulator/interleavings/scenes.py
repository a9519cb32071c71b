"""The scenes in which two actors run, in every order of their calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from dev.simulator.interleavings.actors import (
    DONE,
    LATER_MS,
    Act,
    cancels,
    cancels_workflow,
    concludes,
    holds_and_unholds,
    reacts,
    reaps,
    retries,
    submits,
    ticks,
    works,
)
from dev.simulator.interleavings.scene import Scene
from dev.simulator.memory.seeded import START_MS
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.errors import NotRetryable, ServiceUnavailable, TidegateError
from tidegate.domain.job import Job
from tidegate.domain.retry import RetryPolicy
from tidegate.ports import Outcome, OutcomeKind

FAILED = Outcome(OutcomeKind.FAILED, code="broken", message="it broke")
GIVEN_UP = Outcome(OutcomeKind.FAILED, code="broken", message="it broke", retryable=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A scene with its two actors.

    `window` and `key_limit` are the most jobs, and the most jobs with a concurrency key, that may be dispatched at any
    moment, or None without a promise. `answers` are errors that an actor may end with.
    """

    scene: Scene
    actors: tuple[Act, Act]
    window: int | None = None
    key_limit: int | None = None
    answers: tuple[type[TidegateError], ...] = ()


# --- two dispatchers -------------------------------------------------------------------------------
def _two_ticks(lease_seconds: int) -> Case:
    scene = Scene(lease_seconds=lease_seconds)
    scene.submit(3)
    return Case(scene, (ticks(START_MS), ticks(START_MS)), window=2)


def _tick_and_event(lease_seconds: int) -> Case:
    scene = Scene(lease_seconds=lease_seconds)
    ready = [scene.job(job_id) for job_id in scene.submit(3)]
    return Case(scene, (ticks(START_MS), reacts(*ready)), window=2)


def _place_given_up(lease_seconds: int) -> Case:
    """One of three jobs has just ended, and its slot is free for the third."""
    scene = Scene(lease_seconds=lease_seconds)
    scene.submit(3)
    scene.dispatch()
    ended = scene.end(GIVEN_UP)
    return Case(scene, (ticks(START_MS), reacts(ended)), window=2)


def _one_key() -> Case:
    scene = Scene(capacity=2)
    ready = [scene.job(job_id) for job_id in scene.submit(3, concurrency_key="k")]
    return Case(scene, (ticks(START_MS), reacts(*ready)), window=4, key_limit=1)


def _one_key_with_two_limits(*, urgent: bool) -> Case:
    """Two jobs of a key ask for a limit of three, and a third asks for a limit of one."""
    scene = Scene(capacity=2)
    ready = scene.submit(2, concurrency_key="k", concurrency_limit=3)
    ready += scene.submit(1, concurrency_key="k", priority=900 if urgent else 1)
    return Case(scene, (ticks(START_MS), reacts(*map(scene.job, ready))), window=4)


def _permit_given_back() -> Case:
    """One of three jobs of a key has ended. Its event and a tick both free its permit for the others."""
    scene = Scene(capacity=2)
    scene.submit(3, concurrency_key="k")
    scene.dispatch()
    ended = scene.end(GIVEN_UP)
    return Case(scene, (ticks(START_MS + 1), reacts(ended, now_ms=START_MS + 1)), window=4, key_limit=1)


def _retry_of_one_key() -> Case:
    """The holder of the key failed and is due again at once, while a tick checks its permit."""
    scene = Scene(capacity=2)
    scene.submit(3, concurrency_key="k")
    scene.dispatch()
    waiting = scene.end(FAILED)
    return Case(scene, (ticks(START_MS + 1), reacts(waiting, now_ms=START_MS + 1)), window=4, key_limit=1)


def _one_downstream(second: Outcome) -> Case:
    """Two upstreams of one downstream have ended, and two dispatchers have one event each."""
    scene = Scene(capacity=2)
    scene.submit_workflow(workflow([job("a"), job("b"), job("c", "a", "b")]))
    scene.dispatch()
    one, other = scene.end(DONE), scene.end(second)
    return Case(scene, (reacts(one), reacts(other)), window=4)


# --- with the reaper -------------------------------------------------------------------------------
def _overdue(scene: Scene) -> None:
    """A lost worker's job, a job with a lost message, and a job whose time has come."""
    scene.submit(2)
    scene.dispatch()
    scene.claim()
    scene.lose_messages()
    scene.submit(1, not_before_ms=START_MS + 1)
    scene.wait()


def _dispatcher_and_reaper(lease_seconds: int) -> Case:
    scene = Scene(lease_seconds=lease_seconds)
    _overdue(scene)
    return Case(scene, (ticks(LATER_MS), reaps))


def _two_reapers() -> Case:
    scene = Scene()
    _overdue(scene)
    return Case(scene, (reaps, reaps))


def _two_reapers_of_what_was_left_undone() -> Case:
    """An upstream has ended, and no event of it ever came."""
    scene = Scene()
    scene.submit_workflow(workflow([job("a"), job("b", "a"), job("c", "a")]))
    scene.dispatch()
    scene.end(DONE)
    scene.wait()
    return Case(scene, (reaps, reaps))


def _slow_worker_and_reaper(outcome: Outcome, *, cancelled: bool = False, retries: int = 3) -> Case:
    """The leases of three jobs have ended, and their worker reports only now."""
    scene = Scene(capacity=2)
    job_ids = scene.submit(3, retry=RetryPolicy(retries, 0, 0))
    scene.dispatch()
    claims = [scene.claim() for _ in job_ids]
    if cancelled:
        cancels(*job_ids)(scene.services)
    scene.wait()
    return Case(scene, (concludes(*claims, outcome=outcome), reaps))


def _message_comes_again_and_reaper() -> Case:
    """Two jobs of a lost worker, whose messages come again when their leases have ended."""
    scene = Scene()
    scene.submit(2)
    scene.dispatch()
    for _ in range(2):
        scene.claim()
    scene.wait()
    return Case(scene, (works("second", LATER_MS), reaps))


# --- workers and clients ---------------------------------------------------------------------------
def _two_workers(*, doubled: bool) -> Case:
    scene = Scene(capacity=2)
    scene.submit(3)
    scene.dispatch()
    if doubled:
        scene.double_messages(2)
    beats = not doubled  # one more heartbeat at each of five messages adds minutes of orders
    return Case(scene, (works("first", beats=beats), works("second", beats=beats)))


def _claim_and_cancel() -> Case:
    scene = Scene(capacity=2)
    job_ids = scene.submit(3)
    scene.dispatch()
    return Case(scene, (works("first"), cancels(*job_ids)))


def _dispatch_and_cancel() -> Case:
    scene = Scene(capacity=2)
    job_ids = scene.submit(3, concurrency_key="k")
    return Case(scene, (ticks(START_MS), cancels(*job_ids)), key_limit=1)


def _dispatch_and_hold() -> Case:
    scene = Scene(capacity=2)
    job_ids = scene.submit(2, concurrency_key="k")
    return Case(scene, (ticks(START_MS), holds_and_unholds(*job_ids)), key_limit=1)


def _release_and_hold() -> Case:
    """The first of three jobs has succeeded, and the other two are put on hold as its event comes."""
    scene = Scene()
    ids = scene.submit_workflow(_REQUEST)
    scene.dispatch()
    ended = scene.end(DONE)
    return Case(scene, (reacts(ended), holds_and_unholds(ids["b"], ids["c"])))


def _two_cancellations() -> Case:
    scene = Scene()
    job_ids = scene.submit(3)
    scene.dispatch()
    scene.claim()
    return Case(scene, (cancels(*job_ids), cancels(*reversed(job_ids))))


def _failed_workflow() -> tuple[Scene, Job]:
    """The first of three jobs has failed for good, and no event of it has come yet."""
    scene = Scene()
    scene.submit_workflow(_REQUEST)
    scene.dispatch()
    return scene, scene.end(GIVEN_UP)


def _retry_and_its_event() -> Case:
    scene, failed = _failed_workflow()
    return Case(scene, (retries(failed.job_id), reacts(failed)))


def _two_retries() -> Case:
    scene, failed = _failed_workflow()
    reacts(failed)(scene.services)
    return Case(scene, (retries(failed.job_id), retries(failed.job_id)), answers=(NotRetryable,))


def _whole_workflow_cancelled() -> Case:
    scene = Scene()
    ids = scene.submit_workflow(_REQUEST)
    return Case(scene, (cancels_workflow(ids["a"].partition(".")[0]), ticks(START_MS)))


# --- submissions -----------------------------------------------------------------------------------
_REQUEST = workflow([job("a"), job("b", "a"), job("c", "a")])


def _submission_twice() -> Case:
    return Case(Scene(), (submits(_REQUEST, START_MS), submits(_REQUEST, START_MS + 1)))


def _submission_again_and_reaper(cut_off_at: str) -> Case:
    """A submission was interrupted. Its client comes again just when the reaper repairs it."""
    scene = Scene()
    scene.cut_off(_REQUEST, cut_off_at)
    scene.wait()
    return Case(scene, (submits(_REQUEST, LATER_MS), reaps), answers=(ServiceUnavailable,))


def _submission_and_dispatcher() -> Case:
    return Case(Scene(), (submits(_REQUEST, START_MS), ticks(START_MS)))


CASES: Mapping[str, Callable[[], Case]] = {
    "two ticks": partial(_two_ticks, 0),
    "two ticks that take turns": partial(_two_ticks, 60),
    "tick and events": partial(_tick_and_event, 0),
    "tick and events that take turns": partial(_tick_and_event, 60),
    "tick and an end": partial(_place_given_up, 0),
    "tick and an end that take turns": partial(_place_given_up, 60),
    "tick and events of one key": _one_key,
    "tick and events of one key, whose most urgent job asks to be alone": partial(
        _one_key_with_two_limits, urgent=True
    ),
    "tick and events of one key, whose least urgent job asks to be alone": partial(
        _one_key_with_two_limits, urgent=False
    ),
    "tick and an end of one key": _permit_given_back,
    "tick and a retry of one key": _retry_of_one_key,
    "two dispatchers release one downstream": partial(_one_downstream, DONE),
    "two dispatchers decide on one downstream": partial(_one_downstream, GIVEN_UP),
    "dispatcher and reaper": partial(_dispatcher_and_reaper, 0),
    "dispatcher and reaper with leases": partial(_dispatcher_and_reaper, 60),
    "two reapers": _two_reapers,
    "two reapers and a missed event": _two_reapers_of_what_was_left_undone,
    "slow worker succeeds and reaper": partial(_slow_worker_and_reaper, DONE),
    "slow worker fails and reaper": partial(_slow_worker_and_reaper, FAILED),
    "slow worker fails for good and reaper": partial(_slow_worker_and_reaper, FAILED, retries=0),
    "slow worker is cancelled and reaper": partial(_slow_worker_and_reaper, FAILED, cancelled=True),
    "message comes again and reaper": _message_comes_again_and_reaper,
    "two workers": partial(_two_workers, doubled=False),
    "two workers and doubled messages": partial(_two_workers, doubled=True),
    "claim and cancel": _claim_and_cancel,
    "dispatch and cancel": _dispatch_and_cancel,
    "dispatch and hold": _dispatch_and_hold,
    "release and hold": _release_and_hold,
    "two cancellations": _two_cancellations,
    "retry and the event of the failure": _retry_and_its_event,
    "two retries": _two_retries,
    "workflow cancelled and dispatcher": _whole_workflow_cancelled,
    "two submissions under one key": _submission_twice,
    "submission again and reaper, not accepted": partial(_submission_again_and_reaper, "save_plan"),
    "submission again and reaper, accepted": partial(_submission_again_and_reaper, "insert_if_absent"),
    "submission and dispatcher": _submission_and_dispatcher,
}
