"""The reasons why jobs wait, in words: a key, a type limit, a paused pool or a pool without workers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from tests.cli.test_follow import Seen, Time, polls
from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, job
from tidegate_cli.errors import CliError
from tidegate_cli.following.follow import Snapshot, WaitTimedOut, follow
from tidegate_cli.following.held import reasons
from tidegate_cli.following.live import LineViewer, picture

OPEN = {"paused": False, "capacity": 4}
IN_PAUSED_POOL = "2 jobs wait in pool lambda, which is paused (`tidegate pools resume lambda`)"


class Pools:
    """Pools as the API would show them. It notes the names that were asked for."""

    def __init__(self, **pools: Mapping[str, Any]) -> None:
        self.pools = pools
        self.asked: list[str] = []

    def __call__(self, name: str) -> Mapping[str, Any]:
        self.asked.append(name)
        if name not in self.pools:
            raise CliError("no answer")
        return self.pools[name]


def test_a_key_and_a_type_are_named_with_how_many_wait_for_them() -> None:
    pools = Pools()
    jobs = [job(0, "READY", held_in="type:a.b"), *[job(at, "READY", held_in="key:2:x:y") for at in (1, 2)]]
    assert reasons(jobs, pools) == (
        "2 jobs wait for concurrency key 'x:y', of which 2 may be dispatched at once",
        "1 job waits for type a.b, which is paused or at its limit (`tidegate types get a.b`)",
    )
    assert pools.asked == ["lambda"], "its workers may lack the type"


def test_a_type_that_workers_lack_is_named_with_the_slots_that_have_it() -> None:
    pools = Pools(**{"lambda": OPEN | {"limited": {"a.b": 0}}, "ecs": OPEN | {"limited": {"a.b": 1}}})
    jobs = [
        job(at, "READY", held_in="type:a.b", pool=pool) for at, pool in enumerate(("lambda", "ecs", "ecs"))
    ]
    assert reasons(jobs, pools) == (
        "2 jobs wait for type a.b, which 1 slot has in pool ecs (deploy the job code to its workers)",
        "1 job waits for type a.b, which no worker has in pool lambda (deploy the job code to its workers)",
    )


def test_a_pool_whose_workers_can_begin_nothing_says_why() -> None:
    pools = Pools(ecs={"paused": False, "capacity": 0, "fault": "process-not-started: no memory"})
    assert reasons([job(0, "READY", pool="ecs")], pools) == (
        "1 job waits in pool ecs, whose workers can start no job: process-not-started: no memory",
    )


def test_a_paused_pool_holds_ready_jobs_and_not_those_that_were_dispatched_before() -> None:
    pools = Pools(**{"lambda": {"paused": True, "capacity": 4}})
    jobs = [job(0, "READY"), job(1, "READY"), job(2, "QUEUED")]
    assert reasons(jobs, pools) == (IN_PAUSED_POOL,)
    assert "paused" not in reasons(jobs[2:], pools)[0]


def test_a_pool_without_a_worker_runs_nothing_that_is_queued_either() -> None:
    jobs = [job(0, "READY", pool="ecs"), job(1, "QUEUED", pool="ecs")]
    assert reasons(jobs, Pools(ecs={"paused": False, "capacity": 0})) == (
        "2 jobs wait in pool ecs, which has no live worker (`tidegate worker --pool ecs`)",
    )


def test_where_nothing_is_held_back_and_none_runs_the_next_step_is_said() -> None:
    busy = {**OPEN, "active": {"count": 9, "more": False}, "ready": {"count": 1000, "more": True}}
    pools = Pools(**{"lambda": busy})
    assert reasons([job(0, "READY"), job(1, "PENDING"), job(2, "SUCCEEDED")], pools) == (
        "1 job waits for a free slot in pool lambda (4 slots, 9 dispatched, 1000+ READY)",
    )
    assert pools.asked == ["lambda"]
    assert reasons([job(0, "QUEUED")], Pools(**{"lambda": busy})) == (
        "1 job waits for a worker of pool lambda (4 slots, 9 dispatched)",
    )
    assert not reasons([job(0, "READY"), job(1, "RUNNING", started=1.0)], pools)
    assert pools.asked == ["lambda"], "something of the pool runs, so the others wait for their turn"
    assert not reasons([job(0, "READY", pool="gone")], pools)
    due = [job(at, "SCHEDULED", due_at=f"2026-12-0{at}T06:00:00.000Z") for at in (3, 2)]
    assert reasons([*due, job(1, "PENDING")], pools) == (
        "2 jobs wait for a time, the first until 2026-12-02T06:00:00.000Z",
    )
    assert reasons(due[:1], pools) == ("1 job waits until 2026-12-03T06:00:00.000Z",)
    assert reasons([job(1, "PENDING")], pools) == (
        f"1 job waits for upstreams (`tidegate jobs get {WORKFLOW}.1` names them)",
    )
    assert not reasons([job(2, "SUCCEEDED")], pools)


def test_a_pool_is_read_once_however_many_types_hold_jobs_back_in_it() -> None:
    pools = Pools(**{"lambda": OPEN | {"limited": {"a.b": 0}}})
    held = [job(at, "READY", held_in=f"type:a.{kind}") for at, kind in enumerate("bcd")]
    assert len(reasons([*held, job(9, "READY")], pools)) == 3
    assert len(reasons([*held, job(9, "READY", pool="gone")], pools)) == 3
    assert pools.asked == ["lambda", "lambda", "gone"]


def test_what_a_newer_api_holds_jobs_back_for_is_shown_as_it_is() -> None:
    assert reasons([job(0, "READY", held_in="moon:\x1bfull")], Pools()) == ("1 job waits in moon:\\x1bfull",)


def test_following_asks_at_once_and_where_nothing_changed_and_says_it_when_the_time_is_over() -> None:
    seen, time = Seen(), Time()
    found = iter([*polls("PENDING", "READY"), *polls(*["READY"] * 9)])
    told = []
    try:
        follow(
            lambda: next(found),
            "t",
            seen,
            timeout_seconds=2.0,
            explain=lambda jobs: ("because",),
            waiting=time.waiting(),
        )
    except WaitTimedOut as error:
        told = str(error).splitlines()
    assert [snapshot.waits for snapshot in seen.snapshots[:3]] == [("because",), (), ("because",)]
    assert told == ["waited 2 s: 1 of 1 jobs have not ended; they go on", "  because"]


def test_lines_and_picture_show_the_reasons() -> None:
    out = io.StringIO()
    console = Console(file=out, width=160)
    snapshot = Snapshot("t", (job(0, "READY"),), BEGIN_MS, BEGIN_MS, 0, (IN_PAUSED_POOL,))
    viewer = LineViewer(console)
    viewer.show(snapshot)
    viewer.show(snapshot)
    assert out.getvalue().count(IN_PAUSED_POOL) == 1
    console.print(picture(snapshot))
    assert out.getvalue().count(IN_PAUSED_POOL) == 2


def test_a_scheduled_job_says_until_when() -> None:
    out = io.StringIO()
    due = job(0, "SCHEDULED", due_at="2026-12-01T06:00:00.000Z")
    LineViewer(Console(file=out, width=160)).show(Snapshot("t", (due,), BEGIN_MS, BEGIN_MS, 0))
    assert "SCHEDULED k0 until 2026-12-01T06:00:00.000Z" in out.getvalue()
