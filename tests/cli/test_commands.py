"""The command line as a whole: exit codes, JSON alone on standard output, one-line errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from tests.harness.cli.samples import WORKFLOW, client_of, job_json, workflow_json
from tidegate_cli import options
from tidegate_cli.commands.root import app

Answers = Mapping[tuple[str, str], httpx.Response | Sequence[httpx.Response]]
JOB = {"type": "tidegate.noop"}
FLOW = {"name": "flow", "jobs": [{"key": "k0", "type": "tidegate.noop"}]}
TASKS = {"specification": {"tasks": [{"id": "a"}]}}
TRACE = {"workflow": {**TASKS, "execution": {"tasks": [{"id": "a", "runtimeInSeconds": 5}]}}}
CANCEL_PATH = f"/live/v1/jobs/{WORKFLOW}.0/cancel"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers], list[httpx.Request]]:
    """Makes commands talk to an API that answers by method and path. Returns the list of its requests.

    A request with several answers gets them one after the other.
    """

    def install(answers: Answers) -> list[httpx.Request]:
        seen: list[httpx.Request] = []

        def handler(request: httpx.Request) -> httpx.Response:
            answer = answers[(request.method, request.url.path)]
            earlier = [
                one for one in seen if one.method == request.method and one.url.path == request.url.path
            ]
            seen.append(request)
            return answer if isinstance(answer, httpx.Response) else answer[len(earlier)]

        monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
        monkeypatch.setenv("TIDEGATE_API_URL", "https://abc.execute-api.eu-west-1.amazonaws.com/live")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        return seen

    return install


def tidegate(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def submitted(state: str, **changes: Any) -> Answers:
    raw = job_json(0, state, started=1.0, finished=2.0, **changes)
    return {
        ("POST", "/live/v1/jobs"): httpx.Response(201, json={"job_id": WORKFLOW}),
        ("GET", f"/live/v1/jobs/{WORKFLOW}"): httpx.Response(200, json=raw),
        ("POST", "/live/v1/workflows"): httpx.Response(
            201, json={"workflow_id": WORKFLOW, "job_ids": {"k0": f"{WORKFLOW}.0"}}
        ),
        ("GET", f"/live/v1/workflows/{WORKFLOW}"): httpx.Response(200, json=workflow_json([raw])),
    }


def test_submit_prints_the_id_alone(api: Callable[[Answers], list[httpx.Request]], tmp_path: Path) -> None:
    seen = api(submitted("SUCCEEDED"))
    file = tmp_path / "job.json"
    file.write_text(json.dumps(JOB))
    result = tidegate("submit", str(file), "--idempotency-key", "once", "--pool", "ecs", "--priority", "900")
    assert (result.exit_code, result.stdout) == (0, f"{WORKFLOW}\n")
    assert seen[0].headers["idempotency-key"] == "once"
    assert json.loads(seen[0].content) == {**JOB, "pool": "ecs", "priority": 900}


def test_a_dry_run_of_submit_counts_the_jobs_and_submits_nothing(
    api: Callable[[Answers], list[httpx.Request]],
) -> None:
    foreseen = {"dry_run": True, "job_count": 3, "states": {"PENDING": 2, "READY": 1}, "pools": {"lambda": 3}}
    answer = httpx.Response(200, json=foreseen)
    seen = api({("POST", "/live/v1/jobs"): answer, ("POST", "/live/v1/workflows"): answer})
    result = tidegate("submit", "-", "--dry-run", stdin=json.dumps(FLOW))
    assert result.stdout == "3 jobs would be submitted: 2 PENDING, 1 READY; by pool: 3 lambda\n"
    shown = tidegate("submit", "-", "--dry-run", "-o", "json", stdin=json.dumps(JOB))
    assert json.loads(shown.stdout) == foreseen
    assert [(request.url.path, request.url.query) for request in seen] == [
        ("/live/v1/workflows", b"dry_run=true"),
        ("/live/v1/jobs", b"dry_run=true"),
    ]
    refused = tidegate("submit", "-", "--dry-run", "--wait", stdin=json.dumps(JOB))
    assert (refused.exit_code, len(seen)) == (2, 2)
    assert "--wait" in refused.stderr


def test_submit_tells_whether_a_time_to_finish_by_will_be_met(
    api: Callable[[Answers], list[httpx.Request]],
) -> None:
    timed = {**FLOW, "finish_by": "2026-12-01T08:00:00Z"}
    judged = {"at": "2026-12-01T08:00:00.000Z", "verdict": "on-course", "probability": 0.95, "helps": []}
    path = ("GET", f"/live/v1/workflows/{WORKFLOW}/forecast")
    api({**submitted("SUCCEEDED"), path: httpx.Response(200, json={"finish_by": judged})})
    result = tidegate("submit", "-", stdin=json.dumps(timed))
    assert (result.exit_code, result.stdout) == (0, f"{WORKFLOW}\n")
    assert result.stderr == "to finish by 2026-12-01T08:00:00.000Z: on-course, with a probability of 95%\n"
    problem = {"title": "unavailable", "status": 503, "detail": "later"}
    seen = api({**submitted("SUCCEEDED"), path: httpx.Response(503, json=problem)})
    refused = tidegate("submit", "-", stdin=json.dumps(timed))
    assert (refused.exit_code, refused.stdout) == (0, f"{WORKFLOW}\n")
    assert refused.stderr.startswith("no forecast: ")
    assert len(seen) == 2  # a hint is not worth another try


@pytest.mark.parametrize("answer", [{"json": ["no object"]}, {"json": {"finish_by": {"helps": 1}}}])
@pytest.mark.parametrize("waits", [False, True])
def test_a_submission_stands_where_its_forecast_can_not_be_read(
    api: Callable[[Answers], list[httpx.Request]], answer: Mapping[str, Any], waits: bool
) -> None:
    path = ("GET", f"/live/v1/jobs/{WORKFLOW}/forecast")
    api({**submitted("SUCCEEDED"), path: httpx.Response(200, **answer)})
    timed = json.dumps({**JOB, "finish_by": "2026-12-01T08:00:00Z"})
    result = tidegate("submit", "-", "-o", "json", *(["--wait"] if waits else []), stdin=timed)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["idempotency_key"]
    assert "no forecast: " in result.stderr


def test_submit_tells_workflows_from_jobs_by_content(api: Callable[[Answers], list[httpx.Request]]) -> None:
    seen = api(submitted("SUCCEEDED"))
    assert tidegate("submit", "-", stdin=json.dumps(FLOW)).exit_code == 0
    assert tidegate("submit", "-", "--speed", "10", stdin=json.dumps(TRACE)).exit_code == 0
    assert [request.url.path for request in seen] == ["/live/v1/workflows"] * 2
    assert json.loads(seen[1].content)["jobs"][0]["parameters"] == {"seconds": 0.5}


@pytest.mark.parametrize("command", ["submit", "run"])
def test_the_critical_path_weight_goes_with_any_workflow(
    api: Callable[[Answers], list[httpx.Request]], command: str
) -> None:
    seen = api(submitted("SUCCEEDED"))
    for document in (FLOW, TRACE):
        result = tidegate(command, "-", "--critical-path-weight", "2.5", stdin=json.dumps(document))
        assert result.exit_code == 0
    sent = [json.loads(request.content) for request in seen if request.method == "POST"]
    assert [body["critical_path_weight"] for body in sent] == [2.5, 2.5]


@pytest.mark.parametrize(
    ("document", "weight", "said"),
    [(FLOW, "-1", "--critical-path-weight"), (FLOW, "1000.5", "1000"), (JOB, "1", "is for workflows")],
)
def test_a_critical_path_weight_that_can_not_be_is_a_usage_error(
    api: Callable[[Answers], list[httpx.Request]], document: object, weight: str, said: str
) -> None:
    seen = api(submitted("SUCCEEDED"))
    result = tidegate("run", "-", "--critical-path-weight", weight, stdin=json.dumps(document))
    assert result.exit_code == 2
    assert said in result.stderr
    assert not seen


@pytest.mark.parametrize(
    ("state", "code"), [("SUCCEEDED", 0), ("FAILED", 3), ("TIMED_OUT", 3), ("CANCELLED", 5), ("SKIPPED", 3)]
)
def test_the_end_of_a_job_decides_the_exit_code(
    api: Callable[[Answers], list[httpx.Request]], state: str, code: int
) -> None:
    api(submitted(state))
    result = tidegate("submit", "-", "--wait", "--output", "json", stdin=json.dumps(JOB))
    assert result.exit_code == code
    assert json.loads(result.stdout)["state"] == state


@pytest.mark.parametrize(("late", "paused"), [(0, []), (2, [0.5, 1.0]), (9, [0.5, 1.0, 2.0, 4.0, 8.0])])
def test_the_answer_after_a_wait_counts_what_has_ended(
    api: Callable[[Answers], list[httpx.Request]],
    monkeypatch: pytest.MonkeyPatch,
    late: int,
    paused: list[float],
) -> None:
    """The counts come from a stream. A stream that stands still keeps nobody waiting for long."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    flow = workflow_json([job_json(0, "SUCCEEDED", started=1.0, finished=2.0)])
    looks = [{"RUNNING": 1}] * late + [{"SUCCEEDED": 1}] * 9
    pages = [httpx.Response(200, json={**flow, "counts": counts}) for counts in [{"READY": 1}, *looks]]
    api({**submitted("SUCCEEDED"), ("GET", f"/live/v1/workflows/{WORKFLOW}"): pages})
    result = tidegate("submit", "-", "--wait", "--output", "json", stdin=json.dumps(FLOW))
    assert (result.exit_code, pauses) == (0, paused)
    assert json.loads(result.stdout)["counts"] == ({"RUNNING": 1} if late == 9 else {"SUCCEEDED": 1})


def test_a_wait_that_is_over_has_its_own_exit_code(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api(submitted("RUNNING"))
    result = tidegate("submit", "-", "--wait", "--timeout-seconds", "0.1", stdin=json.dumps(JOB))
    assert result.exit_code == 4
    assert "waited 0.1 s" in result.stderr


def test_a_wait_that_is_over_still_says_what_was_submitted(
    api: Callable[[Answers], list[httpx.Request]],
) -> None:
    api(submitted("RUNNING"))
    command = ("submit", "-", "--wait", "--timeout-seconds", "0.1", "--output", "json")
    result = tidegate(*command, stdin=json.dumps(JOB))
    assert result.exit_code == 4
    assert json.loads(result.stdout)["job_id"]


def test_the_version_is_shown() -> None:
    result = tidegate("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("tidegate 0.")


def test_run_reports_and_prints_json_alone(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api(submitted("SUCCEEDED"))
    result = tidegate("--output", "json", "run", "-", stdin=json.dumps(FLOW))
    assert result.exit_code == 0
    made = json.loads(result.stdout)
    assert (made["workflow_id"], made["name"], made["usage"]) == (WORKFLOW, "flow", None)
    assert [item["key"] for item in made["jobs"]] == ["k0"]
    assert "submitted as" in result.stderr


def test_run_in_text_prints_the_report(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api(submitted("FAILED", error={"code": "job-error", "message": "boom"}))
    result = tidegate("run", "-", stdin=json.dumps(FLOW))
    assert result.exit_code == 3
    assert "critical path" in result.stdout
    assert "boom" in result.stdout


def test_workers_of_its_own_need_the_local_stack(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api(submitted("SUCCEEDED"))
    result = tidegate("run", "-", "--slots", "2", stdin=json.dumps(FLOW))
    assert result.exit_code == 2
    assert "local stack only" in result.stderr


def test_workflows_get_shows_every_field_of_every_job(api: Callable[[Answers], list[httpx.Request]]) -> None:
    api(submitted("SUCCEEDED"))
    result = tidegate("workflows", "get", WORKFLOW, "--output", "json")
    job = json.loads(result.stdout)["jobs"][0]
    named = (
        "name",
        "job_id",
        "state",
        "attempt",
        "ready_at",
        "queued_at",
        "started_at",
        "finished_at",
        "worker",
    )
    assert set(named) <= job.keys()
    assert job["started_at"] == "2027-01-15T08:00:01.000Z"
    assert tidegate("workflows", "get", WORKFLOW).stdout.count(f"{WORKFLOW}.0") == 1


def test_jobs_get_and_list_and_cancel(api: Callable[[Answers], list[httpx.Request]]) -> None:
    straggler = {"runs": 1_200, "p99_seconds": 4.5}
    raw = job_json(0, "RUNNING", started=1.0, parameters={"path": "[b]x"}, straggler=straggler)
    page = httpx.Response(200, json={"jobs": [raw], "cursor": None})
    seen = api(
        {
            ("GET", f"/live/v1/jobs/{WORKFLOW}.0"): httpx.Response(200, json=raw),
            ("GET", "/live/v1/jobs"): page,
            ("POST", CANCEL_PATH): httpx.Response(202, json=raw),
        }
    )
    shown = tidegate("jobs", "get", f"{WORKFLOW}.0").stdout
    assert '{"path": "[b]x"}' in shown
    told = "runs longer than 99 % of 1,200 jobs of its type, which took at most 4.5 s"
    assert told in " ".join(shown.split())
    listed = tidegate("jobs", "list", "--state", "RUNNING", "--pool", "lambda", "--output", "json")
    assert [item["job_id"] for item in json.loads(listed.stdout)["jobs"]] == [f"{WORKFLOW}.0"]
    assert dict(seen[-1].url.params) == {"state": "RUNNING", "pool": "lambda", "limit": "50"}
    assert "its worker is asked to stop" in tidegate("jobs", "cancel", f"{WORKFLOW}.0").stdout


def test_a_problem_is_one_message_and_no_traceback(api: Callable[[Answers], list[httpx.Request]]) -> None:
    problem = {"title": "Invalid request", "errors": [{"field": "priority", "message": "is 0"}]}
    api({("POST", "/live/v1/jobs"): httpx.Response(400, json=problem)})
    result = tidegate("submit", "-", stdin=json.dumps(JOB))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "tidegate: Invalid request (400)\n  priority: is 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{",
            "standard input is not JSON: Expecting property name enclosed in double quotes at line 1 column 2",
        ),
        ("[]", "does not hold an object"),
        ("{}", "neither a job"),
        ('{"type": "x", "parameters": {"a": NaN}}', "NaN is not allowed"),
        ('{"type": "\\ud800"}', "surrogate"),
        ("\x00", "neither JSON nor YAML"),
        ('{"type": "x", "parameters": {"a": 1, "a": 2}}', "an object has 'a' twice"),
        ('{"workflow": {}}', "workflow.specification: is missing"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_bad_input_is_a_usage_error(text: str, message: str) -> None:
    result = tidegate("submit", "-", stdin=text)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("submit", "/nowhere/at/all.json"), "cannot read /nowhere/at/all.json: No such file"),
        (("submit", "/"), "cannot read /: Is a directory"),
        (("jobs", "list"), "no API to talk to: start the local stack with `tidegate local up`"),
        (("jobs", "list", "--api-url", "example.org"), "is not a URL"),
        (("jobs", "list", "--api-url", "https://example.org"), "no AWS credentials found"),
        (("jobs", "list", "--state", "DONE"), "DONE"),
        (("submit", "-", "--priority", "1001"), "less than or equal to 1000"),
        (
            ("--aws-profile", "nobody", "jobs", "list", "--api-url", "https://example.org"),
            "profile (nobody) could not be found",
        ),
        (
            ("local", "logs", "nonsense"),
            "'nonsense' is not one of api, console, dispatcher, reaper, recorder, webhooks, worker",
        ),
        (("worker", "--pool", "ecs"), "no deployment to work for"),
        (("nonsense",), "nonsense"),
    ],
)
def test_wrong_use_exits_with_2_and_says_why(arguments: tuple[str, ...], message: str) -> None:
    result = tidegate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_half_a_key_pair_is_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    result = tidegate("jobs", "list", "--api-url", "https://example.org")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no AWS credentials can be read: Partial credentials found" in result.stderr


def test_jobs_list_shows_what_runs_first_and_no_state_drowns_the_others(
    api: Callable[[Answers], list[httpx.Request]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"RUNNING": 1, "PENDING": 300, "SCHEDULED": 1, "FAILED": 2, "SUCCEEDED": 100}

    def handler(request: httpx.Request) -> httpx.Response:
        state, size = request.url.params["state"], int(request.url.params["limit"])
        begin = int(request.url.params.get("cursor", "0"))
        end = min(begin + size, held.get(state, 0))
        due: dict[str, Any] = {"due_at": "2027-01-15T09:00:00.000Z"} if state == "SCHEDULED" else {}
        jobs = [job_json(index, state, **due) for index in range(begin, end)]
        return httpx.Response(
            200, json={"jobs": jobs, "cursor": str(end) if end < held.get(state, 0) else None}
        )

    api({})
    monkeypatch.setattr(options, "Client", lambda target: client_of(handler))
    listed = tidegate("jobs", "list")
    assert "50 jobs are listed, as many as --limit allows: there may be more" in listed.stderr
    lines = [line.split() for line in listed.stdout.splitlines()]
    states = [line[1] for line in lines[1:]]
    assert len(states) == 50
    assert list(dict.fromkeys(states)) == ["RUNNING", "SCHEDULED", "PENDING", "FAILED", "SUCCEEDED"]
    assert "due" in lines[0]
    assert lines[2][2] == "2027-01-15T09:00:00.000Z"
    for limit, pending in ((250, 146), (10_000, 300)):
        result = tidegate("jobs", "list", "--limit", str(limit), "-o", "json")
        made = json.loads(result.stdout)["jobs"]
        assert ("there may be more" in result.stderr) == (limit < sum(held.values()))
        assert len(made) == min(limit, sum(held.values()))
        assert sum(job["state"] == "PENDING" for job in made) == pending
