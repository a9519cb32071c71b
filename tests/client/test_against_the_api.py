"""Both clients against the real API over a deployment in memory, whose workers run real job code."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import httpx
import pytest

import tidegate_client as tg
from tests.harness.examples.world import Deployment
from tidegate_client.models.jobs import Reopening

JOB = {"type": "tidegate.sleep", "parameters": {"seconds": 1}}
UNKNOWN = "01KATDPGZ8M5B6W2Y3Q7RVXN4C"


@pytest.fixture
def transport() -> httpx.MockTransport:
    """Hands each request to the API's function."""
    deployment = Deployment()

    def answer(request: httpx.Request) -> httpx.Response:
        found = deployment.answer(
            request.method, request.url.raw_path.decode(), request.headers, request.content.decode()
        )
        return httpx.Response(found.status, headers=found.headers, content=json.dumps(found.body).encode())

    return httpx.MockTransport(answer)


@pytest.fixture
def client(transport: httpx.MockTransport) -> tg.Client:
    return tg.Client("https://api.test", transport=transport, sleep=lambda _seconds: None)


def _nightly() -> tg.Workflow:
    with tg.Workflow("nightly") as workflow:
        extract = workflow.job("extract", "tidegate.sleep", parameters={"seconds": 1}, tags={"team": "data"})
        load = workflow.job("load", "tidegate.sleep", parameters={"seconds": 1}, after=extract)
        workflow.job("report", "tidegate.sleep", parameters={"seconds": 1}, after_end=[extract, load])
    return workflow


def test_a_job_is_submitted_once_and_waited_for(client: tg.Client) -> None:
    first = client.submit_job(JOB, idempotency_key="k")
    assert client.submit_job(JOB, idempotency_key="k").id == first.id
    ended = client.wait_job(first.id)
    assert (ended.job_id, ended.state, ended.has_succeeded) == (first.id, tg.State.SUCCEEDED, True)
    assert ended.parameters == {"seconds": 1}
    assert [step.state for step in ended.history][-1] == tg.State.SUCCEEDED


def test_a_job_is_followed_through_its_states(client: tg.Client) -> None:
    accepted = client.submit_job(JOB)
    states = [job.state for job in client.follow_job(accepted.id)]
    assert states[-1] == tg.State.SUCCEEDED
    assert len(states) == len(set(states))


def test_every_question_about_a_workflow_gets_a_typed_answer(client: tg.Client) -> None:
    client.pause_pool("lambda")
    accepted = client.submit_workflow(_nightly())
    report = accepted.job_ids["report"]
    assert client.why(report).facts[0].code == "upstream"
    assert {each.job_id for each in client.dependencies(report)} == {
        accepted.job_ids[key] for key in ("extract", "load")
    }
    assert [each.job_id for each in client.dependents(accepted.job_ids["load"])] == [report]
    assert len(client.chain(report, direction="up").jobs) == 3
    assert client.forecast_job(report).notes[0].code == "pool-paused"
    assert client.forecast_workflow(accepted.id).jobs_left == 3
    assert client.what_if({"about": [accepted.id], "slots": {"lambda": 4}}).workflows[0].then is None
    assert client.get_job_cost(report).useful.write_units > 0
    assert client.get_workflow_cost(accepted.id, limit=2).cursor is not None
    assert client.get_graph(accepted.id).keys == ("extract", "load", "report")
    client.resume_pool("lambda")
    client.wait_job(report)
    assert [job.key for job in client.list_workflow_jobs(accepted.id, page_size=2)] == [
        "extract",
        "load",
        "report",
    ]
    assert {job.state for job in client.list_jobs(state="ALL", tag=["team=data"])} == {tg.State.SUCCEEDED}
    assert client.get_workflow(accepted.id).name == "nightly"
    assert client.get_job(report).depends_on[0].type == "MUST_COMPLETE"


def test_a_workflow_is_followed_to_its_end(client: tg.Client) -> None:
    accepted = client.submit_workflow(_nightly())
    changes = list(client.follow_workflow(accepted.id))
    assert changes[-1].state == "SUCCEEDED"
    assert changes[-1].states == (tg.State.SUCCEEDED,) * 3
    assert client.wait_workflow(accepted.id).counts == {"SUCCEEDED": 3}
    assert client.get_critical_path(accepted.id).keys == ("extract", "load", "report")


def test_a_deployment_tells_what_it_is_made_of(client: tg.Client) -> None:
    (pool,) = client.list_pools()
    assert client.get_pool(pool.name).kind == "function"
    named = {each.type for each in client.list_types()}
    assert "tidegate.sleep" in named
    assert client.get_type("tidegate.sleep").deployed
    assert list(client.list_workers()) == []
    assert client.get_me().role == "operator"


def test_acts_of_operators_return_the_thing_as_it_is_then(client: tg.Client) -> None:
    assert client.pause_pool("lambda").paused
    assert not client.resume_pool("lambda").paused
    assert client.limit_type("tidegate.sleep", 3).max_running == 3
    assert client.limit_type("tidegate.sleep", None).max_running is None
    assert client.set_share("lambda", "batch", weight=3, max_priority=500).weight == 3
    assert [each.share for each in client.list_shares("lambda")] == ["batch"]
    assert client.remove_share("lambda", "batch").share == "batch"


def test_failures_are_grouped_and_muted(client: tg.Client) -> None:
    since = datetime(1970, 1, 2, tzinfo=UTC)
    assert client.list_failures(since=since, type="tidegate.sleep", muted=True).groups == ()
    muted = client.mute_failures("3f2a91c07b5d8e64")
    assert muted.muted
    assert muted.change is not None
    assert client.list_failures().mutes == {"3f2a91c07b5d8e64": muted.change}
    assert not client.unmute_failures("3f2a91c07b5d8e64").muted
    assert list(client.list_jobs(state="FAILED", failure="3f2a91c07b5d8e64")) == []


def test_jobs_and_workflows_are_put_on_hold_and_taken_off_it(client: tg.Client) -> None:
    client.pause_pool("lambda")
    job = client.submit_job(JOB).id
    held = client.hold_job(job)
    assert (held.state, held.on_hold) == (tg.State.SCHEDULED, True)
    freed = client.unhold_job(job)
    assert (freed.state, freed.on_hold) == (tg.State.READY, False)

    flow = client.submit_workflow(_nightly()).id
    first = client.hold_workflow(flow)
    assert (first.changed, first.same, first.complete, first.cursor) == (3, 0, True, None)
    assert client.hold_workflow(flow).same == 3
    assert all(each.on_hold for each in client.list_workflow_jobs(flow))
    wanted = tg.JobFilter(state="PENDING,SCHEDULED", workflow=flow)
    assert client.unhold_jobs(wanted, dry_run=True).done == 3
    assert client.unhold_jobs(wanted).done == 3
    assert client.hold_jobs(tg.JobFilter(state="PENDING", workflow=flow)).done == 2
    assert client.unhold_workflow(flow).changed == 2


def test_a_job_is_ended_by_hand(client: tg.Client) -> None:
    client.pause_pool("lambda")
    accepted = client.submit_workflow(_nightly())
    extract, load = accepted.job_ids["extract"], accepted.job_ids["load"]
    marked = client.mark_job(extract, state="SUCCEEDED", reason="loaded by hand")
    assert (marked.state, marked.reopening) == (
        tg.State.SUCCEEDED,
        Reopening(reopened=0, left_at_limit=0, left_without_upstream=0, complete=True),
    )
    client.resume_pool("lambda")
    assert client.wait_job(load).has_succeeded


def test_an_approval_is_given_and_another_refused(client: tg.Client) -> None:
    me = client.get_me().subject
    ids = []
    for title in ("Publish?", "Delete?"):
        body = {"type": "tidegate.approval", "parameters": {"title": title, "approvers": [me]}}
        ids.append(client.submit_job({**body, "max_retries": 0}).id)
    while any(client.get_job(each).outside is None for each in ids):
        pass  # each call lets virtual time pass
    approved, rejected = client.approve_job(ids[0], comment="checked"), client.reject_job(ids[1])
    assert (approved.has_succeeded, approved.result["by"], approved.outside) == (True, me, None)
    assert rejected.error is not None
    assert rejected.error.code == "rejected"
    with pytest.raises(tg.Conflict) as conflict:
        client.reject_job(ids[0])
    assert conflict.value.code == "not-outside"


def test_a_wrong_token_is_forbidden(client: tg.Client) -> None:
    job = client.submit_job(JOB).id
    for call in (client.finish_job, client.beat_job):
        with pytest.raises(tg.Forbidden):
            call(job, token="AAAA")
    with pytest.raises(tg.Forbidden):
        client.fail_job(job, token="AAAA", code="x", retry_after_seconds=5)


def test_a_graph_names_the_type_of_an_edge_to_an_earlier_job_if_it_is_unusual(client: tg.Client) -> None:
    earlier = client.submit_job(JOB).id
    after = [{"job_id": earlier}, {"job_id": earlier, "type": "MUST_COMPLETE"}]
    keys = ("usual", "unusual")
    flow = {
        "jobs": [{**JOB, "key": key, "depends_on": [each]} for key, each in zip(keys, after, strict=True)]
    }
    graph = client.get_graph(client.submit_workflow(flow).id)
    assert graph.outside == ((0, earlier), (1, earlier, "MUST_COMPLETE"))


def test_refusals_are_errors_of_their_kind(client: tg.Client) -> None:
    with pytest.raises(tg.NotFound):
        client.get_job(UNKNOWN)
    with pytest.raises(tg.NotFound):
        client.get_pool("ecs")
    with pytest.raises(tg.InvalidRequest) as raised:
        client.submit_job({**JOB, "priority": 5_000})
    assert [fault.field for fault in raised.value.faults] == ["priority"]
    ended = client.wait_job(client.submit_job(JOB, idempotency_key="k").id)
    with pytest.raises(tg.IdempotencyConflict):
        client.submit_job({**JOB, "priority": 7}, idempotency_key="k")
    with pytest.raises(tg.Conflict) as conflict:
        client.retry_job(ended.job_id)
    assert conflict.value.code == "not-retryable"


def test_the_async_client_does_many_things_at_once(transport: httpx.MockTransport) -> None:
    async def no_sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def main() -> list[tg.State | str]:
        async with tg.AsyncClient("https://api.test", transport=transport, sleep=no_sleep) as client:
            accepted = await asyncio.gather(*(client.submit_job(JOB) for _ in range(5)))
            ended = await asyncio.gather(*(client.wait_job(each.id) for each in accepted))
            listed = [job.job_id async for job in client.list_jobs(state="SUCCEEDED", page_size=2)]
            assert sorted(listed) == sorted(each.id for each in accepted)
            return [job.state for job in ended]

    assert asyncio.run(main()) == [tg.State.SUCCEEDED] * 5


def test_a_timetable_is_made_run_backfilled_and_removed(client: tg.Client) -> None:
    made = client.create_timetable(
        {
            "cron": "0 6 * * *",
            "zone": "Europe/Berlin",
            "workflow": _nightly(),
            "start": datetime(2027, 1, 1, tzinfo=UTC),
        },
        idempotency_key="k",
    )
    assert made.state == "ACTIVE"
    assert made.workflow is not None
    assert (
        client.create_timetable(
            {
                "cron": "0 6 * * *",
                "zone": "Europe/Berlin",
                "workflow": _nightly(),
                "start": datetime(2027, 1, 1, tzinfo=UTC),
            },
            idempotency_key="k",
        ).timetable_id
        == made.timetable_id
    )
    (first, second) = client.next_runs(made.timetable_id, count=2).times
    assert (first.local, second.local) == ("2027-01-16T06:00:00+01:00", "2027-01-17T06:00:00+01:00")
    run = client.run_timetable(made.timetable_id)
    assert run.workflow_id is not None
    assert client.wait_workflow(run.workflow_id).state == "SUCCEEDED"
    since, until = datetime(2027, 1, 10, tzinfo=UTC), "2027-01-12T00:00:00Z"
    assert client.count_backfill(made.timetable_id, since, until).count == 2
    done = client.backfill(made.timetable_id, since, until)
    assert ([each.outcome for each in done.runs], done.next_from) == (["submitted"] * 2, None)
    assert [each.cause for each in client.list_runs(made.timetable_id, page_size=1)].count("backfill") == 2
    changed = client.change_timetable(
        made.timetable_id, {"job": JOB, "end": datetime(2028, 1, 1, tzinfo=UTC)}
    )
    assert (changed.kind, changed.workflow, changed.job) == ("job", None, JOB)
    assert client.pause_timetable(made.timetable_id).state == "PAUSED"
    assert client.resume_timetable(made.timetable_id).next_at == first.scheduled_at
    assert [each.timetable_id for each in client.list_timetables()] == [made.timetable_id]
    assert client.remove_timetable(made.timetable_id).timetable_id == made.timetable_id
    with pytest.raises(tg.NotFound):
        client.get_timetable(made.timetable_id)
