"""The requests that the API serves, each with a world that needs it."""

from __future__ import annotations

import json
import time
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.harness.determined import HandPauses, StandingClock
from tests.harness.e2e.permissions.states import (
    end_and_be_due,
    is_kept,
    run_to_end,
    start,
    submit,
    submit_flow,
)
from tests.harness.e2e.permissions.world import LARGE, OFFER, World, now_ms
from tests.harness.functions.api_calls import read_event
from tests.harness.usecases.handing_over import hand_over
from tidegate.adapters.aws.logs import event_text
from tidegate.api import app
from tidegate.bootstrap import ApiDeps, Meter, Services
from tidegate.contracts.times import to_wire
from tidegate.domain.job import JobFailure
from tidegate.domain.logs import LogLine, LogPlace
from tidegate.domain.outside import APPROVAL_TYPE, HandedOver
from tidegate.domain.pulses import Part
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.states import State
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, Counted, Reached, Span, floor_to
from tidegate.domain.submission import Phase
from tidegate.domain.transitions import Ending, FinishIfAttemptHolds, Stamp
from tidegate.domain.workers import WorkerSpec, WorkerState, begin
from tidegate.usecases.bounds.deadline import NEVER
from tidegate.usecases.read.wait import Patience, wait_for_job

NOOP = "tidegate.noop"


def ask(services: Services, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
    """Returns the function's answer, which must be a success."""
    event = read_event("api-list-jobs")
    path, _, query = path.partition("?")
    event |= {"httpMethod": method, "path": path, "body": None if body is None else json.dumps(body)}
    given = dict(part.split("=") for part in query.split("&") if part)
    event["queryStringParameters"] = given
    event["multiValueQueryStringParameters"] = {name: [value] for name, value in given.items()}
    if key is not None:
        event["headers"]["idempotency-key"] = key
        event["multiValueHeaders"]["idempotency-key"] = [key]
    deps = ApiDeps(services, StandingClock(now_ms()), Meter())
    answer = app.handle(event, deps, cast(LambdaContext, None))
    assert answer["statusCode"] in (200, 201, 202), answer["body"]
    return json.loads(answer["body"])


def tells_statistics(world: World, services: Services) -> None:
    to_ms = floor_to(now_ms(), HOUR_MS)
    hour = Counted(to_ms - HOUR_MS, to_ms, Rollup({NOOP: Figures(succeeded=1)}))
    reached = Reached(hour.from_ms, hour.to_ms, hour.to_ms, floor_to(hour.from_ms, DAY_MS))
    world.admin.statistics.advance("lambda", None, reached)
    world.admin.statistics.put("lambda", Span.HOUR, hour, expires_at_s=to_ms // 1_000 + 86_400)
    between = f"from={to_wire(hour.from_ms)}&to={to_wire(hour.to_ms)}"
    assert ask(services, "GET", f"/v1/stats?pool=lambda&{between}")["total"]["ended"] == 1


def keeps_a_webhook(world: World, services: Services) -> None:
    body = {"url": "https://hooks.example.com/in"}
    path = f"/v1/webhooks/{ask(services, 'POST', '/v1/webhooks', body)['webhook']['id']}"
    ask(services, "POST", f"{path}/disable")
    assert not ask(services, "GET", path)["enabled"]
    ask(services, "DELETE", path)
    assert world.admin.webhooks.list_all() == ()


def takes_a_job(world: World, services: Services) -> None:
    job_id = ask(services, "POST", "/v1/jobs", {"type": NOOP})["job_id"]
    assert world.states(job_id) == [State.READY]


def takes_a_large_job(world: World, services: Services) -> None:
    body = {"type": NOOP, "parameters": {"text": LARGE}}
    job_id = ask(services, "POST", "/v1/jobs", body)["job_id"]
    assert world.admin.jobs.load_input(world.job(job_id)).parameters == {"text": LARGE}


def takes_a_job_with_a_share(world: World, services: Services) -> None:
    ask(services, "PUT", "/v1/pools/lambda/shares/team", {"weight": 2})
    ask(services, "POST", "/v1/jobs", {"type": NOOP, "share": "team"})
    assert [each.lane for each in world.admin.lanes.list_lanes("lambda", limit=9)] == ["share:team"]


def grants_a_role(world: World, services: Services) -> None:
    path = "/v1/grants?namespace=arn:aws:iam::123456789012:user/ben"
    ask(services, "PUT", path, {"role": "operator"})
    assert [each["role"] for each in ask(services, "GET", "/v1/grants")["grants"]] == ["operator"]
    ask(services, "DELETE", path)
    assert not world.admin.grants.load().entries


def takes_a_job_for_the_freer_pool(world: World, services: Services) -> None:
    job_id = ask(services, "POST", "/v1/jobs", {"type": NOOP, "requires": [OFFER]})["job_id"]
    assert world.job(job_id).pool == "lambda"


def takes_a_job_after_another(world: World, services: Services) -> None:
    earlier = submit(world, JobRequest(type=NOOP))
    body = {"type": NOOP, "depends_on": [{"job_id": earlier}]}
    job_id = ask(services, "POST", "/v1/jobs", body)["job_id"]
    dependents = world.admin.jobs.list_dependents(world.job(earlier))
    assert [each.job_id for each in dependents] == [job_id]


def takes_a_job_after_two(world: World, services: Services) -> None:
    """Two upstreams have ended, and a condition reads the large result of one."""
    earlier = [submit(world, JobRequest(type=NOOP)) for _ in range(2)]
    for job_id in earlier:
        run_to_end(world, job_id, LARGE)
    kind = {"type": "CONDITIONAL", "condition": "size(upstream.result) > 9"}
    body = {"type": NOOP, "depends_on": [{"job_id": job_id, **kind} for job_id in earlier]}
    assert world.states(ask(services, "POST", "/v1/jobs", body)["job_id"]) == [State.READY]


FLOW = {"jobs": [{"key": "a", "type": NOOP}, {"key": "b", "type": NOOP}]}


def takes_a_workflow(world: World, services: Services) -> None:
    ids = ask(services, "POST", "/v1/workflows", FLOW)["job_ids"]
    assert world.states(*ids.values()) == [State.READY] * 2


def goes_on_with_a_workflow(world: World, services: Services) -> None:
    """An interrupted call had the workflow accepted under the same key."""
    ids = ask(world.admin, "POST", "/v1/workflows", FLOW, "again")["job_ids"]
    submission_id = ids["a"].partition(".")[0]
    for job_id in ids.values():
        world.clients.dynamodb.delete_item(TableName=world.tables.jobs, Key={"job_id": {"S": job_id}})
    assert world.admin.submissions.set_phase_if(submission_id, Phase.COMPLETE, Phase.COMMITTED)
    ask(services, "POST", "/v1/workflows", FLOW, "again")
    assert world.states(*ids.values()) == [State.READY] * 2


def shows_a_workflow(world: World, services: Services) -> None:
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),)))
    workflow_id = ids["a"].partition(".")[0]
    assert len(ask(services, "GET", f"/v1/workflows/{workflow_id}")["jobs"]) == 1


def lists_workflows(world: World, services: Services) -> None:
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),), name="listed"))
    workflow_id = ids["a"].partition(".")[0]
    # The index lags, so the listing is asked again for a while.
    for _ in range(20):
        listed = ask(services, "GET", "/v1/workflows")["workflows"]
        if workflow_id in [each["workflow_id"] for each in listed]:
            return
        time.sleep(0.1)
    raise AssertionError(f"{workflow_id} is not listed")


def shows_a_graph_and_its_states(world: World, services: Services) -> None:
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),)))
    workflow_id = ids["a"].partition(".")[0]
    assert ask(services, "GET", f"/v1/workflows/{workflow_id}/graph")["keys"] == ["a"]
    assert ask(services, "GET", f"/v1/workflows/{workflow_id}/states")["job_count"] == 1


def shows_a_job(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP, parameters={"text": LARGE}))
    run_to_end(world, job_id, LARGE)
    shown = ask(services, "GET", f"/v1/jobs/{job_id}")
    assert (shown["parameters"], shown["result"]) == ({"text": LARGE}, LARGE)


def says_why_a_job_waits(world: World, services: Services) -> None:
    """The job waits for a concurrency key, so its permit is read."""
    job_id = submit(world, JobRequest(type=NOOP, concurrency_key="k"))
    assert ask(services, "GET", f"/v1/jobs/{job_id}/why")["facts"][0]["code"] == "dispatch-due"


def forecasts_a_workflow_and_a_job(world: World, services: Services) -> None:
    """The workflow competes with the job, so the forecast of either reads both."""
    job_id = submit(world, JobRequest(type=NOOP))
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),)))
    workflow_id = ids["a"].partition(".")[0]
    assert ask(services, "GET", f"/v1/workflows/{workflow_id}/forecast")["jobs_left"] == 1
    assert ask(services, "GET", f"/v1/jobs/{job_id}/forecast")["state"] == "READY"
    found = ask(
        services, "POST", "/v1/forecast", {"about": [workflow_id, job_id], "add_slots": {"lambda": 1}}
    )
    assert [len(found["workflows"]), len(found["jobs"])] == [1, 1]


def says_what_a_job_and_a_workflow_cost(world: World, services: Services) -> None:
    """Both read the jobs alone, and their overflow, which other probes read."""
    job_id = submit(world, JobRequest(type=NOOP))
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),)))
    workflow_id = ids["a"].partition(".")[0]
    assert ask(services, "GET", f"/v1/jobs/{job_id}/cost")["useful"]["write_units"] > 0
    assert ask(services, "GET", f"/v1/workflows/{workflow_id}/cost")["jobs"] == 1


def shows_what_is_around_a_job(world: World, services: Services) -> None:
    """The dependent is of a later submission, so its edge stands in the overflow."""
    earlier = submit(world, JobRequest(type=NOOP))
    later = submit(world, JobRequest(type=NOOP, depends_on=(DependencyRequest(job_id=earlier),)))
    found = ask(services, "GET", f"/v1/jobs/{earlier}/dependents")["dependents"]
    assert [each["job_id"] for each in found] == [later]


def lists_jobs(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    assert [job["job_id"] for job in ask(services, "GET", "/v1/jobs?state=READY")["jobs"]] == [job_id]
    waiting = JobRequest(key="b", type=NOOP, depends_on=(DependencyRequest(key="a"),))
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP), waiting)))
    assert [job["job_id"] for job in ask(services, "GET", "/v1/jobs?state=PENDING")["jobs"]] == [ids["b"]]


def cancels_a_job(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    start(world, job_id)
    ask(services, "POST", f"/v1/jobs/{job_id}/cancel")
    assert world.job(job_id).cancel_requested_at_ms is not None


def stops_what_waits_for_a_job(world: World, services: Services) -> None:
    """Dependents in a later submission are stopped too."""
    earlier = submit(world, JobRequest(type=NOOP))
    later = submit(world, JobRequest(type=NOOP, depends_on=(DependencyRequest(job_id=earlier),)))
    ask(services, "POST", f"/v1/jobs/{earlier}/cancel", {"downstream": True})
    assert world.states(earlier, later) == [State.CANCELLED] * 2


def amends_a_job(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    ask(services, "PATCH", f"/v1/jobs/{job_id}", {"priority": 900, "tags": {"team": "data"}})
    assert (world.job(job_id).priority, world.job(job_id).amended) == (900, 1)


def reruns_a_job_with_new_parameters(world: World, services: Services) -> None:
    """The parameters are overflow, and a job of a later submission follows."""
    earlier = submit(world, JobRequest(type=NOOP))
    run_to_end(world, earlier, LARGE)
    later = submit(world, JobRequest(type=NOOP, depends_on=(DependencyRequest(job_id=earlier),)))
    ask(services, "POST", f"/v1/jobs/{earlier}/rerun", {"parameters": {"text": LARGE}})
    assert world.states(earlier, later) == [State.READY, State.PENDING]
    assert world.admin.jobs.load_input(world.job(earlier)).parameters == {"text": LARGE}


def holds_jobs_and_workflows(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    ask(services, "POST", f"/v1/jobs/{job_id}/hold")
    assert world.job(job_id).on_hold
    ask(services, "POST", f"/v1/jobs/{job_id}/unhold")
    assert world.states(job_id) == [State.READY]
    ids = submit_flow(world, WorkflowRequest(jobs=(JobRequest(key="a", type=NOOP),)))
    workflow = f"/v1/workflows/{ids['a'].partition('.')[0]}"
    by = to_wire(now_ms() + 3_600_000)
    assert ask(services, "PATCH", workflow, {"finish_by": by})["finish_by"] == by
    for act, word in (("hold", "HELD"), ("unhold", "RUNNING")):
        assert ask(services, "POST", f"{workflow}/{act}")["changed"] == 1
        assert ask(services, "GET", workflow)["state"] == word


def ends_a_job_by_hand(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    ask(services, "POST", f"/v1/jobs/{job_id}/mark", {"state": "SUCCEEDED", "reason": "by hand"})
    assert world.states(job_id) == [State.SUCCEEDED]


def finishes_a_job_outside(world: World, services: Services) -> None:
    submitted = submit(world, JobRequest(type=APPROVAL_TYPE))
    job, token = hand_over(world.admin, submitted, now_ms(), HandedOver(60))
    path = f"/v1/jobs/{job.job_id}"
    assert ask(services, "POST", f"{path}/heartbeat", {"token": token.text})["outside"]
    assert ask(services, "POST", f"{path}/finish", {"token": token.text})["state"] == "SUCCEEDED"


def acts_on_many_jobs(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    for act, state, more in (("reprioritise", "READY", {"priority": 7}), ("cancel", "READY", {})):
        ask(services, "POST", f"/v1/jobs/{act}", {"filter": {"state": state}, **more})
    ask(services, "POST", "/v1/jobs/retry", {"filter": {"state": "CANCELLED"}})
    assert (world.job(job_id).priority, world.job(job_id).reopened) == (7, 1)


def shows_pools(world: World, services: Services) -> None:
    assert len(ask(services, "GET", "/v1/pools")["pools"]) == 2


def sets_rules(world: World, services: Services) -> None:
    ask(services, "POST", "/v1/pools/lambda/pause")
    assert world.admin.rules.load().is_paused("lambda")


def shows_rules(world: World, services: Services) -> None:
    assert ask(services, "GET", f"/v1/types/{NOOP}")["type"] == NOOP


def groups_failures_and_mutes_a_group(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    start(world, job_id)
    ending = Ending(State.FAILED, failure=JobFailure("broken", "row 7 is broken"))
    world.admin.jobs.apply(FinishIfAttemptHolds(world.job(job_id), 1, ending, Stamp(now_ms(), "w")))
    (group,) = ask(services, "GET", "/v1/failures?code=broken")["groups"]
    assert ask(services, "POST", f"/v1/failures/{group['fingerprint']}/mute")["muted"]
    assert ask(services, "GET", "/v1/failures?code=broken")["left_out"] == 1


def _worker(world: World) -> None:
    worker = begin(WorkerSpec("ecs", "w", "host", slots=1), "S", now_ms())
    world.admin.workers.register_if_free(worker, silent_since_ms=0)


def lists_workers(world: World, services: Services) -> None:
    _worker(world)
    assert len(ask(services, "GET", "/v1/workers")["workers"]) == 1


def shows_a_worker(world: World, services: Services) -> None:
    _worker(world)
    assert ask(services, "GET", "/v1/workers/ecs/w")["state"] == "ACTIVE"


def drains_a_worker(world: World, services: Services) -> None:
    _worker(world)
    ask(services, "POST", "/v1/workers/ecs/w/drain")
    standing = world.admin.workers.get("ecs", "w")
    assert standing is not None
    assert standing.state is WorkerState.DRAINING


def keeps_what_a_new_job_needs(world: World, services: Services) -> None:
    """A new job needs the large result of an upstream that would expire soon."""
    upstream = submit(world, JobRequest(type=NOOP))
    expires_at_s = end_and_be_due(world, upstream)
    ask(services, "POST", "/v1/jobs", {"type": NOOP, "depends_on": [{"job_id": upstream}]})
    assert is_kept(world, upstream, expires_at_s)


def records_an_act_and_shows_it(world: World, services: Services) -> None:
    job_id = submit(world, JobRequest(type=NOOP))
    ask(services, "POST", f"/v1/jobs/{job_id}/cancel")
    acts = ask(services, "GET", f"/v1/audit?subject=job#{job_id}")["acts"]
    assert [(act["act"], act["outcome"]) for act in acts] == [("job.cancel", "done"), ("job.submit", "done")]
    for query in (f"caller={acts[0]['caller']['subject']}", "limit=9"):
        assert ask(services, "GET", f"/v1/audit?{query}")["acts"] == acts[:1]


def shows_what_a_job_printed(world: World, services: Services) -> None:
    logs = world.clients.logs
    for group in (world.stack.outputs["WorkerLogGroupName"], world.settings.process_log_group):
        job_id = submit(world, JobRequest(type=NOOP))
        place = LogPlace(group, f"probe-{job_id}")
        start(world, job_id, logs=place)
        logs.create_log_stream(logGroupName=group, logStreamName=place.stream)
        event = {"timestamp": now_ms(), "message": event_text(LogLine(job_id, 1, 1, "printed"))}
        logs.put_log_events(logGroupName=group, logStreamName=place.stream, logEvents=[cast(Any, event)])
        assert ask(services, "GET", f"/v1/jobs/{job_id}/logs")["lines"][0]["text"] == "printed"


def says_what_is_alive(world: World, services: Services) -> None:
    for part in Part:
        world.admin.pulses.note_if_later(part, now_ms())
    assert ask(services, "GET", "/v1/status")["healthy"]


def waits_for_an_end(world: World, services: Services) -> None:
    """By the use case, because the stage of a probe lets no call wait."""
    job_id = submit(world, JobRequest(type=NOOP))
    pauses = HandPauses()
    wait_for_job(services, job_id, Patience(1_000, NEVER, 1, pauses), now_ms=now_ms())
    assert pauses.taken_ms == [500, 500]


def makes_and_removes_a_timetable(world: World, services: Services) -> None:
    body = {"cron": "0 6 * * *", "job": {"type": NOOP}}
    path = f"/v1/timetables/{ask(services, 'POST', '/v1/timetables', body)['timetable_id']}"
    ask(services, "PATCH", path, {"job": {"type": NOOP, "name": "changed"}})
    assert ask(services, "POST", f"{path}/run")["outcome"] == "submitted"
    assert len(ask(services, "GET", f"{path}/runs")["runs"]) == 1
    ask(services, "DELETE", path)
    assert not world.admin.timetables.page(limit=9).timetables


API_PROBES = (
    tells_statistics,  # first, because a submission goes on without the usual run times
    takes_a_job,
    takes_a_large_job,
    keeps_a_webhook,
    takes_a_job_with_a_share,
    grants_a_role,
    takes_a_job_for_the_freer_pool,
    takes_a_job_after_another,
    takes_a_job_after_two,
    takes_a_workflow,
    goes_on_with_a_workflow,
    shows_a_workflow,
    lists_workflows,
    shows_a_graph_and_its_states,
    shows_a_job,
    says_why_a_job_waits,
    forecasts_a_workflow_and_a_job,
    says_what_a_job_and_a_workflow_cost,
    shows_what_is_around_a_job,
    lists_jobs,
    cancels_a_job,
    stops_what_waits_for_a_job,
    amends_a_job,
    reruns_a_job_with_new_parameters,
    holds_jobs_and_workflows,
    ends_a_job_by_hand,
    finishes_a_job_outside,
    acts_on_many_jobs,
    shows_pools,
    sets_rules,
    shows_rules,
    groups_failures_and_mutes_a_group,
    lists_workers,
    shows_a_worker,
    drains_a_worker,
    keeps_what_a_new_job_needs,
    records_an_act_and_shows_it,
    shows_what_a_job_printed,
    says_what_is_alive,
    waits_for_an_end,
    makes_and_removes_a_timetable,
)
