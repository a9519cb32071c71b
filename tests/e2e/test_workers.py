"""Worker processes on the real stack: they join, drain, are killed, come back, and are fenced."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes, job, job_state, worker_state
from tests.harness.e2e.worker_processes import submit, worker
from tidegate_devstack import StackInfo

USER = "e2e-worker"


@pytest.mark.usefixtures("no_schedule")
def test_jobs_that_wait_for_a_worker_run_when_one_joins(stack_home: Path, tmp_path: Path) -> None:
    job_id = submit(stack_home, 0)
    with worker(stack_home, tmp_path / "log", "--slots", "1") as running:
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        running.tell(signal.SIGTERM)
        assert running.ended() == 0


@pytest.mark.usefixtures("stack")
def test_a_running_job_may_finish_after_sigterm(stack_home: Path, tmp_path: Path) -> None:
    given = ("--worker-id", "e2e-drain", "--name", "drains", "--tag", "team=data", "--drain-seconds", "60")
    job_id = submit(stack_home, 8)
    with worker(stack_home, tmp_path / "log", *given) as running:
        becomes(job_state(stack_home, job_id), "RUNNING")
        running.tell(signal.SIGTERM)
        becomes(worker_state(stack_home, "e2e-drain"), "DRAINING")
        assert running.ended() == 0
    ended = tidegate_json(stack_home, "jobs", "get", job_id)
    assert (ended["state"], ended["attempt"], ended["worker"]) == ("SUCCEEDED", 1, "e2e-drain")
    left = tidegate_json(stack_home, "workers", "get", "ecs", "e2e-drain")
    assert (left["state"], left["live"], left["running"]) == ("INACTIVE", False, 0)
    assert (left["claimed"], left["succeeded"], left["handed_back"]) == (1, 1, 0)
    assert (left["name"], left["tags"]) == ("drains", {"team": "data"})


@pytest.mark.usefixtures("no_schedule")
def test_what_does_not_finish_is_handed_back_and_runs_when_the_worker_is_back(
    stack_home: Path, tmp_path: Path
) -> None:
    given = ("--worker-id", "e2e-back", "--drain-seconds", "0.5")
    job_id = submit(stack_home, 10)
    with worker(stack_home, tmp_path / "first", *given) as first:
        becomes(job_state(stack_home, job_id), "RUNNING")
        first.tell(signal.SIGTERM)
        assert first.ended() == 0
    assert job_state(stack_home, job_id)() == "READY"
    assert tidegate_json(stack_home, "workers", "get", "ecs", "e2e-back")["handed_back"] == 1
    # Its entry exists already: the stream must tell a worker that is back from a worker that beats.
    with worker(stack_home, tmp_path / "second", *given) as second:
        becomes(job_state(stack_home, job_id), "SUCCEEDED")
        second.tell(signal.SIGTERM)
        assert second.ended() == 0
    assert tidegate_json(stack_home, "jobs", "get", job_id)["attempt"] == 2
    told = tidegate_json(stack_home, "workers", "get", "ecs", "e2e-back")
    assert (told["claimed"], told["all_sessions"]["claimed"], told["all_sessions"]["sessions"]) == (1, 2, 2)
    assert (told["all_sessions"]["handed_back"], told["all_sessions"]["lost"]) == (1, 0)
    assert 0 <= told["response_seconds"] < 5


@pytest.mark.usefixtures("stack")
def test_a_worker_that_was_asked_to_drain_ends_in_order(stack_home: Path, tmp_path: Path) -> None:
    with worker(stack_home, tmp_path / "log", "--worker-id", "e2e-asked") as running:
        becomes(worker_state(stack_home, "e2e-asked"), "ACTIVE")
        asked = tidegate_json(stack_home, "workers", "drain", "ecs", "e2e-asked")
        assert asked["state"] == "DRAINING"
        assert running.ended() == 0
    assert worker_state(stack_home, "e2e-asked")() == "INACTIVE"
    refused = tidegate(stack_home, "workers", "drain", "ecs", "e2e-asked")
    assert (refused.returncode, "is INACTIVE" in refused.stderr) == (1, True)


@pytest.mark.usefixtures("stack")
def test_the_id_of_a_killed_process_is_refused_until_it_is_taken_over(
    stack_home: Path, tmp_path: Path
) -> None:
    given = ("--worker-id", "e2e-killed")
    with worker(stack_home, tmp_path / "first", *given) as first:
        becomes(worker_state(stack_home, "e2e-killed"), "ACTIVE")
        first.tell(signal.SIGKILL)
        assert first.ended() == -signal.SIGKILL
    with worker(stack_home, tmp_path / "second", *given) as second:
        assert second.ended() == 1
        said = second.log.read_text(encoding="utf-8")
        assert "worker id 'e2e-killed' of pool 'ecs' is taken" in said
        assert "it is free in" in said
        assert "Traceback" not in said
    with worker(stack_home, tmp_path / "third", *given, "--take-over") as third:
        # Two, one after the other: in the emulator a process killed inside its last long poll still takes one message.
        job_ids = [submit(stack_home, 0), submit(stack_home, 0)]
        becomes(lambda: "SUCCEEDED" in [job_state(stack_home, job_id)() for job_id in job_ids], True)
        # The third one lives: the fourth fences it, and it hands its jobs back.
        held_id = submit(stack_home, 60)
        becomes(job_state(stack_home, held_id), "RUNNING")
        with worker(stack_home, tmp_path / "fourth", *given, "--take-over") as fourth:
            assert third.ended() == 1
            assert "now belongs to a process on host" in third.log.read_text(encoding="utf-8")
            becomes(lambda: job(stack_home, held_id)["attempt"], 2)
            fourth.tell(signal.SIGTERM)
            assert fourth.ended() == 0
    for job_id in (*job_ids, held_id):
        tidegate(stack_home, "jobs", "cancel", job_id)


@pytest.mark.usefixtures("stack")
def test_options_that_are_not_right_are_exit_code_2(stack_home: Path) -> None:
    for options, problem in (
        (("--pool", "moon"), "--pool: unknown pool 'moon'"),
        (("--pool", "lambda"), "--pool: 'lambda' is served by a function"),
        (("--pool", "ecs", "--worker-id", "a b"), "--worker-id: must have"),
    ):
        refused = tidegate(stack_home, "worker", *options)
        assert (refused.returncode, problem in refused.stderr) == (2, True), refused.stderr


@pytest.fixture
def policy_keys(stack: StackInfo) -> Iterator[dict[str, str]]:
    """Makes credentials of a user that has the stack's policy for worker processes and nothing else."""
    iam = stack.session().client("iam", endpoint_url=stack.endpoint_url)
    arn = stack.outputs["WorkerProcessPolicyArn"]
    iam.create_user(UserName=USER)
    iam.attach_user_policy(UserName=USER, PolicyArn=arn)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    access = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    yield {**stack.process_environment(), **access}
    iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    iam.detach_user_policy(UserName=USER, PolicyArn=arn)
    iam.delete_user(UserName=USER)


def test_the_policy_for_worker_processes_is_enough(
    stack_home: Path, tmp_path: Path, policy_keys: dict[str, str]
) -> None:
    after = {"depends_on": [{"key": "first"}]}
    jobs = [
        {"key": "first", "type": "tidegate.noop"},
        {"key": "fails", "type": "demo.broken"},
        {"key": "again", "type": "demo.flaky", "retry": {"backoff_seconds": 0}},
        {"key": "reads", "type": "demo.probe", **after},
        *[{"key": f"k{at}", "type": "tidegate.noop", **after} for at in range(30)],
    ]
    flow = json.dumps({"pool": "ecs", "jobs": jobs})
    with worker(stack_home, tmp_path / "log", "--slots", "4", variables=policy_keys) as running:
        ended = tidegate(stack_home, "submit", "-", "--wait", "--timeout-seconds", "90", stdin=flow)
        running.tell(signal.SIGTERM)
        assert running.ended() == 0
        said = running.log.read_text(encoding="utf-8")
    assert ended.returncode == 3, ended.stderr
    assert "not authorized" not in said
    assert "Refused" not in said
