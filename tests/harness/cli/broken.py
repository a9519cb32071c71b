"""The ways in which a deployment is broken over doubles, and what the doctor must find then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.harness.cli.deployment import NOW_MS, World
from tests.harness.domain.job_samples import PENDING, RUNNING
from tidegate.domain.states import Group
from tidegate.domain.submission import Phase, Submission


def remove_output(world: World) -> None:
    world.aws.stack["Outputs"] = [
        each for each in world.aws.stack["Outputs"] if each["OutputKey"] != "StageName"
    ]


def old_job(world: World) -> None:
    """Leaves an entry of the index in a group that its job left long ago."""
    world.stores.write(replace(PENDING, job_id="S.2"))
    (key,) = [key for key in world.stores.index if key[1] is Group.PENDING]
    entries = list(world.stores.index[key])
    world.stores.write(replace(RUNNING, job_id="S.2", lease_expires_at_ms=NOW_MS + 1))
    world.stores.index[key] = entries


def stuck_submission(world: World, submission_id: str = "01S") -> None:
    world.services.submissions.begin_if_absent(
        Submission(
            submission_id=submission_id,
            phase=Phase.COMMITTED,
            job_count=2,
            fingerprint="",
            created_at_ms=NOW_MS - 3_600_000,
        )
    )


def change_function(world: World, name: str, **changes: Any) -> None:
    world.aws.functions[name] |= changes


def change_variable(world: World, name: str, variable: str, value: str) -> None:
    world.aws.functions[name]["Environment"]["Variables"][variable] = value


BROKEN: dict[str, tuple[Callable[[World], object], str, str, str]] = {
    "stack failed": (
        lambda w: w.aws.stack.update(StackStatus="UPDATE_ROLLBACK_FAILED"),
        *("stack", "error", "is UPDATE_ROLLBACK_FAILED"),
    ),
    "stack rolled back": (
        lambda w: w.aws.stack.update(StackStatus="UPDATE_ROLLBACK_COMPLETE"),
        *("stack", "warning", "was rolled back"),
    ),
    "deploy under way": (
        lambda w: w.aws.stack.update(StackStatus="UPDATE_IN_PROGRESS"),
        *("stack", "warning", "is UPDATE_IN_PROGRESS"),
    ),
    "output missing": (remove_output, "stack", "error", "lacks outputs: StageName"),
    "another stack's API": (
        lambda w: next(each for each in w.aws.stack["Outputs"] if each["OutputKey"] == "ApiId").update(
            OutputValue="def456"
        ),
        *("address", "error", "leads to the API abc123, and stack prod has def456"),
    ),
    "another version": (
        lambda w: w.status.update(version="0.0.9"),
        *("version", "warning", "version 0.0.9, this command line 0.1.0"),
    ),
    "schedule dead": (
        lambda w: w.status["schedules"][1].update(alive=False, last_at=None),
        *("pulses", "error", "the schedule reaper is dead: its last pulse was never"),
    ),
    "reader dead": (
        lambda w: w.status["streams"][0].update(alive=False),
        *("pulses", "error", "the reader of the stream release is dead"),
    ),
    "schedule disabled": (
        lambda w: w.aws.schedules["reaper"].update(State="DISABLED"),
        *("schedules", "error", "the schedule reaper is DISABLED"),
    ),
    "schedule missing": (
        lambda w: w.aws.schedules.pop("dispatcher"),
        *("schedules", "error", "the schedule dispatcher is MISSING"),
    ),
    "schedule slow": (
        lambda w: w.aws.schedules["reaper"].update(ScheduleExpression="rate(1 hour)"),
        *("schedules", "warning", "is rate(1 hour) instead of"),
    ),
    "function inactive": (
        lambda w: change_function(w, "worker", State="Inactive", StateReason="its layer is gone"),
        *("functions", "error", "the function worker is Inactive (its layer is gone)"),
    ),
    "function missing": (
        lambda w: w.aws.functions.pop("api"),
        *("functions", "error", "the function api is MISSING"),
    ),
    "queue missing": (
        lambda w: w.aws.queues.pop("EcsPoolDeadLetters"),
        *("dead-letters", "error", "the queue EcsPoolDeadLetters is MISSING"),
    ),
    "table missing": (
        lambda w: w.aws.expiries.pop("Lanes"),
        *("expiry", "error", "the table Lanes is MISSING"),
    ),
    "update failed": (
        lambda w: change_function(w, "api", LastUpdateStatus="Failed"),
        *("functions", "error", "the last update of the function api failed"),
    ),
    "variable changed": (
        lambda w: change_variable(w, "dispatcher", "TIDEGATE_SHARDS", "8"),
        *("configuration", "warning", "TIDEGATE_SHARDS is 8 and not 4"),
    ),
    "another table": (
        lambda w: change_variable(w, "reaper", "TIDEGATE_TABLE_SUBMISSION_PLANS", "elsewhere"),
        *("configuration", "warning", "TIDEGATE_TABLE_SUBMISSION_PLANS names another table"),
    ),
    "memory changed": (
        lambda w: change_function(w, "worker", MemorySize=256),
        *("configuration", "warning", "WorkerMemoryMegabytes is 256 and not 1024"),
    ),
    "versions differ": (
        lambda w: change_function(w, "reaper", Layers=[{"Arn": "arn:core:6"}]),
        *("configuration", "error", "run different versions"),
    ),
    "source missing": (
        lambda w: w.aws.sources["dispatcher"].pop(),
        *("sources", "error", "the dispatcher has 2 event sources instead of 3"),
    ),
    "source disabled": (
        lambda w: w.aws.sources["recorder"][0].update(State="Disabled"),
        *("sources", "error", "of the recorder is Disabled"),
    ),
    "third source fails": (
        lambda w: w.aws.sources["dispatcher"][2].update(LastProcessingResult="PROBLEM: Function call failed"),
        *("sources", "error", "of the dispatcher fails: PROBLEM"),
    ),
    "worker bounded otherwise": (
        lambda w: w.aws.sources["worker"][0].update(ScalingConfig={"MaximumConcurrency": 2}),
        *("sources", "warning", "at most 2 jobs at once, and WorkerConcurrency is 4"),
    ),
    "worker not bounded": (
        lambda w: w.aws.sources["worker"][0].pop("ScalingConfig"),
        *("sources", "warning", "the worker runs without a bound, and WorkerConcurrency is 4"),
    ),
    "stream off": (
        lambda w: w.aws.tables["Control"].pop("StreamSpecification"),  # its last ARN stays
        *("streams", "error", "the table Control has no stream"),
    ),
    "stream of keys": (
        lambda w: w.aws.tables["Jobs"]["StreamSpecification"].update(StreamViewType="KEYS_ONLY"),
        *("streams", "error", "the stream of the table Jobs is of KEYS_ONLY and not of NEW_AND_OLD_IMAGES"),
    ),
    "stream made anew": (
        lambda w: w.aws.tables["Workers"].update(
            LatestStreamArn=f"{w.aws.tables['Workers']['TableArn']}/stream/2026-12-01T00:00:00.000"
        ),
        *("streams", "error", "the dispatcher reads an earlier stream of the table Workers"),
    ),
    "another stream read": (
        lambda w: w.aws.sources["recorder"][0].update(
            EventSourceArn=w.aws.tables["Workers"]["LatestStreamArn"]
        ),
        *("streams", "error", "the recorder reads no stream of the table Jobs"),
    ),
    "reader late": (
        lambda w: w.aws.lags_ms["recorder"].extend([10.0, 61_000.0]),
        *("lag", "warning", "the recorder read changes up to 61 s late"),
    ),
    "function stopped": (
        lambda w: w.aws.reserved.update(dispatcher=0),
        *("concurrency", "error", "the function dispatcher may not run"),
    ),
    "reserved by hand": (
        lambda w: w.aws.reserved.update(dispatcher=3),
        *("concurrency", "warning", "3 executions are reserved for the dispatcher"),
    ),
    "too few executions": (
        lambda w: w.aws.account.update(UnreservedConcurrentExecutions=7),
        *("concurrency", "warning", "4 workers leave 3 to the other functions"),
    ),
    "dead letters": (
        lambda w: w.aws.letters.update(EventDeadLetters=3),
        *("dead-letters", "error", "EventDeadLetters holds 3 messages"),
    ),
    "queue without a policy": (
        lambda w: w.aws.queues["EcsPoolQueue"].pop("Policy"),
        *("queues", "warning", "the queue EcsPoolQueue has no policy, and accepts calls without TLS"),
    ),
    "queue with another policy": (
        lambda w: w.aws.queues["EventDeadLetters"].update(Policy=w.aws.queues["EcsPoolQueue"]["Policy"]),
        *("queues", "warning", "the queue EventDeadLetters has another policy"),
    ),
    "queue of a pool missing": (
        lambda w: w.aws.queues.pop("LambdaPoolQueue"),
        *("queues", "error", "the queue LambdaPoolQueue is MISSING"),
    ),
    "counts late": (
        lambda w: w.count_until(NOW_MS - 3_600_001),
        *(
            "counts",
            "warning",
            "the ended jobs of the pool p are counted up to 2027-01-15T06:59:59.999Z only",
        ),
    ),
    "never counted": (
        lambda w: w.stores.reached.clear(),
        *("counts", "warning", "the ended jobs of the pool p were never counted"),
    ),
    "lease overdue": (
        lambda w: w.run_job(lease_expires_at_ms=NOW_MS - 300_001),
        *("leases", "error", "1 sampled jobs run under leases that ended over five minutes ago: S.1"),
    ),
    "entry misplaced": (old_job, "index", "error", "1 of 2 sampled entries of the index differ"),
    "submission stuck": (stuck_submission, "submissions", "error", "for over a quarter of an hour: 01S"),
    "no expiry": (
        lambda w: w.aws.expiries["Audit"].update(TimeToLiveStatus="DISABLED"),
        *("expiry", "warning", "items of the table Audit never expire"),
    ),
    "another expiry": (
        lambda w: w.aws.expiries["Jobs"].update(AttributeName="ttl"),
        *("expiry", "warning", "expire by ttl and not by expires_at"),
    ),
    "clock ahead": (
        lambda w: setattr(w, "ahead_seconds", 6.0),
        *("clock", "warning", "6 s ahead of the API's"),
    ),
    "clock far behind": (
        lambda w: setattr(w, "ahead_seconds", -301.0),
        *("clock", "error", "301 s behind the API's"),
    ),
}
