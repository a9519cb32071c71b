"""Draws limits on dispatch from a seed: shares, keys, pools, times, and operators that change rules."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from dev.simulator.memory.seeded import JOB_TYPE, OTHER_TYPE, START_MS, function_pool, process_pool
from dev.simulator.people.callers import caller_named
from dev.simulator.system.simulator import API_TIMEOUT_MS, Simulator
from dev.simulator.workflows.model import Drawn
from tidegate.domain.pools import Pool
from tidegate.domain.requests import JobRequest, ShareRequest
from tidegate.usecases.operate import set_rules
from tidegate.usecases.services import Services

CAPACITY = 3
KEY_LIMITS = {"one": (1, 1, 1, 4), "two": (2, 2, 3)}  # jobs of one key need not agree
POOLS = (
    replace(function_pool("lambda", CAPACITY), capabilities=frozenset({"cpu"})),
    replace(process_pool("ecs"), capabilities=frozenset({"cpu", "gpu"})),
)
TYPES = (JOB_TYPE, OTHER_TYPE)
STANDSTILL_MS = 20 * 60_000  # long enough to forget a lane without waiting jobs
LAST_CHANGE_MS = 40 * 60_000
_OPERATOR = caller_named("operator")
_AGAIN_MS = 45_000


def with_bounds(drawn: Drawn) -> Drawn:
    """Returns the same workflow with limits on most of its jobs."""
    draw = random.Random(f"bounds {drawn.seed}")
    later_ms = draw.choice((drawn.later_ms, STANDSTILL_MS))
    jobs = tuple(_bounded(job, draw) for job in drawn.request.jobs)
    return replace(drawn, request=replace(drawn.request, jobs=jobs), later_ms=later_ms)


def _bounded(job: JobRequest, draw: random.Random) -> JobRequest:
    share = draw.choice((None, "a", "b"))
    key = draw.choice((None, "one", "one", "two"))
    pool, requires = draw.choice(
        ((None, ()), ("lambda", ()), ("ecs", ()), (None, ("cpu",)), (None, ("cpu",)), (None, ("gpu",)))
    )
    return replace(
        job,
        type=draw.choice(TYPES),
        share=ShareRequest(name=share, weight=draw.randint(1, 9)) if share else None,
        concurrency_key=key,
        concurrency_limit=draw.choice(KEY_LIMITS[key]) if key else 1,
        pool=pool,
        requires=requires,
        retry=replace(job.retry, backoff_seconds=draw.choice((0, job.retry.backoff_seconds))),
        not_before_ms=START_MS + draw.randint(1, 300_000) if draw.random() < 0.2 else None,
    )


RuleChange = Callable[[Services, int], object]


def plan_operators(simulator: Simulator, seed: int, *, changes: int) -> None:
    """Plans operators that change rules at random moments.

    In the end nothing is paused. Once, all stands still for a while.
    """
    draw = random.Random(f"operators {seed}")
    for _ in range(changes):
        # Most changes come early, while there are many jobs.
        at_ms = round(LAST_CHANGE_MS * draw.random() ** 3)
        simulator.plan(at_ms, partial(_change, simulator, _drawn_change(draw)))
    if draw.random() < 0.3:
        simulator.plan(draw.randint(0, 60_000), partial(simulator.stand_still, STANDSTILL_MS))
    for change in _resumptions():
        simulator.plan(LAST_CHANGE_MS + STANDSTILL_MS, partial(_change, simulator, change))


def _drawn_change(draw: random.Random) -> RuleChange:
    pool, job_type = draw.choice(POOLS), draw.choice(TYPES)
    limit = draw.choice((None, 1, 2, 3))
    changes: Sequence[RuleChange] = (
        _pool_rule(set_rules.pause_pool, pool),
        _pool_rule(set_rules.resume_pool, pool),
        _type_rule(set_rules.pause_type, job_type),
        _type_rule(set_rules.resume_type, job_type),
        lambda services, now_ms: set_rules.limit_type(
            services, job_type, limit, caller=_OPERATOR, now_ms=now_ms
        ),
    )
    return draw.choice(changes)


def _resumptions() -> Sequence[RuleChange]:
    return [
        *(_pool_rule(set_rules.resume_pool, pool) for pool in POOLS),
        *(_type_rule(set_rules.resume_type, job_type) for job_type in TYPES),
    ]


def _pool_rule(verb: Callable[..., object], pool: Pool) -> RuleChange:
    return lambda services, now_ms: verb(services, pool.name, caller=_OPERATOR, now_ms=now_ms)


def _type_rule(verb: Callable[..., object], job_type: str) -> RuleChange:
    return lambda services, now_ms: verb(services, job_type, caller=_OPERATOR, now_ms=now_ms)


def _change(simulator: Simulator, change: RuleChange) -> None:
    """Changes a rule as an operator does, until there is an answer. The stream of rules calls the dispatcher."""
    simulator.settle()  # observers see earlier dispatches first
    answered = simulator.attempt(lambda: change(simulator.services, simulator.now_ms), API_TIMEOUT_MS)
    simulator.settle()
    if simulator.options.stream_open:
        simulator.after(simulator.options.stream_delay_ms, simulator.tick)
    if not answered:
        simulator.plan(simulator.now_ms - START_MS + _AGAIN_MS, partial(_change, simulator, change))
