"""Calls every route of the API over a small world, and returns the answers as the text that clients get.

After a wanted change of an answer, `python -m tests.harness.functions.every_answer` writes the kept answers anew.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dev.simulator.memory.logs import MemoryLogSink
from tests.harness.determined import NoEntropy, StandingClock
from tests.harness.functions.api_calls import CONTEXT, NOW_MS, UNKNOWN_ID, Answer, Api
from tests.harness.functions.counted import count_one_job
from tests.harness.outside.staged import StagedCaller
from tests.harness.usecases.handing_over import hand_over
from tidegate.api.app import handle
from tidegate.domain.addresses import Reach
from tidegate.domain.job import JobFailure, Progress
from tidegate.domain.logs import LogLine, LogPlace
from tidegate.domain.outside import HandedOver
from tidegate.domain.pulses import Part
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    BeginIfAttemptHolds,
    Ending,
    FinishIfAttemptHolds,
    HeartbeatIfAttemptHolds,
    Stamp,
)
from tidegate.domain.workers import Totals, WorkerSpec, begin
from tidegate.jobs.loader import load_registry
from tidegate.jobs.registry import Registry
from tidegate.usecases.record.record import record
from tidegate.usecases.release.release import release

KEPT = Path(__file__).resolve().parents[2] / "functions" / "kept_answers.txt"
RICH_JOB = {
    "type": "tidegate.sleep",
    "parameters": {"seconds": 1.5},
    "name": "nightly",
    "description": "waits for the night",
    "priority": 700,
    "pool": "ecs",
    "requires": ["gpu"],
    "share": {"name": "data", "weight": 3},
    "concurrency_key": "customer-7",
    "concurrency_limit": 2,
    "tags": {"team": "data", "a": "b"},
    "not_before": "2026-12-02T08:00:00+01:00",
    "finish_by": "2026-12-02T09:00:00+01:00",
    "estimated_duration_seconds": 12.25,
    "timeout_seconds": 90,
    "max_retries": 5,
    "retry": {"backoff_seconds": 2, "max_backoff_seconds": 60, "never_on": ["b", "a"], "always_on": ["c"]},
}
FLOW = {
    "name": "flow",
    "critical_path_weight": 2,
    "jobs": [
        {"key": "first", "type": "tidegate.noop", "estimated_duration_seconds": 10},
        {"key": "second", "type": "tidegate.noop", "depends_on": [{"key": "first"}]},
        {
            "key": "third",
            "type": "tidegate.noop",
            "depends_on": [{"key": "first", "type": "CONDITIONAL", "condition": "upstream.attempts == 1"}],
        },
    ],
}


class _Asked(Api):
    """A deployment in memory that keeps the text of each answer, under the request that it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.services = replace(
            self.services,
            settings=replace(self.services.settings, webhook_reach=Reach.PUBLIC),
            entropy=NoEntropy(),
            registry=_built_in_types(),
        )
        self.deps = replace(
            self.deps, services=self.services, outside=StagedCaller(), stopwatch=StandingClock(NOW_MS)
        )
        self.texts: list[str] = []

    def send(self, event: dict[str, Any]) -> Answer:
        raw = handle(event, self.deps, CONTEXT, self.until())
        given = event["queryStringParameters"] or {}
        request = " ".join([event["httpMethod"], event["path"], *(f"{name}={given[name]}" for name in given)])
        headers = {name: raw["multiValueHeaders"][name] for name in sorted(raw["multiValueHeaders"])}
        self.texts.append(f"{request}\n{raw['statusCode']} {json.dumps(headers)}\n{raw['body']}\n")
        return Answer(raw["statusCode"], {}, json.loads(raw["body"]), len(raw["body"]))


def _built_in_types() -> Registry:
    """Returns the registry that has no type of job code, whatever other tests have loaded."""
    built_in = Registry()
    for job_type in map(load_registry().find, load_registry().types()):
        if job_type is not None and job_type.name.startswith("tidegate."):
            built_in.add(job_type)
    return built_in


def every_answer() -> str:
    """Returns the requests with their answers, one after the other."""
    api = _Asked()
    _ask_about_jobs(api)
    _ask_about_workflows(api)
    _ask_about_pools_and_types(api)
    _ask_about_workers(api)
    _ask_about_grants(api)
    _ask_about_logs(api)
    _ask_about_shares(api)
    _ask_about_webhooks(api)
    _ask_wrongly(api)
    _ask_about_callers(api)
    _ask_about_status(api)
    _ask_about_failures(api)
    _ask_about_statistics(api)
    _ask_about_timetables(api)
    return "\n".join(api.texts)


def _ask_about_jobs(api: _Asked) -> None:
    plain = api.submit()
    api.call("POST", "/v1/jobs", RICH_JOB, key="once")
    rich = api.call("POST", "/v1/jobs", RICH_JOB, key="once").body["job_id"]
    later = api.submit(
        depends_on=[{"job_id": plain, "type": "MUST_COMPLETE"}],
        type="tidegate.sleep",
        parameters={"seconds": 2},
    )
    for job_id in (plain, rich, later):
        api.call("GET", f"/v1/jobs/{job_id}")
    api.run(plain)
    api.services.jobs.apply(BeginIfAttemptHolds(api.job(plain), 1, NOW_MS + 250))
    beat = HeartbeatIfAttemptHolds(api.job(plain), 1, NOW_MS + 60_000, Progress(0.5, "half"))
    api.services.jobs.apply(beat)
    api.call("GET", f"/v1/jobs/{plain}")
    api.call("POST", f"/v1/jobs/{plain}/cancel")
    _end(
        api,
        plain,
        Ending(State.SUCCEEDED, result={"rows": 3, "rate": 0.1, "ünï": [None, True, "\\u2028 and 𝄞"]}),
    )
    api.call("GET", f"/v1/jobs/{plain}")
    waiting = api.submit(depends_on=[{"job_id": rich}])
    for job_id in (waiting, rich, plain):
        api.call("GET", f"/v1/jobs/{job_id}/why")
        api.call("GET", f"/v1/jobs/{job_id}/forecast")
        api.call("GET", f"/v1/jobs/{job_id}/cost")
        for around in ("dependencies", "dependents", "chain"):
            api.call("GET", f"/v1/jobs/{job_id}/{around}")
    api.call("POST", f"/v1/jobs/{rich}/cancel", {"downstream": True})
    api.call("GET", f"/v1/jobs/{waiting}")
    api.call("PATCH", f"/v1/jobs/{api.submit()}", {"priority": 7, "description": "amended"})
    for state in State:
        api.call("GET", "/v1/jobs", query={"state": state, "limit": "2"})


def _ask_about_workflows(api: _Asked) -> None:
    flow = api.call("POST", "/v1/workflows", FLOW).body
    first, workflow = flow["job_ids"]["first"], f"/v1/workflows/{flow['workflow_id']}"
    api.call("GET", workflow)
    api.run(first)
    _end(api, first, Ending(State.FAILED, failure=JobFailure("broken", "it broke")))
    api.call("GET", f"{workflow}/graph")
    api.call("GET", f"{workflow}/states")
    record(api.services, [change.new for change in api.world.changes])
    api.call("GET", f"{workflow}/states", query={"since": "0"})
    api.call("GET", f"{workflow}/critical-path")
    api.call("GET", f"{workflow}/forecast")
    api.call("POST", "/v1/forecast", {"about": [flow["workflow_id"], first], "add_slots": {"lambda": 1}})
    api.call("GET", f"{workflow}/cost")
    api.call("GET", f"{workflow}/cost", query={"limit": "1"})
    api.call("GET", "/v1/workflows", query={"name": "flow", "limit": "5"})
    api.call("GET", "/v1/workflows", query={"name": "flow", "forecast": "true"})
    page = api.call("GET", workflow, query={"limit": "2"}).body
    api.call("GET", workflow, query={"limit": "2", "cursor": page["cursor"]})
    api.call("POST", f"/v1/jobs/{first}/retry", {"reopen_skipped": False})
    api.call("POST", f"/v1/jobs/{first}/cancel")
    api.call("POST", f"{workflow}/rerun")
    api.call("PATCH", workflow, {"finish_by": "2026-12-02T08:00:00Z"})
    api.call("POST", f"{workflow}/hold")
    api.call("POST", f"{workflow}/unhold")
    api.call("POST", f"/v1/jobs/{first}/hold")
    api.call("POST", f"/v1/jobs/{first}/unhold")
    api.call("POST", f"{workflow}/cancel")
    api.call("POST", f"/v1/jobs/{first}/mark", {"state": "SUCCEEDED", "reason": "by hand"})
    _ask_from_outside(api)
    api.call("POST", f"{workflow}/cancel")


_BEN = "arn:aws:iam::123456789012:user/ben"


def _ask_from_outside(api: _Asked) -> None:
    job, token = hand_over(api.services, api.submit(), NOW_MS, HandedOver(3_600, 60, "renders on the farm"))
    path = f"/v1/jobs/{job.job_id}"
    api.call("GET", path)
    api.call("POST", f"{path}/heartbeat", {"token": token.text, "progress": {"fraction": 0.5}})
    api.call("POST", f"{path}/finish", {"token": token.text, "result": {"frames": 240}})
    api.call("POST", f"{path}/finish", {"token": token.text, "error": {"code": "late"}})
    for act in ("approve", "reject"):
        body = {"type": "tidegate.approval", "parameters": {"title": "Publish?"}}
        job_id = str(api.call("POST", "/v1/jobs", body, arn=_BEN).body["job_id"])
        hand_over(api.services, job_id, NOW_MS, HandedOver(86_400, message="Publish?"))
        api.call("POST", f"/v1/jobs/{job_id}/{act}", {"comment": "checked"})


def _ask_about_pools_and_types(api: _Asked) -> None:
    api.call("GET", "/v1/pools")
    api.call("POST", "/v1/pools/ecs/pause")
    api.call("POST", "/v1/pools/ecs/resume")
    api.call("GET", "/v1/pools/lambda")
    api.call("POST", "/v1/pools/lambda/redrive", query={"limit": "5"})
    api.call("GET", "/v1/types")
    api.call("GET", "/v1/types/tidegate.noop")
    api.call("POST", "/v1/types/tidegate.noop/pause")
    api.call("PUT", "/v1/types/tidegate.noop/limit", {"max_running": 3})
    api.call("POST", "/v1/types/tidegate.noop/resume")
    api.call("PUT", "/v1/types/tidegate.noop/limit", {"max_running": None})


def _ask_about_workers(api: _Asked) -> None:
    spec = WorkerSpec(
        "ecs", "w-1", "host-a", 4, name="nightly", capabilities=frozenset({"gpu", "a"}), tags={"team": "data"}
    )
    worker = replace(
        begin(spec, UNKNOWN_ID, NOW_MS),
        running=1,
        totals=Totals(9, 5, 2, 1),
        lacking=("demo.probe",),
        fault="no space left",
        clock_off_ms=-1_500,
    )
    api.services.workers.register_if_free(worker, silent_since_ms=0)
    api.call("GET", "/v1/workers/ecs/w-1")
    api.call("GET", "/v1/workers", query={"pool": "ecs"})
    api.call("GET", "/v1/workers", query={"order": "free"})
    api.call("GET", "/v1/workers/ecs/w-1/jobs")
    api.call("POST", "/v1/workers/ecs/w-1/drain")
    api.call("GET", "/v1/pools/ecs")


def _ask_about_grants(api: _Asked) -> None:
    subject = {"namespace": "arn:aws:iam::123456789012:user/ben"}
    api.call("PUT", "/v1/grants", {"role": "operator", "namespaces": ["team-a"]}, query=subject)
    api.call("GET", "/v1/grants")
    api.call("DELETE", "/v1/grants", query=subject)


def _ask_about_logs(api: _Asked) -> None:
    job_id, place = api.submit(), LogPlace("jobs-log", UNKNOWN_ID)
    path = f"/v1/jobs/{job_id}/logs"
    api.call("GET", path)
    api.run(job_id, place)
    sink = MemoryLogSink(api.world, place, lambda: NOW_MS + 5)
    for number, text in enumerate(("reading 3 files", "ünï", "done"), 1):
        sink.write(LogLine(job_id, 1, number, text))
    first = api.call("GET", path, query={"limit": "2"}).body
    api.call("GET", path, query={"cursor": first["cursor"]})
    failure = JobFailure("KeyError", "'x'", last_lines=("ünï", "done"))
    _end(api, job_id, Ending(State.FAILED, failure=failure))
    api.call("GET", f"/v1/jobs/{job_id}")
    api.call("GET", path, query={"attempt": "1"})


def _ask_about_shares(api: _Asked) -> None:
    path = "/v1/pools/ecs/shares/data"
    api.call("PUT", path, {"weight": 3, "max_priority": 500})
    api.call("GET", path)
    api.call("GET", "/v1/pools/ecs/shares")
    api.call("DELETE", path)


def _ask_about_webhooks(api: _Asked) -> None:
    made = api.call(
        "POST", "/v1/webhooks", {"url": "https://hooks.example.com/in", "states": ["FAILED"]}, key="k"
    )
    path = f"/v1/webhooks/{made.body['webhook']['id']}"
    api.call("GET", "/v1/webhooks")
    api.call("GET", path)
    api.call("PATCH", path, {"events": ["job.ended"], "tags": {"team": "data"}})
    api.call("POST", f"{path}/rotate")
    api.call("POST", f"{path}/test")
    api.call("GET", f"{path}/deliveries")
    api.call("POST", f"{path}/disable")
    api.call("POST", f"{path}/enable")
    api.call("DELETE", path)
    api.call("GET", path)


def _ask_wrongly(api: _Asked) -> None:
    api.call("POST", "/v1/jobs", {"type": "tidegate.none", "priority": 0})
    api.call("POST", "/v1/jobs", "{")
    api.call("GET", "/v1/jobs")
    api.call("GET", f"/v1/jobs/{UNKNOWN_ID}")
    api.call("DELETE", f"/v1/jobs/{UNKNOWN_ID}")
    api.call("GET", "/v1/nothing")


def _ask_about_callers(api: _Asked) -> None:
    api.call("GET", "/v1/me")
    job_id = api.submit()
    api.call("POST", f"/v1/jobs/{job_id}/cancel")
    api.call("GET", "/v1/audit", query={"subject": f"job#{job_id}", "from": "1970-01-01T00:00:00Z"})


def _ask_about_status(api: _Asked) -> None:
    api.call("GET", "/v1/status")
    for part in (Part.DISPATCHER, Part.REAPER, Part.RELEASE):
        api.services.pulses.note_if_later(part, NOW_MS)
    api.call("GET", "/v1/status")


def _ask_about_failures(api: _Asked) -> None:
    for number in (7, 8):
        job_id = api.submit()
        api.run(job_id)
        failure = JobFailure("broken", f"row {number} is broken")
        _end(api, job_id, Ending(State.FAILED, failure=failure), NOW_MS)
    found = api.call("GET", "/v1/failures", query={"since": "2026-12-01T00:00:00Z"}).body
    path = f"/v1/failures/{found['groups'][0]['fingerprint']}"
    api.call("POST", f"{path}/mute")
    api.call("GET", "/v1/failures", query={"muted": "true"})
    api.call("POST", f"{path}/unmute")


def _ask_about_statistics(api: _Asked) -> None:
    api.call("GET", "/v1/stats")
    count_one_job(api)
    api.call("GET", "/v1/stats", query={"by": "type"})
    api.call("GET", "/v1/stats", query={"step": "hour"})


def _ask_about_timetables(api: _Asked) -> None:
    nightly = {
        "name": "nightly",
        "cron": "30 2 * * *",
        "zone": "Europe/Berlin",
        "overlap": "cancel",
        "job": {"type": "tidegate.sleep", "parameters": {"seconds": 2}},
    }
    made = api.call("POST", "/v1/timetables", nightly, key="nightly").body
    path = f"/v1/timetables/{made['timetable_id']}"
    api.call("POST", f"{path}/run")
    api.call("GET", path)
    api.call("GET", "/v1/timetables", query={"limit": "5"})
    api.call("GET", f"{path}/next", query={"count": "2"})
    past = {"from": "2026-11-28T00:00:00Z", "to": "2026-11-30T00:00:00Z"}
    api.call("GET", f"{path}/backfill", query=past)
    api.call("POST", f"{path}/backfill", past)
    api.call("GET", f"{path}/runs", query={"limit": "2"})
    api.call("PATCH", path, {"every_seconds": 3600, "jitter_seconds": 60})
    api.call("POST", f"{path}/pause")
    api.call("POST", f"{path}/resume")
    api.call("DELETE", path)


def _end(api: Api, job_id: str, ending: Ending, at_ms: int = NOW_MS + 1_234) -> None:
    ended = api.services.jobs.apply(
        FinishIfAttemptHolds(api.job(job_id), 1, ending, Stamp(at_ms, "worker-1"))
    )
    release(api.services, [ended], at_ms)


if __name__ == "__main__":
    KEPT.write_text(every_answer(), encoding="utf-8")
