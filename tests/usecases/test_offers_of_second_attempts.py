"""Offers of second attempts: dispatchers beside each other, failures, and permits that must not stay or go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from tests.harness.usecases.dispatching import POOL
from tests.harness.usecases.stragglers import Stragglers
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.second_attempts import SecondEnd
from tidegate.domain.states import State
from tidegate.ports import JobStore, Message, OutcomeKind, Queue
from tidegate.usecases.dispatch.second_attempts import give_back_of_second_attempts, offer_second_attempts


def test_an_error_leaves_no_job_of_another_dispatcher_behind() -> None:
    number, came = 0, True
    while came:
        pool = Stragglers()
        pool.start()
        pool.world.now_ms += 20_000

        def submit_and_fail(pool: Stragglers = pool) -> None:
            pool.calm()
            pool.submit(1)
            pool.react()
            raise ServiceUnavailable("dynamodb")

        arrived = pool.at_request(number, submit_and_fail)
        with suppress(ServiceUnavailable):
            offer_second_attempts(pool.services, POOL, pool.now_ms)
        came = arrived()
        assert not pool.in_state(State.READY), number
        number += 1
    assert number > 5


def test_the_report_of_a_tick_has_the_jobs_that_another_dispatcher_left() -> None:
    pool = Stragglers()
    pool.start()
    pool.world.now_ms += 20_000

    def leave_one(_request: str) -> None:
        if pool.offers:  # so the lease is held
            pool.calm()
            pool.submit(1)
            pool.react()

    pool.world.on_request = leave_one
    assert pool.tick().dispatched == 1


def test_dispatchers_without_turns_never_free_the_permit_of_a_live_second_attempt() -> None:
    number, came = 0, True
    while came:
        pool = Stragglers(lease_seconds=0)
        pool.start()
        pool.world.now_ms += 20_000
        arrived = pool.at_request(number, pool.another_tick)
        pool.tick()
        came = arrived()
        assert (pool.offers, pool.held) == (1, 1), number
        number += 1
    assert number > 5


class Stale:
    """Jobs whose reads are stale where they may be."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._before: dict[str, Job] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._jobs, name)

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        read = self._jobs.get_many(job_ids, consistent=True)
        return read if consistent else {**read, **self._before}

    def stand_still(self, job: Job) -> None:
        self._before[job.job_id] = job


def test_a_stale_read_frees_no_permit() -> None:
    pool = Stragglers()
    stale = Stale(pool.services.jobs)
    pool.services = replace(pool.services, jobs=cast("JobStore", stale))
    first = pool.start()
    stale.stand_still(pool.job(first.job.job_id))
    pool.straggle()
    pool.tick()
    assert (pool.offers, pool.held) == (1, 1)
    assert pool.job(first.job.job_id).live_second is not None


class Unsent:
    """A queue that sends nothing."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        return tuple(messages)


def test_an_offer_that_is_not_sent_lapses_at_once() -> None:
    pool = Stragglers()
    first = pool.start()
    pool.services = replace(pool.services, queue=cast("Queue", Unsent(pool.services.queue)))
    pool.straggle()
    second = pool.job(first.job.job_id).second
    assert second is not None
    assert (second.end, pool.held) == (SecondEnd.LAPSED, 0)


def test_a_tick_takes_no_lease_while_nothing_straggles() -> None:
    pool = Stragglers()
    pool.start()
    requests: list[str] = []
    pool.world.on_request = requests.append
    offer_second_attempts(pool.services, POOL, pool.now_ms)
    assert not [each for each in requests if "lease" in each], requests
    pool.world.now_ms += 20_000
    offer_second_attempts(pool.services, POOL, pool.now_ms)
    assert [each for each in requests if "lease" in each], requests


def test_only_the_end_of_the_attempt_beside_it_frees_a_permit() -> None:
    pool = Stragglers()
    first, second = pool.both()
    assert pool.end(second, OutcomeKind.FAILED) is not None
    assert pool.end(first, OutcomeKind.FAILED) is not None
    pool.react()
    assert pool.held == 0
    again = pool.claim_next("third")
    assert again is not None
    ended = pool.end(again, OutcomeKind.SUCCEEDED)
    assert ended is not None
    requests: list[str] = []
    pool.world.on_request = requests.append
    give_back_of_second_attempts(pool.services, [ended, replace(ended, attempt=1, reopened=1)])
    assert requests == []
    give_back_of_second_attempts(pool.services, [replace(ended, attempt=1)])
    assert requests
