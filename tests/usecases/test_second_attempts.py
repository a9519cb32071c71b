"""A straggler gets one second attempt beside the first, on a slot that nothing waits for, and one of both counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev.simulator.memory.seeded import JOB_TYPE, function_pool, process_pool
from dev.simulator.people.callers import caller_named
from tests.harness.determined import StandingClock
from tests.harness.usecases.dispatching import POOL
from tests.harness.usecases.stragglers import Stragglers
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import SecondHold
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.second_attempts import OFFER_MS, SecondAttempt, SecondEnd, most_second_attempts
from tidegate.domain.states import State
from tidegate.domain.transitions import FinishIfAttemptHolds, figures_of_end
from tidegate.domain.workers import WorkerSpec
from tidegate.ports import Message, Outcome, OutcomeKind, Signal
from tidegate.usecases.operate.set_rules import limit_type, pause_pool
from tidegate.usecases.reap.reap_active import reap_active
from tidegate.usecases.recover.cancel import cancel_job
from tidegate.usecases.recover.reopen import retry_job
from tidegate.usecases.work.claim import claim, claim_all
from tidegate.usecases.work.conclude import conclusion_of
from tidegate.usecases.work.conclude_stuck import conclude_stuck
from tidegate.usecases.work.worker_life import join_pool

ANN = caller_named("ann")
LARGE = "x" * 10_000


def test_a_straggler_gets_one_second_attempt() -> None:
    pool = Stragglers()
    first = pool.start()
    pool.tick()
    assert pool.offers == 0  # it does not straggle yet
    pool.straggle()
    assert (pool.offers, pool.held) == (1, 1)
    second = pool.claim_next("second")
    assert second is not None
    assert second.assignment == replace(first.assignment, second=True)
    assert isinstance(second.job, SecondHold)
    pool.straggle()
    assert pool.world.queues[POOL].has_visible(pool.now_ms) is False


def test_the_first_to_succeed_wins_and_the_other_is_refused() -> None:
    pool = Stragglers()
    first, second = pool.both()
    pool.world.now_ms += 500
    ended = pool.end(second, OutcomeKind.SUCCEEDED, LARGE)
    assert ended is not None
    assert (ended.state, ended.worker_id, ended.attempt, ended.tries) == (State.SUCCEEDED, "second", 1, 0)
    assert pool.beat(first) is Signal.LOST
    assert pool.end(first, OutcomeKind.SUCCEEDED, "y" * 10_000) is None
    assert pool.end(first, OutcomeKind.FAILED) is None
    job = pool.job(first.job.job_id)
    assert pool.services.jobs.load_result(job) == LARGE
    assert job.history[-1].reason == "second attempt beside attempt 1"
    pool.react()
    assert pool.held == 0


@pytest.mark.parametrize("kind", [OutcomeKind.SUCCEEDED, OutcomeKind.FAILED, OutcomeKind.HANDED_BACK])
def test_any_end_of_the_first_attempt_ends_the_second(kind: OutcomeKind) -> None:
    pool = Stragglers()
    first, second = pool.both()
    ended = pool.end(first, kind, LARGE)
    assert ended is not None
    assert pool.beat(second) is Signal.LOST
    assert pool.end(second, OutcomeKind.SUCCEEDED, "y" * 10_000) is None
    assert pool.end(second, OutcomeKind.FAILED) is None
    job = pool.job(first.job.job_id)
    assert job == replace(ended, second=job.second)
    if kind is OutcomeKind.SUCCEEDED:
        assert pool.services.jobs.load_result(job) == LARGE
    pool.react()
    assert pool.held == 0


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        (OutcomeKind.FAILED, SecondEnd.FAILED),
        (OutcomeKind.TIMED_OUT, SecondEnd.FAILED),
        (OutcomeKind.HANDED_BACK, SecondEnd.STOPPED),
        (OutcomeKind.CANCELLED, SecondEnd.STOPPED),
        (OutcomeKind.UNABLE, SecondEnd.STOPPED),
    ],
)
def test_a_second_attempt_without_success_leaves_the_job_to_the_first(
    kind: OutcomeKind, end: SecondEnd
) -> None:
    pool = Stragglers()
    first, second = pool.both()
    went_on = pool.end(second, kind)
    assert went_on is not None
    assert (went_on.state, went_on.worker_id, went_on.tries) == (State.RUNNING, "first", 0)
    assert went_on.second is not None
    assert went_on.second.end is end
    pool.straggle()
    assert (pool.held, pool.world.queues[POOL].has_visible(pool.now_ms)) == (0, False)
    ended = pool.end(first, OutcomeKind.SUCCEEDED)
    assert ended is not None
    assert ended.state is State.SUCCEEDED


def test_a_lost_first_attempt_recovers_and_the_second_one_changes_nothing() -> None:
    pool = Stragglers()
    first, second = pool.both()
    pool.world.now_ms += 50_000
    assert pool.beat(second) is Signal.GO_ON  # its lease outlives that of the first attempt
    reap_active(pool.services, pool.now_ms)
    pool.react()
    again = pool.claim_next("third")
    assert again is not None
    assert (again.job.attempt, again.job.worker_losses) == (2, 1)
    assert pool.beat(second) is Signal.LOST
    assert pool.end(again, OutcomeKind.SUCCEEDED, LARGE) is not None
    assert pool.end(second, OutcomeKind.SUCCEEDED, "y" * 10_000) is None
    job = pool.job(first.job.job_id)
    assert pool.services.jobs.load_result(job) == LARGE
    assert job.runs == 1


def test_a_second_attempt_whose_lease_ran_out_is_ended_and_refused() -> None:
    pool = Stragglers()
    first, second = pool.both()
    for _ in range(4):
        assert pool.beat(first) is Signal.GO_ON
        pool.straggle()
    job = pool.job(first.job.job_id)
    assert job.second is not None
    assert (job.second.end, pool.held) == (SecondEnd.LOST, 0)
    assert pool.beat(second) is Signal.LOST
    assert pool.end(second, OutcomeKind.SUCCEEDED) is None
    assert pool.job(first.job.job_id) == job


def test_an_offer_that_nobody_claims_lapses() -> None:
    pool = Stragglers()
    first = pool.start()
    pool.straggle()
    for _ in range(OFFER_MS // 20_000):
        assert pool.held == 1
        assert pool.beat(first) is Signal.GO_ON
        pool.straggle()
    job = pool.job(first.job.job_id)
    assert job.second is not None
    assert (job.second.end, pool.held) == (SecondEnd.LAPSED, 0)
    assert pool.claim_next("second") is None


def test_a_doubled_message_and_the_first_worker_claim_nothing() -> None:
    pool = Stragglers()
    first = pool.start()
    pool.straggle()
    message = Message(first.job.job_id, 1, second=True)
    assert claim(pool.services, message, "first", pool.now_ms) is None
    own = Message(first.job.job_id, 0)
    claims = claim_all(pool.services, [own, message, message], "second", pool.now_ms)
    assert [isinstance(each, SecondHold) for each in claims] == [False, True, False]
    assert claim(pool.services, message, "third", pool.now_ms) is None


def test_a_cancellation_stops_both() -> None:
    pool = Stragglers()
    first, second = pool.both()
    cancel_job(pool.services, first.job.job_id, caller=ANN, now_ms=pool.now_ms)
    assert [pool.beat(each) for each in (first, second)] == [Signal.CANCEL, Signal.CANCEL]
    stopped = pool.end(second, OutcomeKind.CANCELLED)
    assert stopped is not None
    assert stopped.state is State.RUNNING
    ended = pool.end(first, OutcomeKind.CANCELLED)
    assert ended is not None
    assert ended.state is State.CANCELLED


def test_stuck_code_of_a_second_attempt_does_not_end_the_first() -> None:
    pool = Stragglers()
    _, second = pool.both()
    outcome = Outcome(OutcomeKind.TIMED_OUT)
    clock = StandingClock(pool.now_ms)
    assert conclude_stuck(pool.services, clock, second.assignment, outcome) is None
    assert pool.job(second.job.job_id).live_second is not None


@pytest.mark.parametrize(
    "fields", [{"concurrency_key": "one"}, {"type": "simulated.other"}], ids=("key", "type")
)
def test_a_job_under_a_key_or_without_a_usual_run_gets_none(fields: dict[str, Any]) -> None:
    pool = Stragglers()
    pool.start(**fields)
    pool.straggle()
    assert pool.offers == 0


def test_nothing_is_offered_where_it_may_not_be() -> None:
    pool = Stragglers(percent=0)
    pool.start()
    pool.straggle()
    assert pool.offers == 0
    pool = Stragglers()
    pool.start()
    limit_type(pool.services, JOB_TYPE, 9, caller=ANN, now_ms=pool.now_ms)
    pool.straggle()
    assert pool.offers == 0
    limit_type(pool.services, JOB_TYPE, None, caller=ANN, now_ms=pool.now_ms)
    pause_pool(pool.services, POOL, caller=ANN, now_ms=pool.now_ms)
    pool.tick()
    assert pool.offers == 0


def test_a_second_attempt_takes_no_slot_that_a_job_waits_for_and_counts_in_the_window() -> None:
    pool = Stragglers(capacity=3)
    pool.start()
    pool.submit(2)
    pool.react()
    pool.straggle()
    assert pool.offers == 0  # three slots, three dispatched jobs
    pool.run_one()
    pool.straggle()
    assert (pool.offers, pool.held) == (1, 1)
    pool.submit(9)
    pool.react()
    assert len(pool.dispatched) == 5  # the window holds six


def test_a_pool_has_no_more_second_attempts_than_its_part() -> None:
    pool = Stragglers(capacity=8, percent=25)
    for _ in range(4):
        pool.start()
    pool.straggle()
    pool.straggle()
    assert (pool.offers, pool.held) == (2, 2)
    assert [most_second_attempts(slots, 5) for slots in (0, 1, 2, 19, 40)] == [0, 0, 1, 1, 2]
    assert most_second_attempts(40, 0) == 0


@pytest.mark.parametrize(("workers", "offers"), [(1, 0), (2, 1)])
def test_a_single_worker_process_gets_no_second_attempt(workers: int, offers: int) -> None:
    pool = Stragglers()
    pools = {POOL: process_pool(POOL), "other": function_pool("other", 1)}
    pool.services = replace(pool.services, settings=replace(pool.services.settings, pools=pools))

    def join() -> None:
        for number in range(workers):
            spec = WorkerSpec(POOL, f"w{number}", "host", slots=4)
            join_pool(pool.services, spec, session_id=f"s{number}", now_ms=pool.now_ms)

    join()
    pool.start()
    join()
    pool.world.now_ms += 20_000
    pool.another_tick()
    assert pool.offers == offers


def test_a_dispatcher_that_comes_meanwhile_leaves_its_jobs_to_the_tick() -> None:
    number, came = 0, True
    while came:
        pool = Stragglers()
        pool.start()
        pool.world.now_ms += 20_000

        def submit_one(pool: Stragglers = pool) -> None:
            pool.calm()
            pool.submit(1)
            pool.react()

        arrived = pool.at_request(number, submit_one)
        pool.tick()
        came = arrived()
        if came:
            assert not pool.in_state(State.READY), number
            assert len(pool.dispatched) + pool.held <= 8
        number += 1
    assert number > 5


def test_a_reopened_job_may_have_another_one() -> None:
    pool = Stragglers()
    first = pool.start(retry=RetryPolicy(0, 0, 0))
    pool.straggle()
    early = pool.claim_next("second")
    assert early is not None
    assert pool.end(first, OutcomeKind.FAILED) is not None
    job_id = first.job.job_id
    retry_job(pool.services, job_id, reopen_skipped=False, caller=ANN, now_ms=pool.now_ms)
    pool.react()
    again = pool.claim_next("third")
    assert again is not None
    pool.world.now_ms += 45_000
    pool.straggle()
    late = pool.job(job_id).live_second
    assert late is not None
    assert (late.life, late.beside, pool.held) == (1, again.job.attempt, 1)
    assert pool.beat(early) is Signal.LOST
    assert pool.end(early, OutcomeKind.SUCCEEDED) is None
    assert pool.job(job_id).live_second == late


def test_the_end_of_a_long_first_attempt_knows_the_second_and_is_not_held_up_for_it() -> None:
    pool = Stragglers()
    first, second = pool.both()
    done = Outcome(OutcomeKind.SUCCEEDED)

    def known(now_ms: int) -> SecondAttempt | None:
        conclusion = conclusion_of(pool.services, first, done, now_ms)
        assert conclusion is not None
        assert isinstance(conclusion.transition, FinishIfAttemptHolds)
        return conclusion.transition.job.second

    told = known(pool.now_ms)
    assert told is not None
    assert told.worker_id == second.job.worker_id
    # No second attempt is offered so early, so nothing is read.
    assert known((first.job.started_at_ms or 0) + 59_999) is None

    def is_away(_request: str) -> None:
        raise ServiceUnavailable("throttled")

    pool.world.on_request = is_away
    assert known(pool.now_ms) is None


def test_an_own_end_of_a_second_attempt_is_dated() -> None:
    pool = Stragglers()
    first, second = pool.both()
    pool.world.now_ms += 7_000
    pool.end(second, OutcomeKind.FAILED)
    found = pool.job(first.job.job_id).second
    assert found is not None
    assert found.ended_at_ms == pool.now_ms
    pool.world.now_ms += 5_000
    ended = pool.end(first, OutcomeKind.SUCCEEDED)
    assert ended is not None
    figures = figures_of_end(ended, ended.history, ended.began_at_ms)
    assert figures.wasted_ms == 7_000


def test_a_refused_end_of_a_second_attempt_never_cancels_the_first() -> None:
    """The job runs on under the attempt that the second one was beside, as after a refused hand-back."""
    pool = Stragglers()
    first, second = pool.both()
    assert pool.end(second, OutcomeKind.HANDED_BACK) is not None
    assert pool.end(second, OutcomeKind.HANDED_BACK) is None
    assert pool.end(second, OutcomeKind.SUCCEEDED) is None
    assert pool.job(first.job.job_id).state is State.RUNNING


def test_the_told_history_has_the_claims_of_both() -> None:
    pool = Stragglers()
    first, second = pool.both()

    def told() -> list[tuple[State, int, str, str]]:
        entries = pool.job(first.job.job_id).told_history[2:]
        return [(each.state, each.attempt, each.actor, each.reason) for each in entries]

    claims = [
        (State.RUNNING, 1, "first", ""),
        (State.RUNNING, 1, "second", "second attempt beside attempt 1"),
    ]
    assert told() == claims
    pool.end(second, OutcomeKind.SUCCEEDED)
    *_, claim_of_second, end = told()
    assert claim_of_second == (*claims[1][:3], "second attempt beside attempt 1, won")
    assert end == (State.SUCCEEDED, 1, "second", "second attempt beside attempt 1")
