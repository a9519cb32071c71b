"""`tidegate top`: what a deployment does now, in one frame or refreshed in place until Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest
from rich.console import Console

from tests.harness.cli.samples import BEGIN_MS, WORKFLOW, client_of, job_json
from tests.harness.cli.screens import Screen, answer_with, tidegate
from tidegate_cli import options
from tidegate_cli.commands import top as command
from tidegate_cli.errors import ApiProblem, ApiUnreachable, CliError
from tidegate_cli.following.follow import Waiting
from tidegate_cli.top.frame import Frame
from tidegate_cli.top.picture import lines_of_frame
from tidegate_cli.top.reading import FIGURES_EVERY_SECONDS, MAX_OLDEST, FrameReader
from tidegate_cli.top.showing import show_frames
from tidegate_cli.top.steps import next_steps
from tidegate_cli.views import format_time

HOUR_MS = 3_600_000
COUNTED_MS = BEGIN_MS + 20 * 60_000
NOW_MS = COUNTED_MS + 15 * 60_000
NONE = {"count": 0, "more": False}
URL = "https://abc.execute-api.eu-west-1.amazonaws.com/live"


def pool(name: str = "ecs", *, ready: int = 0, more: bool = False, **changes: Any) -> dict[str, Any]:
    fields = {"paused": False, "capacity": 4, "workers": 1, "held": NONE, "active": NONE, "fault": ""}
    return {"name": name, **fields, "ready": {"count": ready, "more": more}, **changes}


def running(index: int, seconds: float, estimate: float | None = None) -> dict[str, Any]:
    """Makes a job that has run for so many seconds."""
    started = (NOW_MS - BEGIN_MS) / 1_000 - seconds
    return job_json(index, "RUNNING", started=started, estimated_duration_seconds=estimate)


def row(
    since_ms: int, ended: int, failed: int = 0, timed_out: int = 0, pool: str | None = None
) -> dict[str, Any]:
    counts = {"ended": ended, "failed": failed, "timed_out": timed_out}
    return {"since": format_time(since_ms), "pool": pool, **counts}


class Api:
    """An API whose answers tests change; `asked` are the requests that it got."""

    def __init__(self) -> None:
        self.pools = [pool("ecs", ready=3, active={"count": 2, "more": False}), pool("lambda", capacity=0)]
        self.running = [running(0, 10), running(1, 90, 60.0), running(2, 50, 5.0)]
        self.straggling: list[dict[str, Any]] | None = []  # None: an API of an earlier version
        self.more: str | None = None
        self.looked_at = 3
        self.refused: httpx.Response | None = None
        self.timed: dict[str, list[dict[str, Any]]] | None = {}  # by route and verdict; None as above
        self.timed_more: str | None = None
        self.unknown = "straggler"  # the parameter that an API of an earlier version does not know
        self.hours = [row(BEGIN_MS - 2 * HOUR_MS, 60, 6), row(BEGIN_MS, 40)]
        self.counted_until: str | None = format_time(COUNTED_MS)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path, query = request.url.path.removeprefix("/live"), request.url.params
        if path == "/v1/stats":
            return self.refused or httpx.Response(200, json=self._figures(query["by"]))
        if path == "/v1/pools":
            return httpx.Response(200, json={"pools": self.pools})
        if query.get("verdict"):
            return self._timed(path.rpartition("/")[2], query["verdict"])
        if query["state"] == "READY":
            ready = job_json(7, "READY", ready=(NOW_MS - BEGIN_MS) / 1_000 - 400)
            return httpx.Response(200, json={"jobs": [ready], "looked_at": self.looked_at, "cursor": None})
        found = self.running
        if query.get("overdue"):
            found = [each for each in found if each["estimated_duration_seconds"]]
        if query.get("straggler"):
            if self.straggling is None:
                errors = [{"field": self.unknown, "message": "is no query parameter here"}]
                return httpx.Response(422, json={"title": "Not valid", "detail": "", "errors": errors})
            found = self.straggling
        return httpx.Response(200, json={"jobs": found, "looked_at": len(found), "cursor": self.more})

    def _figures(self, by: str) -> Mapping[str, Any]:
        if by == "hour":
            return {"rows": self.hours, "counted_since": None, "counted_until": self.counted_until}
        rows = [row(COUNTED_MS - HOUR_MS, 100, 5, 1, "ecs")]
        return {"rows": rows, "total": {**rows[0], "pool": None}}

    def _timed(self, route: str, verdict: str) -> httpx.Response:
        if self.timed is None:
            errors = [{"field": "verdict", "message": "is no query parameter here"}]
            return httpx.Response(422, json={"title": "Not valid", "detail": "", "errors": errors})
        found = self.timed.get(f"{route} {verdict}", [])
        return httpx.Response(200, json={route: found, "looked_at": len(found), "cursor": self.timed_more})

    def stand_still(self, since_ms: int) -> None:
        """Lets no end be counted from a time on."""
        self.hours, self.counted_until = [], format_time(since_ms)

    def counts(self) -> dict[str, int]:
        """Returns how many requests each route got."""
        paths = [request.url.path.rpartition("/")[2] for request in self.asked]
        return {path: paths.count(path) for path in paths}


def reader(api: Api, seconds: Iterator[float] | None = None) -> FrameReader:
    clock = seconds or iter(range(0, 10_000, 1))
    return FrameReader(client_of(api), now_ms=lambda: NOW_MS, monotonic=lambda: float(next(clock)))


def text(frame: Frame, **changes: Any) -> list[str]:
    given: dict[str, Any] = {"rows": 10, "width": None, **changes}
    return [line.plain for line in lines_of_frame(frame, "prod", **given)]


def test_a_frame_lists_the_longest_runs_and_the_most_overdue_first() -> None:
    frame = reader(Api()).read()
    assert [each.job.key for each in frame.longest] == ["k1", "k2", "k0"]
    assert [(each.job.key, each.past_seconds) for each in frame.overdue] == [("k2", 45.0), ("k1", 30.0)]
    lines = text(frame)
    (ecs,) = [line for line in lines if line.startswith("ecs ")]
    assert ecs.split() == ["ecs", "3", "6m40s", "0", "2", "4", "-", "100", "6"]
    assert "3 RUNNING jobs, the longest first" in lines
    assert "45.0 s (10.0x)" in next(line for line in lines if "k2" in line)


def test_stragglers_have_a_list_of_their_own_while_there_are_any() -> None:
    api = Api()
    api.pools, api.running = [pool()], []
    assert not [line for line in text(reader(api).read()) if "stragglers" in line]
    api.straggling = [running(0, 10), running(1, 90)]
    frame = reader(api).read()
    lines = text(frame)
    assert "2 stragglers, longer than 99 % of their type, the longest first" in lines
    assert [each["key"] for each in frame.as_json(10)["stragglers"]["jobs"]] == ["k1", "k0"]
    assert next_steps(frame)[0].do == f"tidegate jobs logs {WORKFLOW}.1 --follow"
    api.straggling = None
    assert reader(api).read().as_json(10)["stragglers"] == {"count": 0, "more": False, "jobs": []}
    api.unknown = "limit"
    with pytest.raises(ApiProblem, match="limit"):
        reader(api).read()


def timed(index: int, minutes: int, verdict: str, probability: float) -> dict[str, Any]:
    """Makes a READY job that ought to end in so many minutes."""
    judgement = {"verdict": verdict, "probability": probability, "judged_at": format_time(BEGIN_MS)}
    finish_by = format_time(NOW_MS + minutes * 60_000)
    return {**job_json(index, "READY"), "finish_by": finish_by, "judgement": judgement}


def test_work_at_risk_has_a_list_of_its_own_with_the_earliest_time_first() -> None:
    api = Api()
    api.pools, api.running = [pool()], []
    assert not [line for line in text(reader(api).read()) if "at risk" in line]
    workflow = {**timed(1, 30, "at-risk", 0.25), "workflow_id": WORKFLOW, "name": "nightly"}
    again = timed(0, 90, "impossible", 0.0)
    api.timed = {
        "workflows at-risk": [workflow],
        "jobs impossible": [again],
        "jobs at-risk": [{**again, "judgement": {**again["judgement"], "verdict": "at-risk"}}],
        "jobs missed": [timed(2, -10, "missed", 0.0)],
    }
    frame = reader(api).read()
    assert [(each.kind, each.name, each.verdict) for each in frame.at_risk] == [
        ("job", "k2", "missed"),
        ("workflow", "nightly", "at-risk"),
        ("job", "k0", "at-risk"),  # its verdict changed between two requests
    ]
    lines = text(frame)
    title = lines.index("3 jobs and workflows at risk, impossible or missed, the earliest time first")
    by = format_time(NOW_MS + 30 * 60_000)
    assert lines[title + 3].split() == [WORKFLOW, "nightly", by, "at-risk", "25%"]
    assert frame.as_json(2)["at_risk"] == {
        "count": 3,
        "more": False,
        "work": [each.as_json() for each in frame.at_risk[:2]],
    }
    step = next_steps(frame)[0]
    assert (step.what, step.do) == (
        f"workflow nightly is not likely to end by {by}",
        f"tidegate forecast {WORKFLOW}",
    )
    asked = [request.url.params for request in api.asked if request.url.path.endswith("/v1/workflows")]
    assert {each["state"] for each in asked} == {"RUNNING,HELD"}
    api.timed_more = "next"
    assert any(
        line.startswith("2 of 3+ jobs and workflows at risk") for line in text(reader(api).read(), rows=2)
    )
    api.timed = None
    assert reader(api).read().as_json(10)["at_risk"] == {"count": 0, "more": False, "work": []}


def test_hours_without_an_end_have_their_place_in_the_line() -> None:
    frame = reader(Api()).read()
    assert frame.figures is not None
    assert [hour.ended for hour in frame.figures.hours] == [0] * 9 + [60, 0, 40]
    assert frame.figures.hours[-1].until == format_time(COUNTED_MS)
    lines = text(frame)
    # The last hour is counted for 20 minutes: 40 ends are 120 an hour.
    assert next(line for line in lines if line.startswith("ended ")).split("  ")[1].strip() == "·········▅·█"
    assert any(": 100 ended, 6 failed" in line for line in lines)


def test_requests_are_bounded_and_figures_are_read_once_a_minute() -> None:
    api = Api()
    api.pools = [pool(f"p{number}", ready=1 + number) for number in range(MAX_OLDEST + 5)]
    reading = reader(api, iter([0.0, 1.0, FIGURES_EVERY_SECONDS]))
    frame = reading.read()
    assert api.counts() == {"pools": 1, "jobs": MAX_OLDEST + 6, "workflows": 3, "stats": 2}
    assert [each.name for each in frame.pools if each.oldest is None] == [f"p{number}" for number in range(5)]
    reading.read()
    assert (api.counts()["stats"], api.counts()["workflows"]) == (2, 3)
    reading.read()
    assert (api.counts()["stats"], api.counts()["workflows"]) == (4, 6)


def test_a_bound_of_the_api_is_shown() -> None:
    api = Api()
    api.looked_at, api.more = 1_000, "next"
    api.pools = [pool(ready=1_000, more=True)]
    frame = reader(api).read()
    lines = text(frame, rows=2)
    assert next(line for line in lines if line.startswith("ecs")).split()[1:4] == ["1000+", "over", "6m40s"]
    assert "2 of 3+ RUNNING jobs, the longest first" in lines
    made = frame.as_json(1)
    assert made["pools"][0]["oldest_ready"]["exact"] is False
    assert (made["running"]["count"], made["running"]["more"], len(made["running"]["jobs"])) == (3, True, 1)


def test_an_empty_page_is_not_taken_for_the_whole() -> None:
    api = Api()
    api.running, api.more = [], "next"
    lines = text(reader(api).read())
    rest = "among those that the API looked at, and it did not look at all of them"
    assert {f"no RUNNING job {rest}", f"no overdue job {rest}"} <= set(lines)
    assert not {"nothing runs", "no job is overdue"} & set(lines)


@pytest.mark.parametrize(
    ("changes", "what", "do"),
    [
        ({"paused": True}, "is paused, and 3 READY jobs wait in it", "tidegate pools resume ecs"),
        (
            {"paused": True, "ready": NONE, "held": {"count": 2, "more": True}},
            "is paused, and 2+ READY jobs wait in it",
            "tidegate pools resume ecs",
        ),
        (
            {"capacity": 0, "held": {"count": 2, "more": False}},
            "has no live worker, and 5 READY jobs wait in it",
            "tidegate workers list --pool ecs",
        ),
        (
            {"capacity": 0, "fault": "no disk"},
            "can start no job: no disk",
            "tidegate workers list --pool ecs",
        ),
        ({}, "job k7 is READY in pool ecs for 6m40s", f"tidegate why {WORKFLOW}.7"),
    ],
)
def test_a_pool_that_holds_jobs_up_names_the_next_step(changes: dict[str, Any], what: str, do: str) -> None:
    api = Api()
    api.running = []
    api.pools = [{**pool(ready=3), **changes}]
    first, *others = next_steps(reader(api).read())
    assert what in first.what
    assert first.do == do
    assert [each.do for each in others] == ["tidegate failures list --since 2h"]


def test_the_most_overdue_job_is_a_next_step_and_a_quiet_deployment_has_none() -> None:
    api = Api()
    api.pools = [pool()]
    steps = next_steps(reader(api).read())
    assert steps[0].do == f"tidegate jobs logs {WORKFLOW}.2 --follow"
    api.running, api.counted_until = [], None
    frame = reader(api).read()
    assert next_steps(frame) == ()
    lines = text(frame)
    assert {"no ended jobs are counted yet", "nothing runs", "no job is overdue"} <= set(lines)
    assert frame.as_json(10)["last_hour"] is None


@pytest.mark.parametrize("since_ms", [NOW_MS - HOUR_MS - 1, NOW_MS - 72 * HOUR_MS])
def test_old_figures_do_not_pass_for_those_of_now(since_ms: int) -> None:
    api = Api()
    api.running = []
    api.pools = [pool()]
    api.stand_still(since_ms)
    frame = reader(api).read()
    since = datetime.fromtimestamp(since_ms / 1_000).astimezone().strftime("%Y-%m-%d %H:%M")
    late = f"jobs that ended after {since} are not counted yet"
    lines = text(frame)
    assert f"{late}; in the hour before, 100 ended and 6 failed" in lines
    assert next(line for line in lines if line.startswith("ecs ")).split()[-2:] == ["-", "-"]
    assert [(step.what, step.do) for step in next_steps(frame)] == [(late, "tidegate doctor")]
    assert frame.as_json(1)["last_hour"]["until"] == format_time(since_ms)


@pytest.mark.parametrize(("age_ms", "since"), [(HOUR_MS, "2h"), (0, "1h")])
def test_failures_are_looked_for_as_far_back_as_the_counted_hour(age_ms: int, since: str) -> None:
    api = Api()
    api.running = []
    api.pools = [pool()]
    api.stand_still(NOW_MS - age_ms)
    assert [step.do for step in next_steps(reader(api).read())] == [f"tidegate failures list --since {since}"]


def test_a_refusal_of_the_figures_leaves_the_rest() -> None:
    api = Api()
    api.refused = httpx.Response(422, json={"title": "Not valid", "detail": "too many roll-ups"})
    frame = reader(api).read()
    assert "no figures of ended jobs: too many roll-ups" in text(frame)
    assert frame.as_json(10)["no_figures"] == "too many roll-ups"
    assert len(frame.longest) == 3


@pytest.mark.parametrize("height", [24, 40])
def test_a_terminal_gets_as_many_rows_as_fit(height: int) -> None:
    api = Api()
    api.running = [running(index, 100 + index, 1.0) for index in range(60)]
    api.straggling = api.running if height > 30 else []
    frame = reader(api).read()
    lines = text(frame, rows=200, width=100, height=height)
    taken = sum(-(-max(1, len(line)) // 100) for line in lines)
    assert height - 8 <= taken <= height


def test_one_frame_is_json_or_text(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    answer_with(monkeypatch, api)
    made = json.loads(tidegate("top", "-o", "json").stdout)
    assert list(made) == [
        "at",
        "pools",
        "last_hour",
        "hours",
        "no_figures",
        "running",
        "overdue",
        "stragglers",
        "at_risk",
    ]
    assert [each["key"] for each in made["overdue"]["jobs"]] == ["k2", "k1"]
    for arguments in (("top",), ("top", "--once")):
        result = tidegate(*arguments)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"{URL} in eu-west-1  at ")
    refused = tidegate("top", "--once", "--every-seconds", "5")
    assert refused.exit_code == 2
    assert "leave it out" in refused.stderr


def terminal(screen: Screen) -> Console:
    return Console(file=screen, width=120, height=40, color_system=None, force_terminal=True)


class Clock:
    """Clocks that pass with each pause. The pause after `frames` frames ends with Ctrl-C."""

    def __init__(self, frames: int) -> None:
        self.now_s = 0.0
        self.left = frames
        self.waiting = Waiting(monotonic=lambda: self.now_s, sleep=self.sleep, now_ms=lambda: NOW_MS)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_terminal_is_refreshed_until_ctrl_c_which_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    api, screen = Api(), Screen()
    answer_with(monkeypatch, api)
    monkeypatch.setattr(options.Session, "out", property(lambda _self: terminal(screen)))
    monkeypatch.setattr(command, "show_frames", partial(show_frames, waiting=Clock(3).waiting))
    result = tidegate("top", "--every-seconds", "7")
    assert (result.exit_code, result.output) == (0, "")
    assert api.counts()["pools"] == 3
    assert "3 RUNNING jobs" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[?25h")  # the cursor is there again


def test_a_frame_that_cannot_be_read_is_told_and_the_next_one_is_shown() -> None:
    frame = reader(Api()).read()
    answers: Iterator[Frame | Exception] = iter(
        [frame, ApiUnreachable("no answer from prod"), OSError("no network"), frame]
    )

    def read() -> Frame:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    screen = Screen()
    show_frames(read, "prod", terminal(screen), rows=5, every_seconds=30.0, waiting=Clock(4).waiting)
    drawn = screen.getvalue()
    assert "30.0 s old: no answer from prod" in drawn
    assert "1m00s old: no network" in drawn
    assert "old:" not in drawn[drawn.rindex("prod  at") :]


@pytest.mark.parametrize("error", [CliError("refused"), ZeroDivisionError()])
def test_an_error_of_the_first_frame_and_a_bug_end_the_command(error: Exception) -> None:
    frame = reader(Api()).read()
    answers: Iterator[Frame] = iter([frame] if isinstance(error, ZeroDivisionError) else [])

    def read() -> Frame:
        for answer in answers:
            return answer
        raise error

    with pytest.raises(type(error)):
        show_frames(read, "prod", terminal(Screen()), rows=5, every_seconds=5.0, waiting=Clock(9).waiting)
