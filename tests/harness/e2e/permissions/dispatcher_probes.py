"""The work of the dispatcher, each part with a world that needs it."""

from __future__ import annotations

from tests.harness.determined import StandingClock
from tests.harness.e2e.permissions.states import (
    end_and_be_due,
    is_kept,
    run_to_end,
    start,
    submit,
    submit_flow,
)
from tests.harness.e2e.permissions.world import LARGE, MINUTE_MS, OFFER, World, now_ms
from tidegate.adapters.dynamodb.stream import changes_from
from tidegate.bootstrap import DispatcherDeps, Meter, Services
from tidegate.domain.dependency import DependencyType
from tidegate.domain.lanes import key_lane
from tidegate.domain.pulses import Part
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import HOUR_MS, Counted, Span, floor_to
from tidegate.domain.statistics.usual_runs import LEAST_SECONDS, MIN_RUNS_OF_P99
from tidegate.domain.transitions import CancelIfInState, Ending, ReopenIfEnded, Stamp
from tidegate.domain.workers import WorkerSpec, begin
from tidegate.entry import dispatcher
from tidegate.entry.pulse import leave_pulse
from tidegate.usecases.bounds.pulse import PulseMemory
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.second_attempts import offer_second_attempts
from tidegate.usecases.release.judge_waiting import judge_waiting

NOOP = "tidegate.noop"
KEYED = JobRequest(type=NOOP, concurrency_key="one-at-a-time")


def on_schedule(services: Services, at_ms: int | None = None) -> None:
    """Calls the function as a tick does."""
    clock = StandingClock(at_ms or now_ms())
    dispatcher.handle({}, DispatcherDeps(services, clock, Meter(), changes_from))


def dispatches_a_job(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    on_schedule(services)
    assert world.states(job_id) == [State.QUEUED]
    assert world.messages("lambda") == [job_id]


def dispatches_several_jobs(world: World, services: Services) -> None:
    job_ids = [submit(world, JobRequest(type=NOOP)) for _ in range(2)]
    on_schedule(services)
    assert world.messages("lambda") == sorted(job_ids)


def dispatches_to_worker_processes(world: World, services: Services) -> None:
    world.admin.workers.register_if_free(
        begin(WorkerSpec("ecs", "w", "host", slots=1), "S", now_ms()), silent_since_ms=0
    )
    job_id = submit(world, JobRequest(type=NOOP, pool="ecs"))
    on_schedule(services)
    assert world.messages("ecs") == [job_id]


def wakes_what_is_due(world: World, services: Services) -> None:
    due_ms = now_ms() + MINUTE_MS
    job_id = submit(world, JobRequest(type=NOOP, requires=(OFFER,), not_before_ms=due_ms))
    assert world.states(job_id) == [State.SCHEDULED]
    on_schedule(services, due_ms + 1)
    assert world.states(job_id) == [State.QUEUED]


def releases_what_waited(world: World, services: Services) -> None:
    """The upstream has many dependents, and conditions read its large result."""
    after = DependencyRequest(
        key="up", type=DependencyType.CONDITIONAL, condition="size(upstream.result) > 9"
    )
    plain = DependencyRequest(key="up")
    jobs = [JobRequest(key="up", type=NOOP)]
    jobs += [JobRequest(key="asks", type=NOOP, parameters={"text": LARGE}, depends_on=(after,))]
    jobs += [JobRequest(key=f"k{at}", type=NOOP, depends_on=(plain,)) for at in range(300)]
    ids = submit_flow(world, WorkflowRequest(jobs=tuple(jobs)))
    upstream = run_to_end(world, ids["up"], LARGE)
    assert upstream.dependents_overflow
    react(services, [upstream], now_ms=now_ms())
    assert State.PENDING not in world.states(ids["asks"], ids["k0"], ids["k299"])


def holds_back_and_lets_go(world: World, services: Services) -> None:
    first, second = (submit(world, KEYED) for _ in range(2))
    on_schedule(services)
    assert sorted(world.states(first, second)) == [State.QUEUED, State.READY]


def frees_a_permit_that_was_left_behind(world: World, services: Services) -> None:
    first, second = (submit(world, KEYED) for _ in range(2))
    on_schedule(world.admin)
    queued, held = (first, second) if world.states(first) == [State.QUEUED] else (second, first)
    run_to_end(world, start(world, queued).job_id)
    on_schedule(services)
    assert world.states(held) == [State.QUEUED]


def forgets_a_lane(world: World, services: Services) -> None:
    lane, then_ms = key_lane("one-at-a-time", 1), now_ms() - 20 * MINUTE_MS
    world.admin.lanes.note("lambda", lane, now_ms=then_ms)
    on_schedule(services)
    assert not world.admin.lanes.list_lanes("lambda", limit=10)


def keeps_what_it_opens_again(world: World, services: Services) -> None:
    """A job that was skipped for one upstream needs the large result of the other, which would expire soon."""
    after = tuple(DependencyRequest(key=key) for key in ("up", "tried"))
    jobs = [JobRequest(key=key, type=NOOP) for key in ("up", "tried")]
    jobs += [JobRequest(key="down", type=NOOP, depends_on=after)]
    ids = submit_flow(world, WorkflowRequest(jobs=tuple(jobs)))
    expires_at_s = end_and_be_due(world, ids["up"])
    stamp, jobs_now = Stamp(now_ms(), "test"), world.admin.jobs
    cancelled = jobs_now.apply(CancelIfInState(world.job(ids["tried"]), Ending(State.CANCELLED), stamp))
    react(world.admin, [cancelled], now_ms=now_ms())
    assert world.states(ids["down"]) == [State.SKIPPED]
    judge_waiting(world.admin, [jobs_now.apply(ReopenIfEnded(cancelled, stamp))], stamp)
    react(services, [run_to_end(world, ids["tried"])], now_ms=now_ms())
    assert is_kept(world, ids["up"], expires_at_s)


def offers_a_second_attempt(world: World, services: Services) -> None:
    """By the offers alone: a tick goes on without its pulse, and where it can't read how long jobs usually run."""
    began_ms = now_ms()
    from_ms = floor_to(began_ms, HOUR_MS) - HOUR_MS
    figures = Figures(succeeded=MIN_RUNS_OF_P99, run=histogram_of([10] * MIN_RUNS_OF_P99))
    counted = Counted(from_ms, from_ms + HOUR_MS, Rollup({NOOP: figures}))
    world.admin.statistics.put("lambda", Span.HOUR, counted, expires_at_s=began_ms // 1_000 + 3_600)
    job_id = submit(world, JobRequest(type=NOOP))
    start(world, job_id, began_ms)
    services.long_recall.forget()  # what an earlier probe read of statistics
    offer_second_attempts(services, "lambda", began_ms + 2 * LEAST_SECONDS * 1_000)
    assert world.job(job_id).live_second is not None
    assert world.messages("lambda") == [job_id]


def leaves_its_pulses(world: World, services: Services) -> None:
    on_schedule(services)
    leave_pulse(services, PulseMemory(), Part.RELEASE, StandingClock(now_ms()))
    assert world.admin.pulses.load().keys() == {Part.DISPATCHER, Part.RELEASE}


DISPATCHER_PROBES = (
    offers_a_second_attempt,  # before all whose ticks go on without statistics
    leaves_its_pulses,  # before all other ticks, because a run goes on without its pulse
    dispatches_a_job,
    dispatches_several_jobs,
    dispatches_to_worker_processes,
    wakes_what_is_due,
    releases_what_waited,
    holds_back_and_lets_go,
    frees_a_permit_that_was_left_behind,
    forgets_a_lane,
    keeps_what_it_opens_again,
)
