"""Timetables over the API: bodies, bounds, owners, audit, and answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.determined import StandingClock
from tests.harness.functions.api_calls import ANN, NOW_MS, Api, operators
from tidegate.domain import limits
from tidegate.domain.states import State
from tidegate.usecases.timetables.run_due import run_due_timetables

BEN = "arn:aws:iam::123456789012:user/ben"
MINUTE_MS = 60_000
DAY_MS = 86_400_000
JOB = {"type": "tidegate.sleep", "parameters": {"seconds": 1}}
NIGHTLY = {"name": "nightly", "cron": "30 2 * * *", "zone": "Europe/Berlin", "job": JOB}
FLOW = {"jobs": [{"key": "a", "type": "tidegate.noop"}]}
Body = dict[str, Any]


@pytest.fixture
def api() -> Api:
    return Api()


def make(api: Api, arn: str = ANN, **changes: object) -> str:
    answer = api.call("POST", "/v1/timetables", {**NIGHTLY, **changes}, arn=arn)
    assert answer.status == 201, answer.body
    return f"/v1/timetables/{answer.body['timetable_id']}"


def minutely(api: Api, arn: str = ANN, **changes: object) -> str:
    return make(api, arn, cron=None, zone=None, every_seconds=60, **changes)


def reap(api: Api, now_ms: int) -> None:
    run_due_timetables(api.services, now_ms)
    api.world.now_ms = now_ms
    api.deps = replace(api.deps, clock=StandingClock(now_ms))


def runs(api: Api, path: str) -> list[Body]:
    found: list[Body] = api.call("GET", f"{path}/runs").body["runs"]
    return found


def test_a_timetable_is_answered_as_it_was_made(api: Api) -> None:
    answer = api.call("POST", "/v1/timetables", NIGHTLY)
    path = f"/v1/timetables/{answer.body['timetable_id']}"
    assert (answer.status, answer.headers["Location"]) == (201, path)
    assert {**answer.body, **NIGHTLY} == answer.body
    assert (answer.body["state"], answer.body["submitted_by"]) == ("ACTIVE", ANN)
    assert answer.body["next_at"] == "2026-12-02T01:30:00.000Z"
    assert api.call("GET", path).body == answer.body
    row = {name: value for name, value in answer.body.items() if name not in ("job", "workflow")}
    assert api.call("GET", "/v1/timetables").body == {"timetables": [row], "cursor": None}


def test_the_same_key_and_body_make_one_timetable(api: Api) -> None:
    first = api.call("POST", "/v1/timetables", NIGHTLY, key="k")
    again = api.call("POST", "/v1/timetables", NIGHTLY, key="k")
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert api.call("POST", "/v1/timetables", {**NIGHTLY, "name": "other"}, key="k").status == 409
    assert len(api.world.timetables) == len(api.world.templates) == len(api.world.due_notes) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": None}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "0 0 * * * *"}, "cron"),
        ({"cron": 5}, "cron"),
        ({"cron": "*" * 101}, "cron"),
        ({"zone": "Europe/Berln"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"every_seconds": 3_600}, "every_seconds"),
        ({"cron": None, "zone": None, "every_seconds": 59}, "every_seconds"),
        ({"cron": None, "zone": None, "every_seconds": 60, "anchor": "1990-01-01T00:00:00Z"}, "anchor"),
        ({"anchor": "2026-12-01T08:00:00Z"}, "anchor"),
        ({"job": None}, "job"),
        ({"workflow": FLOW}, "workflow"),
        ({"job": None, "workflow": {"name": "x"}}, "workflow.jobs"),
        ({"job": FLOW}, "job.jobs"),
        ({"job": {"type": "tidegate.none"}}, "job.type"),
        ({"job": {**JOB, "priority": 0}}, "job.priority"),
        ({"job": {**JOB, "pool": "moon"}}, "job.pool"),
        ({"job": {**JOB, "not_before": "2026-12-02T08:00:00Z"}}, "job.not_before"),
        ({"job": {**JOB, "finish_by": "2026-12-02T08:00:00Z"}}, "job.finish_by"),
        ({"job": {**JOB, "parameters": {"seconds": "${now}"}}}, "job.parameters.seconds"),
        ({"job": {**JOB, "namespace": "theirs"}}, "job.namespace"),
        ({"start": "2028-12-01T08:00:00Z"}, "start"),
        ({"end": "2026-12-01T08:00:00Z"}, "end"),
        ({"start": "2026-12-05T08:00:00Z", "end": "2026-12-04T08:00:00Z"}, "end"),
        ({"end": "2026-12-01T09:00:00Z"}, "cron"),
        ({"jitter_seconds": 3_601}, "jitter_seconds"),
        ({"cron": "*/5 * * * *", "jitter_seconds": 300}, "jitter_seconds"),
        ({"missed": "some"}, "missed"),
        ({"grace_seconds": 59}, "grace_seconds"),
        ({"overlap": "queue"}, "overlap"),
        ({"paused": "yes"}, "paused"),
        ({"every": 5}, "every"),
    ],
)
def test_a_bad_timetable_is_refused_by_its_field_and_nothing_is_written(changes: Body, field: str) -> None:
    api = Api(with_operator=False)
    body = {name: value for name, value in {**NIGHTLY, **changes}.items() if value is not None}
    before = api.contents()
    answer = api.call("POST", "/v1/timetables", body)
    assert (answer.status, answer.fields) == (422, [field]), answer.body
    assert (api.world.timetables, api.world.templates, api.world.due_notes) == ({}, {}, {})
    assert api.contents() == before


def test_a_template_may_not_be_larger_than_its_item(api: Api) -> None:
    large = {"key": "a", "type": "tidegate.noop", "description": "x" * 400}
    jobs = [{**large, "key": str(number)} for number in range(limits.MAX_TIMETABLE_TEMPLATE_BYTES // 450 + 9)]
    body = {**NIGHTLY, "job": None, "workflow": {"jobs": jobs}}
    answer = api.call("POST", "/v1/timetables", {k: v for k, v in body.items() if v is not None})
    assert (answer.status, answer.fields) == (422, ["workflow"])


def test_there_are_as_many_timetables_as_the_limits_say(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_TIMETABLES_PER_CALLER", 1)
    monkeypatch.setattr(limits, "MAX_TIMETABLES", 2)
    make(api)
    answer = api.call("POST", "/v1/timetables", NIGHTLY)
    assert answer.message("name") == "would be one timetable too many: you have 1; remove another first"
    make(api, BEN)
    answer = api.call("POST", "/v1/timetables", NIGHTLY, arn="arn:aws:iam::123456789012:user/cy")
    assert answer.message("name") == "would be one timetable too many: there are 2; remove another first"


def test_a_caller_with_another_name_of_its_session_has_no_further_timetables(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_TIMETABLES_PER_CALLER", 1)
    make(api, "arn:aws:sts::123456789012:assumed-role/nightly/one")
    second = api.call(
        "POST", "/v1/timetables", NIGHTLY, arn="arn:aws:sts::123456789012:assumed-role/nightly/two"
    )
    assert (second.status, second.fields) == (422, ["name"])


def test_a_run_puts_the_scheduled_time_into_the_parameters(api: Api) -> None:
    listed = {"key": "a", "type": "text.list_packages", "parameters": {"source": "/${scheduled_date}"}}
    daily = {"cron": "0 0 * * *", "zone": "Asia/Tokyo", "workflow": {"jobs": [listed]}}
    assert api.call("POST", "/v1/timetables", daily).status == 201
    reap(api, NOW_MS + 7 * 3_600_000)
    (job,) = api.world.jobs.values()
    assert job.input is not None
    assert job.input.parameters == {"source": "/2026-12-02"}


def test_runs_come_with_the_states_of_their_jobs(api: Api) -> None:
    path = minutely(api, overlap="skip")
    reap(api, NOW_MS + MINUTE_MS)
    reap(api, NOW_MS + 2 * MINUTE_MS)
    skipped, submitted = runs(api, path)
    assert (skipped["outcome"], skipped["job_id"], skipped["state"]) == ("skipped", None, None)
    assert (submitted["outcome"], submitted["state"], submitted["cause"]) == (
        "submitted",
        "READY",
        "timetable",
    )
    api.call("POST", f"/v1/jobs/{submitted['job_id']}/cancel")
    assert runs(api, path)[1]["state"] == "CANCELLED"
    assert api.call("GET", path).body["last_run"] == skipped
    reap(api, NOW_MS + 3 * MINUTE_MS)
    assert runs(api, path)[0]["outcome"] == "submitted"


def test_runs_of_a_workflow_name_it_and_its_state(api: Api) -> None:
    path = minutely(api, job=None, workflow=FLOW)
    reap(api, NOW_MS + MINUTE_MS)
    (run,) = runs(api, path)
    assert (run["job_id"], run["state"]) == (None, "RUNNING")
    assert api.call("GET", f"/v1/workflows/{run['workflow_id']}").body["submitted_by"] == ANN


@pytest.mark.parametrize("overlap", ["allow", "skip", "cancel"])
def test_a_run_that_has_not_ended_meets_the_next_one(api: Api, overlap: str) -> None:
    path = minutely(api, overlap=overlap)
    for minute in (1, 2, 3):
        reap(api, NOW_MS + minute * MINUTE_MS)
    states = [(run["outcome"], run["state"]) for run in runs(api, path)]
    assert (
        states
        == {
            "allow": [("submitted", "READY")] * 3,
            "skip": [("skipped", None), ("skipped", None), ("submitted", "READY")],
            "cancel": [("submitted", "READY"), ("submitted", "CANCELLED"), ("submitted", "CANCELLED")],
        }[overlap]
    )


@pytest.mark.parametrize(
    ("overlap", "outcomes"), [("skip", ["skipped", "submitted"]), ("cancel", ["submitted"] * 2)]
)
def test_a_run_by_hand_that_has_ended_hides_no_earlier_one(
    api: Api, overlap: str, outcomes: list[str]
) -> None:
    path = minutely(api, overlap=overlap)
    reap(api, NOW_MS + MINUTE_MS)
    (first,) = runs(api, path)
    api.deps = replace(api.deps, clock=StandingClock(NOW_MS + MINUTE_MS + 10_000))
    by_hand = api.call("POST", f"{path}/run").body["job_id"]
    api.call("POST", f"/v1/jobs/{by_hand}/cancel")
    reap(api, NOW_MS + 2 * MINUTE_MS)
    shown = runs(api, path)
    assert [each["outcome"] for each in shown if each["cause"] == "timetable"] == outcomes
    assert (api.job(first["job_id"]).state is State.READY) == (overlap == "skip")
    for job_id in filter(None, (each["job_id"] for each in shown)):
        api.call("POST", f"/v1/jobs/{job_id}/cancel")
    reap(api, NOW_MS + 3 * MINUTE_MS)
    assert runs(api, path)[0]["outcome"] == "submitted"


def test_a_refused_run_stands_in_the_history_and_the_next_one_is_tried(api: Api) -> None:
    api.call("PUT", "/v1/pools/lambda/shares/data", {"weight": 1})
    path = minutely(api, job={**JOB, "share": "data"}, arn=BEN)
    api.call("DELETE", "/v1/pools/lambda/shares/data")
    reap(api, NOW_MS + MINUTE_MS)
    (run,) = runs(api, path)
    assert (run["outcome"], run["code"], run["job_id"]) == ("refused", "invalid-request", None)
    assert "share" in run["message"]
    api.call("PUT", "/v1/pools/lambda/shares/data", {"weight": 1})
    reap(api, NOW_MS + 2 * MINUTE_MS)
    assert [run["outcome"] for run in runs(api, path)] == ["submitted", "refused"]


def test_a_change_keeps_what_it_does_not_name(api: Api) -> None:
    path = make(api)
    before = api.call("GET", path).body
    after = api.call("PATCH", path, {"cron": "0 7 * * *", "overlap": "skip"}).body
    assert (after["zone"], after["job"], after["version"]) == ("Europe/Berlin", JOB, 2)
    assert after["next_at"] == "2026-12-02T06:00:00.000Z"
    after = api.call("PATCH", path, {"name": None, "workflow": FLOW}).body
    assert (after["name"], after["kind"], after["job"], after["workflow"]) == (None, "workflow", None, FLOW)
    assert before["timetable_id"] == after["timetable_id"]
    assert len(api.world.templates) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"cron": None}, "cron"),
        ({"job": None}, "job"),
        ({"anchor": "2026-12-01T08:00:00Z"}, "anchor"),
        ({"paused": True}, "paused"),
        ({"zone": "Moon/Sea"}, "zone"),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(api: Api, body: Body, field: str) -> None:
    path = make(api)
    before = dict(api.world.timetables)
    answer = api.call("PATCH", path, body)
    assert (answer.status, answer.fields) == (422, [field])
    assert api.world.timetables == before


def test_a_pause_holds_the_times_and_a_resumption_passes_over_them(api: Api) -> None:
    path = minutely(api, missed="all")
    assert api.call("POST", f"{path}/pause").body["state"] == "PAUSED"
    assert api.call("POST", f"{path}/pause").body["version"] == 2, "a repeated pause changes nothing"
    reap(api, NOW_MS + 5 * MINUTE_MS)
    assert runs(api, path) == []
    assert api.world.due_notes == {}
    resumed = api.call("POST", f"{path}/resume").body
    assert (resumed["state"], resumed["next_at"]) == ("ACTIVE", "2026-12-01T08:06:00.000Z")
    reap(api, NOW_MS + 6 * MINUTE_MS)
    assert len(runs(api, path)) == 1


def test_a_timetable_ends_after_its_last_time(api: Api) -> None:
    path = minutely(api, end="2026-12-01T08:02:00Z")
    for minute in (1, 2, 3):
        reap(api, NOW_MS + minute * MINUTE_MS)
    assert len(runs(api, path)) == 2
    assert (api.call("GET", path).body["state"], api.world.due_notes) == ("ENDED", {})


def test_a_run_by_hand_goes_beside_the_scheduled_ones(api: Api) -> None:
    path = make(api)
    first = api.call("POST", f"{path}/run", key="k")
    again = api.call("POST", f"{path}/run", key="k")
    assert (first.status, again.status, first.body) == (201, 200, again.body)
    assert (first.body["cause"], first.body["state"]) == ("manual", "READY")
    assert api.call("POST", f"{path}/run").body["job_id"] != first.body["job_id"]
    assert len(api.world.jobs) == 2


PAST = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-30T00:00:00Z"}


def test_a_backfill_is_counted_then_submits_each_time_once(api: Api) -> None:
    path = make(api)
    count = api.call("GET", f"{path}/backfill", query=PAST).body
    assert (count["count"], count["more"], count["submitted"]) == (10, False, 0)
    assert (count["first"], count["last"]) == ("2026-11-20T01:30:00.000Z", "2026-11-29T01:30:00.000Z")
    done = api.call("POST", f"{path}/backfill", PAST).body
    assert (len(done["runs"]), done["already"], done["next_from"]) == (10, 0, None)
    again = api.call("POST", f"{path}/backfill", PAST).body
    assert (again["runs"], again["already"], len(api.world.jobs)) == ([], 10, 10)
    assert api.call("GET", f"{path}/backfill", query=PAST).body["submitted"] == 10


def test_a_long_backfill_says_where_it_goes_on(api: Api) -> None:
    path = make(api, cron="0 * * * *")
    given, calls = dict(PAST), 0
    while given["from"]:
        done = api.call("POST", f"{path}/backfill", given).body
        assert len(done["runs"]) <= limits.MAX_TIMETABLE_RUNS
        given["from"], calls = done["next_from"], calls + 1
    assert (calls, len(api.world.jobs)) == (3, 240)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"to": "2026-12-01T08:01:01Z"}, "to"),
        ({"from": PAST["to"]}, "from"),
        ({"from": "2010-11-20T00:00:00Z"}, "from"),
    ],
)
def test_a_range_that_is_no_past_one_is_refused(api: Api, changes: dict[str, str], field: str) -> None:
    path = f"{make(api)}/backfill"
    assert api.call("POST", path, {**PAST, **changes}).fields == [field]
    assert api.call("GET", path, query={**PAST, **changes}).fields == [field]
    assert not api.world.jobs


def test_the_next_times_come_with_the_clock_of_the_zone(api: Api) -> None:
    path = make(api)
    found = api.call("GET", f"{path}/next", query={"count": "2"}).body
    assert found["zone"] == "Europe/Berlin"
    assert [each["local"] for each in found["times"]] == [
        "2026-12-02T02:30:00+01:00",
        "2026-12-03T02:30:00+01:00",
    ]
    for count in ("0", "101", "x", "-1", "1e3"):
        assert api.call("GET", f"{path}/next", query={"count": count}).fields == ["count"]


def test_only_the_owner_and_operators_act_on_a_timetable() -> None:
    api = Api(with_operator=False)
    path = make(api)
    acts: list[tuple[str, str, Body | None]] = [
        ("PATCH", path, {"name": "mine"}),
        ("POST", f"{path}/pause", None),
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/run", None),
        ("POST", f"{path}/backfill", PAST),
        ("DELETE", path, None),
    ]
    before = dict(api.world.timetables)
    for method, act, body in acts:
        answer = api.call(method, act, body, arn=BEN)
        assert (answer.status, answer.body["type"].rpartition(":")[2]) == (403, "not-yours")
    assert (api.world.timetables, api.world.jobs) == (before, {})
    assert api.call("GET", path, arn=BEN).status == 200
    api.world.grants = operators(BEN)
    for method, act, body in acts:
        assert api.call(method, act, body, arn=BEN).status in (200, 201)
    assert {job.submitted_by for job in api.world.jobs.values()} == {ANN}, "runs are made in the owner's name"


def test_a_template_is_checked_with_the_rights_of_its_owner(api: Api) -> None:
    path = make(api, BEN)
    theirs = {**JOB, "namespace": "theirs"}
    assert api.call("PATCH", path, {"job": theirs}, arn=ANN).fields == ["job.namespace"]
    assert api.call("PATCH", make(api), {"job": theirs}, arn=ANN).status == 200, "an operator may use any"


def test_each_act_is_recorded_without_the_template(api: Api) -> None:
    secret = {"type": "tidegate.sleep", "parameters": {"seconds": 0.125}}
    path = make(api, job=secret)
    api.call("PATCH", path, {"overlap": "skip", "job": secret})
    for act in ("pause", "resume", "run"):
        api.call("POST", f"{path}/{act}")
    api.call("POST", f"{path}/backfill", PAST)
    api.call("DELETE", path)
    acts = sorted(api.world.acts.values(), key=lambda act: act.act_id)
    names = [act.act for act in acts]
    assert sorted(names) == sorted(
        f"timetable.{each}" for each in ("create", "change", "pause", "resume", "run", "backfill", "remove")
    )
    (change,) = [act for act in acts if act.act == "timetable.change"]
    assert (change.before["overlap"], change.after["overlap"]) == ("allow", "skip")
    assert "0.125" not in json.dumps([dict(act.before) | dict(act.after) for act in acts])


def test_a_removed_timetable_is_gone_with_its_template(api: Api) -> None:
    path = make(api)
    assert api.call("DELETE", path).status == 200
    assert api.call("GET", path).status == 404
    assert (api.world.timetables, api.world.templates) == ({}, {})
    assert api.call("DELETE", path).status == 404


def test_lists_come_in_pages_and_by_caller(api: Api) -> None:
    mine = {make(api) for _ in range(3)}
    make(api, BEN)
    found: set[str] = set()
    query: dict[str, str] = {"limit": "2", "submitted_by": ANN}
    for _ in range(3):
        page = api.call("GET", "/v1/timetables", query=query).body
        found |= {f"/v1/timetables/{row['timetable_id']}" for row in page["timetables"]}
        if page["cursor"] is None:
            break
        query["cursor"] = page["cursor"]
    assert found == mine
    assert api.call("GET", "/v1/timetables", query={"cursor": "AAAA"}).fields == ["cursor"]


def test_overlap_leaves_the_runs_of_a_backfill_alone(api: Api) -> None:
    path = minutely(api, overlap="cancel")
    api.call("POST", f"{path}/pause")
    reap(api, NOW_MS + 5 * MINUTE_MS)
    api.call("POST", f"{path}/resume")
    span = {"from": "2026-12-01T08:01:00Z", "to": "2026-12-01T08:05:00Z"}
    assert len(api.call("POST", f"{path}/backfill", span).body["runs"]) == 4
    reap(api, NOW_MS + 6 * MINUTE_MS)
    assert [each["state"] for each in runs(api, path)] == ["READY"] * 5
    reap(api, NOW_MS + 7 * MINUTE_MS)
    assert [each["state"] for each in runs(api, path)] == ["READY", "CANCELLED", *["READY"] * 4]


def test_a_backfill_up_to_now_by_a_clock_that_is_ahead_takes_past_times_alone(api: Api) -> None:
    path = minutely(api)
    span = {"from": "2026-12-01T07:58:00Z", "to": "2026-12-01T08:00:59Z"}
    counted = api.call("GET", f"{path}/backfill", query=span)
    assert (counted.status, counted.body["count"]) == (200, 2)
    taken = api.call("POST", f"{path}/backfill", span).body
    assert [each["scheduled_at"][11:16] for each in taken["runs"]] == ["07:58", "07:59"]
    assert taken["next_from"] is None
    late = api.call("POST", f"{path}/backfill", {**span, "to": "2026-12-01T08:01:01Z"})
    assert (late.status, late.fields) == (422, ["to"])


def test_a_change_that_would_pause_says_which_call_does(api: Api) -> None:
    answer = api.call("PATCH", make(api), {"paused": True})
    assert answer.message("paused") == "is not changed here; send POST to /pause or /resume of the timetable"


def test_a_timetable_that_has_ended_can_get_another_name(api: Api) -> None:
    path = make(api, end="2026-12-02T02:00:00Z")
    reap(api, NOW_MS + 2 * DAY_MS)
    assert api.call("GET", path).body["state"] == "ENDED"
    answer = api.call("PATCH", path, {"name": "the old one", "overlap": "skip"})
    assert (answer.status, answer.body["name"], answer.body["state"]) == (200, "the old one", "ENDED")
    assert api.call("PATCH", path, {"cron": "0 7 * * *"}).fields == ["end"]
    assert api.call("PATCH", path, {"end": None}).body["state"] == "ACTIVE"
