"""One run of the kill tests: its jobs, the capacity that was down, and its speed."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.harness.e2e.kills.ledger import Ledger
from tests.harness.e2e.kills.processes import wait_for
from tidegate.domain.states import State
from tidegate_cli.client import Client
from tidegate_cli.views import JobView, parse_time_ms

LONGEST_SECONDS = 3.0
_DEPENDENT_EVERY, _DEPENDS_ON = 10, 7
_URGENT = 100
_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 240.0
_STRETCH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outage:
    """A part of a pool's capacity that was down, from one time to another (seconds since the epoch)."""

    pool: str
    slots: int
    from_s: float
    to_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended. `began_s` is when its submission was sent."""

    began_s: float
    jobs: tuple[JobView, ...]
    outages: tuple[Outage, ...]

    def seconds(self, pool: str | None = None) -> float:
        """Returns the seconds from the submission to the end of the last job, of `pool` or of all pools."""
        ends = [job.finished_at_ms for job in self.jobs if pool in (None, job.pool)]
        return max(end for end in ends if end is not None) / 1_000 - self.began_s

    def down_slot_seconds(self, capacity: Mapping[str, int]) -> float:
        """Returns the slot-seconds that were down.

        A pool can't lose more than all of its slots, however many losses overlap.
        """
        total = 0.0
        for pool, slots in capacity.items():
            own = [outage for outage in self.outages if outage.pool == pool]
            times = sorted({time_s for outage in own for time_s in (outage.from_s, outage.to_s)})
            for from_s, to_s in pairwise(times):
                down = sum(outage.slots for outage in own if outage.from_s <= from_s < outage.to_s)
                total += min(slots, down) * (to_s - from_s)
        return total

    def slot_seconds(self, capacity: Mapping[str, int]) -> float:
        """Returns the slot-seconds that were up.

        These are each pool's slots until its last job ended, without those that were down.
        """
        given = sum(slots * self.seconds(pool) for pool, slots in capacity.items())
        return given - self.down_slot_seconds(capacity)

    def jobs_per_slot_second(self, capacity: Mapping[str, int]) -> float:
        """Returns the jobs per slot-second of the slots that were up."""
        return len(self.jobs) / self.slot_seconds(capacity)


def workflow(ledger: Ledger, capacity: Mapping[str, int], jobs: int, seed: int) -> dict[str, Any]:
    """Makes jobs of 0 to 3 s, spread over the pools by their capacity. Every tenth waits for the one before it.

    The first hundred are more urgent, so that lost ones run again before the others, and not at the end.
    """
    chance = random.Random(seed)
    total = sum(capacity.values())
    turns = [pool for pool, slots in capacity.items() for _ in range(slots)]
    return {
        "name": "kills",
        "jobs": [
            {
                "key": f"k{at}",
                "type": "recorded.work",
                "pool": turns[at % total],
                "priority": 200 if at < _URGENT else 100,
                "max_retries": 10,
                "parameters": {
                    "seconds": round(chance.uniform(0, LONGEST_SECONDS), 2),
                    "ledger": str(ledger.path),
                },
                "depends_on": [{"key": f"k{at - _DEPENDS_ON}"}] if _is_dependent(at) else [],
            }
            for at in range(jobs)
        ],
    }


def _is_dependent(at: int) -> bool:
    return at % _DEPENDENT_EVERY == _DEPENDENT_EVERY - 1


def upstreams(ids: Mapping[str, str]) -> dict[str, str]:
    """Returns the upstream of each dependent job, both by id."""
    return {ids[f"k{at}"]: ids[f"k{at - _DEPENDS_ON}"] for at in range(len(ids)) if _is_dependent(at)}


def wait_for_end(client: Client, ledger: Ledger, workflow_id: str, jobs: int) -> tuple[JobView, ...]:
    """Waits until every job has ended, and asserts that each one succeeded once.

    Polls the ledger until all effects are there, because that costs the stack nothing.
    """
    deadline_s = time.monotonic() + _PATIENCE_SECONDS
    while ledger.count() < jobs and time.monotonic() < deadline_s:
        time.sleep(_LOOK_SECONDS)
    ended: Sequence[JobView] = ()
    while time.monotonic() < deadline_s:
        ended = client.get_workflow(workflow_id).jobs
        if all(job.is_terminal for job in ended):
            break
        time.sleep(_LOOK_SECONDS)
    assert len(ended) == jobs
    left = [
        (job.key, job.pool, job.state, job.raw["history"])
        for job in ended
        if job.state is not State.SUCCEEDED
    ]
    assert not left, f"{len(left)} jobs did not succeed: {left[:5]}"
    for job in ended:
        steps = [step["state"] for step in job.raw["history"]]
        assert (steps.count("SUCCEEDED"), steps[-1]) == (1, "SUCCEEDED"), steps
        assert steps.count("RUNNING") == job.attempt, steps
    return tuple(ended)


def wait_for_effects(ledger: Ledger, count: int) -> None:
    """Waits until that many jobs had their effect."""
    wait_for(f"{count} effects", lambda: ledger.count() >= count)


def first_began_s(ledger: Ledger, pool_jobs: set[str], *, since_s: float, not_in: set[int]) -> float | None:
    """Returns when the first attempt of these jobs began after `since_s` in a process that is not in `not_in`."""
    times = (
        entry.at_s
        for entry in ledger.log()
        if entry.what == "began"
        and entry.at_s > since_s
        and entry.job_id in pool_jobs
        and entry.pid not in not_in
    )
    return next(times, None)


def slots_at_work(ledger: Ledger) -> list[float]:
    """Returns how many slots worked on average in each five seconds of a run. A killed attempt counts as idle."""
    log = ledger.log()
    from_s = log[0].at_s
    began: dict[tuple[str, int], float] = {}
    at_work = [0.0] * (int((log[-1].at_s - from_s) / _STRETCH_SECONDS) + 1)
    for entry in log:
        if entry.what == "began":
            began[entry.job_id, entry.attempt] = entry.at_s - from_s
            continue
        start_s, end_s = began[entry.job_id, entry.attempt], entry.at_s - from_s
        for number in range(int(start_s / _STRETCH_SECONDS), int(end_s / _STRETCH_SECONDS) + 1):
            stretch = number * _STRETCH_SECONDS
            both = min(end_s, stretch + _STRETCH_SECONDS) - max(start_s, stretch)
            at_work[number] += both / _STRETCH_SECONDS
    return at_work


def last_to_end(jobs: Sequence[JobView], count: int = 3) -> str:
    """Returns the keys, pools and histories of the `count` jobs that ended last, to tell what a run waited for."""
    late = sorted(jobs, key=lambda job: job.finished_at_ms or 0)[-count:]
    return "\n".join(
        f"{job.key} of {job.pool}: "
        + ", ".join(
            f"{step['state']} {step['at']} {step['reason'] or ''}".strip() for step in job.raw["history"]
        )
        for job in late
    )


def first_dispatch_s(jobs: Sequence[JobView], pool: str, since_s: float) -> float:
    """Returns when the first job of a pool was dispatched after `since_s`."""
    steps = (
        step for job in jobs if job.pool == pool for step in job.raw["history"] if step["state"] == "QUEUED"
    )
    times_ms = (parse_time_ms(step["at"]) for step in steps)
    return min(at_ms / 1_000 for at_ms in times_ms if at_ms is not None and at_ms / 1_000 > since_s)
