"""docs/reference/queries.md: each question about jobs is answered by its route as the page says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tests.harness.functions.api_calls import NOW_MS, Api, read_event
from tidegate.contracts.routes import ROUTES
from tidegate.contracts.times import to_wire
from tidegate.domain.dependency import Dependency
from tidegate.domain.job import HistoryEntry, Job, JobFailure, JobInput
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, HOUR_MS, Counted, Span, floor_to
from tidegate.domain.submission import Phase, Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement

WORKFLOW = "01JD3V8Q5S2Y6W9K4M7N0P1R2T"
PER_STATE = 4
RUN_MS = 9_000_000  # two and a half hours: two of the RUNNING jobs run longer
Row = Mapping[str, Any]


@pytest.fixture
def api() -> Api:
    """Makes jobs of every state; some waited long, some belong to one workflow, worker or team."""
    api = Api()
    submission = Submission(
        submission_id=WORKFLOW, phase=Phase.COMPLETE, job_count=40, fingerprint="f", created_at_ms=NOW_MS
    )
    api.services.submissions.begin_if_absent(submission)
    midnight_ms = floor_to(NOW_MS, DAY_MS)
    runs = Rollup({"tidegate.noop": Figures(succeeded=200, run=histogram_of([RUN_MS] * 200))})
    counted = Counted(midnight_ms - DAY_MS, midnight_ms, runs)
    api.services.statistics.put("lambda", Span.DAY, counted, expires_at_s=0)
    for place, state in enumerate(State):
        for number in range(PER_STATE):
            at_ms = NOW_MS - number * HOUR_MS
            waits = state is State.PENDING
            api.world.put_new(
                Job(
                    job_id=f"{WORKFLOW}.{place * PER_STATE + number}" if number % 2 else f"{state}{number}",
                    state=state,
                    type="tidegate.noop",
                    pool="ecs",
                    name="nightly load" if number == 1 else None,
                    priority=100 + number,
                    tags={"team": "data"} if number == 2 else {},
                    created_at_ms=at_ms - HOUR_MS,
                    due_at_ms=at_ms,
                    ready_at_ms=at_ms,
                    queued_at_ms=at_ms,
                    started_at_ms=at_ms - HOUR_MS,
                    finished_at_ms=at_ms if state in TERMINAL else None,
                    estimated_duration_seconds=60 if number else None,
                    finish_by_ms=NOW_MS + (number + 15) * HOUR_MS if number else None,
                    judgements=(Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.25),) if number else (),
                    worker_id=f"ecs-{number}",
                    failure=JobFailure("worker-lost", "") if state is State.FAILED and number else None,
                    input=JobInput({}, (Dependency(f"{WORKFLOW}.0"),) if waits else ()),
                    dependency_count=int(waits),
                    waiting_on=frozenset({0}) if waits else frozenset(),
                    history=(HistoryEntry(at_ms, state, 1, "test"),),
                )
            )
    return api


def _asked() -> dict[str, str]:
    """Returns the parameters of each question, as the page has them."""
    rows = table_rows(read_document("reference/queries.md"), "question")
    routes = {row[0]: row[1].strip("`").removeprefix("GET ") for row in rows}
    return {question: route for question, route in routes.items() if route.startswith("/v1/jobs?")}


def _states_of_command(question: str) -> set[State]:
    """Returns the states that the command of a question asks for: all where it names none."""
    rows = table_rows(read_document("reference/queries.md"), "question")
    named = {row[0]: re.findall(r"--state ([A-Z_]+)", row[2]) for row in rows}[question]
    return {State(state) for state in named or State}


def _jobs(api: Api, route: str) -> list[Row]:
    """Returns the jobs of all pages."""
    found: list[Row] = []
    given = parse_qs(urlsplit(route).query) | {"limit": ["3"]}
    for _ in range(100):
        event = read_event("api-list-jobs") | {
            "queryStringParameters": {name: values[-1] for name, values in given.items()},
            "multiValueQueryStringParameters": given,
        }
        answer = api.send(event)
        assert answer.status == 200, answer.body
        found += answer.body["jobs"]
        if answer.body["cursor"] is None:
            return found
        given["cursor"] = [answer.body["cursor"]]
    pytest.fail("the listing goes on for ever")


DAY = ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")
ANSWERS: dict[str, Callable[[Row], bool]] = {
    "jobs by state and priority": lambda job: job["state"] in ("PENDING", "SCHEDULED"),
    "READY jobs, most urgent first": lambda job: job["state"] == "READY",
    "jobs that a worker runs": lambda job: job["state"] == "RUNNING" and job["worker"] == "ecs-1",
    "jobs that a worker ran": lambda job: (
        job["state"] in ("SUCCEEDED", "FAILED", "TIMED_OUT") and job["worker"] == "ecs-1"
    ),
    "jobs that run longer than their estimate": lambda job: (
        job["state"] == "RUNNING" and job["estimated_duration_seconds"] is not None
    ),
    "jobs that run longer than 99 % of their type did": lambda job: (
        job["state"] == "RUNNING" and job["worker"] in ("ecs-2", "ecs-3")
    ),
    "jobs that ran longer than their estimate": lambda job: (
        job["state"] == "SUCCEEDED" and job["estimated_duration_seconds"] is not None
    ),
    "jobs that ought to have ended by a time and have not": lambda job: (
        job["finish_by"] is not None and job["finish_by"] <= DAY[1] and State(job["state"]) not in TERMINAL
    ),
    "jobs whose time to finish by is at risk": lambda job: (
        job["judgement"] is not None
        and job["judgement"]["verdict"] == "at-risk"
        and State(job["state"]) not in TERMINAL
    ),
    "jobs that have waited for more than an hour": lambda job: (
        job["state"] in ("PENDING", "SCHEDULED", "READY", "QUEUED") and job["priority"] >= 102
    ),
    "jobs whose dependencies are all satisfied": lambda job: job["state"] in ("READY", "SCHEDULED"),
    "jobs with unsatisfied dependencies": lambda job: (
        job["state"] == "PENDING" and job["waiting_on_count"] > 0
    ),
    "everything that ended in a time range": lambda job: (
        job["state"] in ("FAILED", "TIMED_OUT", "SUCCEEDED") and DAY[0] <= job["finished_at"] <= DAY[1]
    ),
    "failures with one code": lambda job: (
        job["state"] == "FAILED" and job["error"] is not None and job["error"]["code"] == "worker-lost"
    ),
    "jobs of one failure group": lambda job: (
        job["state"] == "FAILED" and job["error"] is not None and job["error"]["code"] == "worker-lost"
    ),
    "jobs of one team": lambda job: job["tags"] == {"team": "data"} and State(job["state"]) not in TERMINAL,
    "jobs of one workflow that wait for something": lambda job: (
        job["workflow_id"] == WORKFLOW and job["state"] == "PENDING"
    ),
    "jobs by the beginning of their name": lambda job: job["name"] == "nightly load",
}


@pytest.mark.parametrize("question", sorted({*_asked(), *ANSWERS}))
def test_each_question_is_answered(api: Api, question: str) -> None:
    everything = _jobs(api, "/v1/jobs?state=ALL")
    assert len(everything) == len(State) * PER_STATE
    found = _jobs(api, _asked()[question])
    expected = [job["job_id"] for job in everything if ANSWERS[question](job)]
    assert sorted(job["job_id"] for job in found) == sorted(expected)
    assert expected, "the question has an answer"
    assert {State(job["state"]) for job in found} <= _states_of_command(question), (
        "the command leaves out states"
    )
    if "order=priority" in _asked()[question]:
        by_state = [(job["state"], -job["priority"]) for job in found]
        assert by_state == sorted(by_state)
    if "order=time" in _asked()[question]:
        assert [job["finished_at"] for job in found] == sorted(
            (job["finished_at"] for job in found), reverse=True
        )


def test_each_route_of_the_page_is_a_route_that_takes_these_parameters() -> None:
    page = read_document("reference/queries.md")
    rows = [row for table in (0, 1) for row in table_rows(page, "question", table=table)]
    assert len(rows) > 25
    known = {f"{route.method} {route.path}": route for route in ROUTES}
    for question, text, *_ in rows:
        named, _, query = text.split("`")[1].partition("?")
        assert named in known, f"{question}: there is no route {named}"
        wrong = parse_qs(query).keys() - {each.name for each in known[named].parameters}
        assert not wrong, f"{question}: {named} takes no {wrong}"


def test_a_row_says_when_its_job_last_changed(api: Api) -> None:
    (job,) = _jobs(api, "/v1/jobs?state=CANCELLED&worker=ecs-0")
    assert job["updated_at"] == to_wire(NOW_MS)
