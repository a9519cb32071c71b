"""Every job and workflow of examples/ runs to its end in memory, and does what it shows."""

from __future__ import annotations

from typing import Any

import pytest

from dev.simulator.checks.invariants import first_start_ms
from dev.simulator.memory.seeded import START_MS
from tests.harness.examples.world import EXAMPLES, Deployment
from tidegate.contracts.times import to_wire
from tidegate.domain.job import Job
from tidegate.usecases.timetables.run_due import run_due_timetables
from tidegate_cli.documents.submissions import read_document
from tidegate_cli.documents.timetables import read_timetable
from tidegate_cli.views import parse_time_ms

HOUR_MS = 3_600_000


def submit(name: str, *, slots: int = 4, **changes: object) -> Deployment:
    """A deployment to which an example was submitted, with fields of its body changed."""
    document = read_document(str(EXAMPLES / name), speed=None, pool=None, priority=None)
    deployment = Deployment(slots)
    path = "/v1/workflows" if document.is_workflow else "/v1/jobs"
    answer = deployment.call("POST", path, {**document.body, **changes})
    assert answer.status == 201, answer.body
    return deployment


def run(name: str, **options: Any) -> dict[str, Job]:
    return submit(name, **options).run_all()


def run_one(name: str, **options: Any) -> Job:
    (job,) = run(name, **options).values()
    return job


def states_of(jobs: dict[str, Job]) -> dict[str, str]:
    return {key: job.state.value for key, job in jobs.items()}


def start_ms(job: Job) -> int:
    started_ms = first_start_ms(job)
    assert started_ms is not None, f"{job.key} never ran"
    return started_ms


def end_ms(job: Job) -> int:
    assert job.finished_at_ms is not None
    return job.finished_at_ms


def in_order_of_start(jobs: dict[str, Job]) -> list[str]:
    return sorted(jobs, key=lambda key: start_ms(jobs[key]))


def test_a_job() -> None:
    job = run_one("job.json")
    assert (job.state, job.name, job.priority, job.tags) == ("SUCCEEDED", "a nap", 500, {"team": "data"})
    assert end_ms(job) - start_ms(job) == 2_000


def test_every_type_of_dependency() -> None:
    jobs = run("workflow.json")
    states = states_of(jobs)
    assert states.pop("alert") == "SKIPPED"
    assert set(states.values()) == {"SUCCEEDED"}
    assert start_ms(jobs["client"]) < end_ms(jobs["server"])
    assert start_ms(jobs["clean-up"]) >= end_ms(jobs["publish"])


@pytest.mark.parametrize(("seconds", "taken", "other"), [(1, "small", "large"), (10, "large", "small")])
def test_a_condition_on_a_result(seconds: int, taken: str, other: str) -> None:
    document = read_document(str(EXAMPLES / "conditional.yaml"), speed=None, pool=None, priority=None)
    assert document.body["jobs"][0]["parameters"] == {"seconds": 1}
    document.body["jobs"][0]["parameters"]["seconds"] = seconds
    jobs = run("conditional.yaml", jobs=document.body["jobs"])
    expected = {"measure": "SUCCEEDED", taken: "SUCCEEDED", other: "SKIPPED", "report": "SUCCEEDED"}
    assert states_of(jobs) == expected
    failure = jobs[other].failure
    assert failure is not None
    assert failure.code == "branch-not-taken"


def test_retries() -> None:
    job = run_one("retry.yaml")
    assert (job.state, job.attempt) == ("SUCCEEDED", 3)


def test_a_job_that_prints() -> None:
    assert run_one("logs.yaml").state == "SUCCEEDED"


def test_two_jobs_of_a_key_at_once() -> None:
    jobs = run("concurrency-key.yaml").values()
    changes = [(job.queued_at_ms or 0, 1) for job in jobs] + [(end_ms(job), -1) for job in jobs]
    at_once = most = 0
    for _, change in sorted(changes):
        at_once += change
        most = max(most, at_once)
    assert (len(jobs), most) == (4, 2)


def test_fair_shares() -> None:
    order = in_order_of_start(run("shares.yaml", slots=1))
    assert [key.partition("-")[0] for key in order[:4]].count("report") == 3
    assert [key.partition("-")[0] for key in order[4:]].count("report") == 3


def test_a_job_waits_for_its_time() -> None:
    due_ms = START_MS + HOUR_MS
    assert start_ms(run_one("not-before.yaml", not_before=to_wire(due_ms))) >= due_ms
    assert start_ms(run_one("not-before.yaml", not_before=to_wire(START_MS - 1))) < due_ms


def test_the_long_chain_goes_first() -> None:
    jobs = run("critical-path.yaml", slots=1)
    assert in_order_of_start(jobs)[0] == "long-1"
    assert in_order_of_start(run("critical-path.yaml", slots=1, critical_path_weight=0))[0] == "short"


def test_a_recorded_workflow() -> None:
    jobs = run("trace.json")
    assert set(states_of(jobs).values()) == {"SUCCEEDED"}
    assert end_ms(jobs["right"]) - start_ms(jobs["right"]) == 1_500  # 90 s, sixty times as fast
    assert start_ms(jobs["join"]) >= max(end_ms(jobs["left"]), end_ms(jobs["right"]))


def test_a_job_reads_the_results_of_its_upstreams() -> None:
    jobs = run("upstream-results.yaml")
    assert jobs["total"].result == {"texts": ["letter", "poem"], "words": 9}


def test_a_part_of_a_workflow_is_run_again() -> None:
    deployment = submit("rerun.yaml")
    jobs = deployment.run_all()
    assert states_of(jobs) == {"extract": "SUCCEEDED", "load": "FAILED", "publish": "SKIPPED"}
    workflow_id = jobs["load"].job_id.partition(".")[0]
    assert deployment.call("POST", f"/v1/workflows/{workflow_id}/rerun").body["reopened"] == 2
    jobs = deployment.run_all()
    assert set(states_of(jobs).values()) == {"SUCCEEDED"}
    assert {key: job.attempt for key, job in jobs.items()} == {"extract": 1, "load": 2, "publish": 1}


def test_a_workflow_that_is_submitted_each_night() -> None:
    deployment = Deployment()
    body = read_timetable(str(EXAMPLES / "timetable.yaml"), needs_template=True)
    made = deployment.call("POST", "/v1/timetables", body)
    assert made.status == 201, made.body
    one = f"/v1/timetables/{made.body['timetable_id']}"
    (due,) = deployment.call("GET", f"{one}/next", query={"count": "1"}).body["times"]
    assert due["local"] == "2027-01-16T02:30:00+01:00"
    due_ms = parse_time_ms(due["scheduled_at"])
    assert due_ms is not None
    assert run_due_timetables(deployment.services, due_ms - 1) == 0
    assert [run_due_timetables(deployment.services, due_ms + 1_000) for _ in range(2)] == [1, 0]
    jobs = deployment.run_all()
    assert states_of(jobs) == {"extract": "SUCCEEDED", "report": "SUCCEEDED"}
    assert jobs["report"].result == {
        "program": "report of 2027-01-16, due at 2027-01-16T01:30:00.000Z",
        "seconds": 1.0,
    }
    (run,) = deployment.call("GET", f"{one}/runs").body["runs"]
    assert (run["outcome"], run["state"], run["scheduled_at"]) == (
        "submitted",
        "SUCCEEDED",
        due["scheduled_at"],
    )
