"""Restores of all tables to one moment, drawn from a seed: `python -m dev.simulator.restores --seed 7` replays one.

A workflow runs, and at a drawn request of a drawn process all tables are copied as they are, while everything runs on.
The copy is what point-in-time recovery gives back: nothing of the queues, the stream and the workers that ran then.
It goes on minutes or hours later with new workers. With every seed each job that the copy holds ends once, in the state
that the rules give, each job that had ended stays as it was, and a submission that was half there is completed or
removed whole.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from dev.simulator.checks.invariants import check_histories, check_retention, check_submissions
from dev.simulator.memory.seeded import function_pool, make_services, make_settings, process_pool
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.people.clients import submit_drawn
from dev.simulator.system.by_seed import replay_or_try
from dev.simulator.system.simulator import MINUTE_MS, Options, Simulator
from dev.simulator.workflows.model import Drawn, draw_workflow
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.submission import DONE_WITH
from tidegate.settings import Settings

SLOTS = 4
RESTORED_AFTER_MS = (5 * MINUTE_MS, 60 * MINUTE_MS, 360 * MINUTE_MS)
"""AWS takes minutes to hours for a restore, so no lease of the moment still holds."""
NO_TABLES = {
    "shards",
    "rank_policy",
    "now_ms",
    "page_entries",
    "requests",
    "on_request",
    "lock",
    "queues",
    "changes",
    "logs",
}
"""The fields of a world that are no tables."""
TABLES = tuple(each.name for each in fields(MemoryWorld) if each.name not in NO_TABLES)


@dataclass
class Moment:
    """A copy of all tables at one of the requests that a run makes, each of which is as likely as any other."""

    world: MemoryWorld
    draw: random.Random
    requests: int = 0
    at_ms: int = 0
    tables: Mapping[str, object] = field(default_factory=dict)

    def look(self, _request: str) -> None:
        """Takes the copy at this request, over that of an earlier one, or leaves that one."""
        self.requests += 1
        if self.draw.random() < 1 / self.requests:
            self.at_ms = self.world.now_ms
            self.tables = {name: _copied(getattr(self.world, name)) for name in TABLES}


def _copied(value: object) -> object:
    """Copies tables, and shares their items, which never change."""
    match value:
        case dict():
            return {key: _copied(each) for key, each in value.items()}
        case list():
            return [*value]
        case set():
            return {*value}
    return value


def run_restore(seed: int) -> Simulator:
    """Runs the restore of a seed to its end and checks it. Returns the restored run. Raises AssertionError."""
    draw = random.Random(f"restore {seed}")
    drawn = draw_workflow(seed, most_jobs=14, bad_workers=0.0)
    pool = draw.choice((function_pool("pool", SLOTS), process_pool("pool")))
    settings = make_settings(pool, shards=draw.choice((1, 3)))
    moment = _first_run(drawn, settings, draw)
    services, world = make_services(settings, seed)
    for name, table in moment.tables.items():
        setattr(world, name, _copied(table))
    world.now_ms = moment.at_ms + draw.choice(RESTORED_AFTER_MS)
    before = dict(world.jobs)
    restored = Simulator(services, world, drawn.course, Options(slots=SLOTS))
    restored.open_jobs.update(job_id for job_id, job in before.items() if not job.is_terminal)
    for job in before.values():
        restored.happened[f"{job.state} at the moment"] += 1
    restored.happened["submission half there at the moment"] += any(
        each.phase not in DONE_WITH for each in world.submissions.values()
    )
    restored.run()
    check_restored(restored, drawn, before)
    return restored


def _first_run(drawn: Drawn, settings: Settings, draw: random.Random) -> Moment:
    """Runs the workflow to its end, and returns the copy that was taken on the way."""
    services, world = make_services(settings, drawn.seed)
    moment = Moment(world, draw)
    world.on_request = moment.look
    simulator = Simulator(services, world, drawn.course, Options(slots=SLOTS))
    submit_drawn(simulator, drawn)
    simulator.run()
    return moment


def check_restored(restored: Simulator, drawn: Drawn, before: Mapping[str, Job]) -> None:
    """Checks that nothing of the copy is lost, ends twice, or is held against a job that ran at the moment."""
    jobs = restored.world.jobs
    check_histories(jobs.values())
    check_retention(jobs.values(), restored.services.settings)
    check_submissions(jobs, restored.world.submissions.values())
    expected = drawn.expected(jobs.values())
    for job in jobs.values():
        assert job.state is expected[job.key or ""], job
        assert job.worker_losses <= 1, f"more was lost than the worker of the moment: {job}"
    for job_id, job in before.items():
        if job.is_terminal:
            assert jobs[job_id].history == job.history, (
                f"it ended before the moment, and again: {jobs[job_id]}"
            )
        elif job_id in jobs:
            assert jobs[job_id].history[: len(job.history)] == job.history, (
                f"its past changed: {jobs[job_id]}"
            )
    removed = [job for job_id, job in before.items() if job_id not in jobs]
    assert all(job.state is State.PENDING for job in removed), "only an abandoned submission loses its jobs"


def main() -> int:
    """Replays one seed, or tries many. Prints the failed seeds."""
    return replay_or_try(
        "Simulated restores by seed.", run_restore, lambda seed: str(dict(run_restore(seed).happened))
    )


if __name__ == "__main__":
    sys.exit(main())
