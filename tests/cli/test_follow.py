"""Following a job: bounded polling, the lines it shows, and its exit codes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import httpx
import pytest
from rich.console import Console

from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, client_of, job, job_json, workflow_json
from tests.harness.cli.screens import Screen
from tidegate_cli.errors import CliError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.following.eta import time_left_seconds
from tidegate_cli.following.follow import (
    MAX_INTERVAL_SECONDS,
    MIN_INTERVAL_SECONDS,
    Snapshot,
    Waiting,
    WaitTimedOut,
    exit_code_of,
    fetch_workflow,
    follow,
)
from tidegate_cli.following.live import LineViewer, picture, viewer_for
from tidegate_cli.views import JobView

SECOND_MS = 1_000


class Time:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def waiting(self) -> Waiting:
        return Waiting(
            monotonic=lambda: sum(self.pauses),
            sleep=self.pauses.append,
            now_ms=lambda: BEGIN_MS + int(sum(self.pauses) * SECOND_MS),
        )


class Seen:
    """A view that keeps everything it is shown."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []

    def show(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)


def polls(*states: str) -> Sequence[tuple[JobView, ...]]:
    return [(job(0, state, started=1.0, finished=2.0 if state == "SUCCEEDED" else None),) for state in states]


def test_it_ends_with_the_jobs_and_shows_each_poll() -> None:
    seen, time = Seen(), Time()
    found = iter(polls("QUEUED", "RUNNING", "SUCCEEDED"))
    jobs = follow(lambda: next(found), "t", seen, waiting=time.waiting())
    assert [job.state for job in jobs] == ["SUCCEEDED"]
    assert [snapshot.jobs[0].state for snapshot in seen.snapshots] == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert seen.snapshots[-1].slots_seen == 1


def test_polls_grow_rarer_while_nothing_changes_and_frequent_again_after() -> None:
    seen, time = Seen(), Time()
    found = iter(polls(*["RUNNING"] * 9, "QUEUED", "SUCCEEDED"))
    follow(lambda: next(found), "t", seen, waiting=time.waiting())
    assert time.pauses[0] == MIN_INTERVAL_SECONDS
    assert time.pauses[:9] == sorted(time.pauses[:9])
    assert max(time.pauses) == MAX_INTERVAL_SECONDS
    assert time.pauses[9] == MIN_INTERVAL_SECONDS


def test_a_slow_poll_is_followed_by_a_longer_pause() -> None:
    seen, time = Seen(), Time()
    found = iter(polls("RUNNING", "SUCCEEDED"))

    def slow() -> tuple[JobView, ...]:
        time.pauses.append(4.0)
        return next(found)

    follow(slow, "t", seen, waiting=time.waiting())
    assert time.pauses == [4.0, 12.0, 4.0]


def test_the_wait_ends_on_time() -> None:
    seen, time = Seen(), Time()
    with pytest.raises(WaitTimedOut, match=r"waited 3 s: 1 of 1 jobs") as caught:
        follow(lambda: polls("RUNNING")[0], "t", seen, timeout_seconds=3.0, waiting=time.waiting())
    assert sum(time.pauses) == pytest.approx(3.0)
    assert caught.value.exit_code is ExitCode.WAIT_TIMED_OUT


def test_a_check_that_fails_ends_it() -> None:
    def gone() -> None:
        raise CliError("the worker process ended")

    with pytest.raises(CliError, match="the worker process ended"):
        follow(lambda: polls("RUNNING")[0], "t", Seen(), checks=[gone], waiting=Time().waiting())


def test_pages_that_are_all_over_are_not_asked_for_again() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor", "")
        asked.append(cursor)
        first = workflow_json([job_json(0, "SUCCEEDED")], "1")
        second = workflow_json([job_json(1, "RUNNING" if len(asked) < 4 else "FAILED")])
        return httpx.Response(200, json=second if cursor else first)

    fetch = fetch_workflow(client_of(handler), WORKFLOW)
    states = [[job.state.value for job in fetch()] for _ in range(3)]
    assert states == [["SUCCEEDED", "RUNNING"], ["SUCCEEDED", "RUNNING"], ["SUCCEEDED", "FAILED"]]
    assert asked == ["", "1", "1", "1"]


def skipped(index: int, code: str, upstream_id: str) -> JobView:
    return job(index, "SKIPPED", error={"code": code, "upstream_id": upstream_id})


@pytest.mark.parametrize(
    ("jobs", "code"),
    [
        ([job(0)], ExitCode.SUCCESS),
        ([job(0), job(1, "FAILED"), job(2, "CANCELLED")], ExitCode.JOB_FAILED),
        ([job(0, "TIMED_OUT")], ExitCode.JOB_FAILED),
        ([job(0, "CANCELLED"), job(1)], ExitCode.CANCELLED),
        ([job(0), job(1, "SKIPPED", error={"upstream_id": f"{WORKFLOW}.0"})], ExitCode.SUCCESS),
        (
            [job(0, "CANCELLED"), job(1, "SKIPPED", error={"upstream_id": f"{WORKFLOW}.0"})],
            ExitCode.CANCELLED,
        ),
        ([job(0, "SKIPPED", error={"upstream_id": "elsewhere"})], ExitCode.JOB_FAILED),
        ([job(0), job(1, "SKIPPED", error={"code": "marked"})], ExitCode.SUCCESS),
        ([job(0), skipped(1, "condition-error", f"{WORKFLOW}.0")], ExitCode.JOB_FAILED),
        ([skipped(0, "condition-error", "elsewhere")], ExitCode.JOB_FAILED),
        ([job(0), skipped(1, "branch-not-taken", f"{WORKFLOW}.0")], ExitCode.SUCCESS),
        ([skipped(0, "branch-not-taken", "elsewhere")], ExitCode.SUCCESS),
        ([skipped(0, "dependency-unsatisfiable", "elsewhere")], ExitCode.JOB_FAILED),
    ],
)
def test_the_exit_code_says_how_it_ended(jobs: list[JobView], code: ExitCode) -> None:
    assert exit_code_of(jobs) is code


def test_time_left_is_the_remaining_path_or_the_remaining_work() -> None:
    jobs = [
        job(0, "RUNNING", started=0.0, estimated_duration_seconds=10.0),
        job(1, "PENDING", estimated_duration_seconds=5.0, upstreams=[(0, "MUST_SUCCEED")]),
        *[job(index, "READY", estimated_duration_seconds=4.0) for index in range(2, 8)],
    ]
    now_ms = BEGIN_MS + 4 * SECOND_MS
    assert time_left_seconds(jobs, slots=100, now_ms=now_ms) == pytest.approx(11.0)
    assert time_left_seconds(jobs, slots=1, now_ms=now_ms) == pytest.approx(35.0)


def test_without_estimates_what_ended_is_gone_by() -> None:
    pending = job(1, "READY")
    assert time_left_seconds([pending], slots=1, now_ms=BEGIN_MS) is None
    assert time_left_seconds([job(0, started=0.0, finished=3.0), pending], slots=1, now_ms=BEGIN_MS) == 3.0
    assert time_left_seconds([job(0, started=0.0, finished=3.0)], slots=1, now_ms=BEGIN_MS) == 0.0


def snapshot(*jobs: JobView) -> Snapshot:
    return Snapshot("demo [1]", jobs, BEGIN_MS + 5 * SECOND_MS, BEGIN_MS, 2)


def test_lines_tell_each_change_once() -> None:
    out = io.StringIO()
    viewer = LineViewer(Console(file=out, width=200))
    first = snapshot(job(0, "RUNNING", started=1.0), job(1, "PENDING"))
    viewer.show(first)
    viewer.show(first)
    viewer.show(
        snapshot(job(0, started=1.0, finished=3.0), job(1, "SKIPPED", error={"code": "x", "message": "why"}))
    )
    lines = [line.split(" ", 1)[1] for line in out.getvalue().splitlines()]
    assert lines == [
        "RUNNING   k0 attempt 1 on worker-1",
        "0/2 ended, left -: PENDING 1  RUNNING 1",
        "SKIPPED   k1 - x: why",
        "SUCCEEDED k0 after 2.00 s",
        "2/2 ended, left 0.00 s: SUCCEEDED 1  SKIPPED 1",
    ]


def test_names_and_messages_cannot_steer_the_terminal() -> None:
    out = io.StringIO()
    names = {"key": None, "name": "a\x1b[2J\nb"}
    error = {"code": "x", "message": "line 1\n\x1b]0;title\x07"}
    LineViewer(Console(file=out, width=200)).show(snapshot(job(0, "FAILED", error=error, **names)))
    Console(file=out, width=160).print(picture(snapshot(job(0, "FAILED", error=error, **names))))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "a\\x1b[2J\\nb" in text
    assert "x: line 1\\n\\x1b]0;title\\x07" in text


def test_the_picture_holds_counts_what_runs_and_what_ended() -> None:
    out = io.StringIO()
    running = job(
        0, "RUNNING", started=1.0, progress={"fraction": 0.25, "message": "quarter"}, worker="w" * 40
    )
    Console(file=out, width=160).print(
        picture(snapshot(running, job(1, "FAILED", started=1.0, finished=2.0)))
    )
    text = out.getvalue()
    for expected in ("demo [1]", "1/2 ended", "RUNNING 1", "FAILED 1", "25% quarter", "4.00 s", "k1"):
        assert expected in text


def test_a_terminal_gets_the_picture_and_a_file_gets_lines() -> None:
    with viewer_for(Console(file=io.StringIO())) as viewer:
        assert isinstance(viewer, LineViewer)
    with viewer_for(Console(file=io.StringIO(), force_terminal=True)) as viewer:
        assert isinstance(viewer, LineViewer), "FORCE_COLOR makes no terminal of a pipe"
    with viewer_for(Console(file=Screen(), _environ={"TERM": "dumb"})) as viewer:
        assert isinstance(viewer, LineViewer), "it would be silent until the end"
    out = Screen()
    with viewer_for(Console(file=out, width=120, _environ={"TERM": "xterm"})) as viewer:
        viewer.show(snapshot(job(0, "RUNNING", started=1.0)))
    assert "k0" in out.getvalue()


def test_the_picture_has_a_sign_for_the_state_of_every_job() -> None:
    out = io.StringIO()
    jobs = [job(0, started=1.0, finished=2.0), job(1, "RUNNING", started=1.0), job(2, "PENDING")]
    Console(file=out, width=120).print(picture(snapshot(*jobs)))
    assert "●▶·" in out.getvalue()
    assert "▶ RUNNING 1" in out.getvalue()
