"""The demo's own logic: it checks the results, and leaves nothing behind however it ends."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import tidegate_devstack
from tests.harness import template
from tests.harness.cli.samples import WORKFLOW, client_of, job, job_json, workflow_json
from tests.harness.cli.screens import Screen
from tidegate_cli.demo import console, run, workflow
from tidegate_cli.demo.run import mismatches_of, report_file_mismatches, run_demo
from tidegate_cli.errors import CliError, UsageError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.options import Session
from tidegate_cli.structured import Output
from tidegate_devstack import LocalState

Run = Callable[..., ExitCode]
REPORT = {"file": __file__}  # a file that exists and is not empty


class World:
    """The local stack and the worker as the demo uses them. `log` lists the calls in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.state = LocalState.STOPPED
        self.jobs = [job_json(0, started=1.0, finished=2.0, result=REPORT)]
        self.error: BaseException | None = None
        self.parameters: Mapping[str, str] | None = None
        self.variables: Mapping[str, str] = {}
        self.bundle: object = None
        self.build = SimpleNamespace(is_over=True, failure=None)

    @contextmanager
    def building(self) -> Iterator[SimpleNamespace]:
        try:
            yield self.build
        finally:
            self.build.is_over = True

    def up(
        self, progress: Callable[[str], None], *, parameters: Mapping[str, str] | None, console: object
    ) -> SimpleNamespace:
        assert console is self.build
        self.log.append("up")
        self.parameters = parameters
        return SimpleNamespace()

    def down(self, progress: Callable[[str], None]) -> bool:
        self.log.append("down")
        return True

    @contextmanager
    def workers(
        self, *_: object, variables: Mapping[str, str], **__: object
    ) -> Iterator[Sequence[SimpleNamespace]]:
        self.log.append("worker starts")
        self.variables = variables
        try:
            yield [SimpleNamespace(process=SimpleNamespace(pid=7), check=self.check, log=Path("none"))]
        finally:
            self.log.append("worker ends")

    @contextmanager
    def console(self, *_: object) -> Iterator[SimpleNamespace]:
        self.log.append("console starts")
        try:
            yield SimpleNamespace(address="http://127.0.0.1:1/key/console/")
        finally:
            self.log.append("console ends")

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/cancel"):
            self.log.append(request.url.path.split("/")[-2].replace(WORKFLOW, "cancel "))
            return httpx.Response(409, json={"title": "Already ended"})
        if request.method == "POST":
            return httpx.Response(201, json={"workflow_id": WORKFLOW, "job_ids": {}})
        return httpx.Response(200, json=workflow_json(self.jobs))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(tidegate_devstack, "up", made.up)
    monkeypatch.setattr(tidegate_devstack, "building", made.building)
    monkeypatch.setattr(tidegate_devstack, "down", made.down)
    monkeypatch.setattr(tidegate_devstack, "status", lambda: SimpleNamespace(state=made.state))
    monkeypatch.setattr(run, "REPORT_KEY", "k0")
    monkeypatch.setattr(run, "worker_children", made.workers)
    monkeypatch.setattr(run, "wait_until_registered", lambda *_: made.log.append("registered"))
    monkeypatch.setattr(run, "local_target", lambda info: info)
    monkeypatch.setattr(console, "local_target", lambda info: info)
    monkeypatch.setattr(console, "find_bundle", lambda: made.bundle)
    monkeypatch.setattr(console, "serving", made.console)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(run, "Client", lambda target: client_of(made.answer))
    monkeypatch.setattr(run, "collect_settled", lambda *_: {})
    body: dict[str, Any] = {"name": "flow", "jobs": [{"key": "k0"}]}
    monkeypatch.setattr(workflow, "build", lambda source: body)
    monkeypatch.setattr(workflow, "expected_states", lambda source: {"k0": "SUCCEEDED"})
    return made


def demo(*, keep_up: bool = False, source: Path | None = None) -> ExitCode:
    return run_demo(Session(Output.JSON), source=source, slots=2, keep_up=keep_up)


def test_all_as_expected_is_success_and_everything_is_ended(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo() is ExitCode.SUCCESS
    assert world.log == ["up", "worker starts", "registered", "worker ends", "down"]
    made = json.loads(capsys.readouterr().out)
    assert made["mismatches"] == []
    assert made["workflow_id"] == WORKFLOW


def test_a_job_that_ended_otherwise_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.jobs = [job_json(0, "FAILED", started=1.0, finished=2.0)]
    assert demo() is ExitCode.JOB_FAILED
    assert "k0 should have ended as SUCCEEDED, but is FAILED" in capsys.readouterr().err


def test_an_illegal_order_fails_the_demo(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = job_json(1, started=1.0, finished=5.0)
    world.jobs = [
        job_json(0, started=2.0, finished=3.0, upstreams=[(1, "MUST_SUCCEED")], result=REPORT),
        upstream,
    ]
    monkeypatch.setattr(workflow, "expected_states", lambda source: {"k0": "SUCCEEDED", "k1": "SUCCEEDED"})
    assert demo() is ExitCode.ERROR


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("the worker ended")])
def test_whatever_ends_it_the_worker_goes_first_and_then_the_stack(
    world: World, error: BaseException
) -> None:
    world.jobs = [job_json(0, "RUNNING", started=1.0), job_json(1, started=1.0), job_json(2, "PENDING")]
    world.error = error
    with pytest.raises(type(error)):
        demo()
    cancelled = ["cancel .2", "cancel .0"]
    assert world.log == ["up", "worker starts", "registered", *cancelled, "worker ends", "down"]


def test_ctrl_c_while_the_stack_starts_stops_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(progress: Callable[[str], None], **parameters: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tidegate_devstack, "up", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demo()
    assert world.log == ["down"]


@pytest.mark.parametrize(("state", "keep_up"), [(LocalState.RUNNING, False), (LocalState.STOPPED, True)])
def test_a_stack_that_was_up_or_is_to_stay_is_left_running(
    world: World, state: LocalState, keep_up: bool
) -> None:
    world.state = state
    assert demo(keep_up=keep_up) is ExitCode.SUCCESS
    assert "down" not in world.log


def test_mismatches_name_jobs_on_either_side() -> None:
    jobs = [job(0), job(1, "FAILED", error={"code": "x", "message": "boom"}), job(2)]
    expected = {"k0": "SUCCEEDED", "k1": "SUCCEEDED", "k3": "SKIPPED"}
    assert mismatches_of(jobs, expected) == (
        "k1 should have ended as SUCCEEDED, but is FAILED x: boom",
        "k2 ended as SUCCEEDED, but the workflow has no such job",
        "k3 is missing; it should have ended as SKIPPED",
    )


def test_a_report_that_was_not_written_is_a_mismatch(tmp_path: Path) -> None:
    empty = tmp_path / "empty.md"
    empty.touch()
    for result in (None, {"file": None}, {"file": str(tmp_path / "gone.md")}, {"file": str(empty)}):
        assert len(report_file_mismatches([job(0, key="report", result=result)])) == 1
    assert report_file_mismatches([job(0, key="report", result=REPORT)]) == ()


def test_a_folder_is_the_only_one_that_both_pools_may_read(world: World, tmp_path: Path) -> None:
    assert demo(source=tmp_path) is ExitCode.SUCCESS
    assert world.parameters == {"SampleRoot": str(tmp_path)}
    assert world.variables["TIDEGATE_SAMPLE_ROOT"] == str(tmp_path)
    passed = world.variables["TIDEGATE_JOB_ENVIRONMENT"].split(",")
    assert set(passed) == {"TIDEGATE_SAMPLE_ROOT", "TIDEGATE_REPORT_FOLDER"}


def test_without_one_job_code_is_told_of_none(world: World) -> None:
    assert demo() is ExitCode.SUCCESS
    assert not world.parameters
    assert world.variables["TIDEGATE_JOB_ENVIRONMENT"] == "TIDEGATE_REPORT_FOLDER"


@pytest.mark.parametrize("name", ["my code", "x" * 160, "größe", 'a"b', "a\\b"])
def test_a_folder_that_the_template_can_not_take_is_refused_at_once(
    world: World, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match="160 ASCII characters without blanks"):
        demo(source=tmp_path / name)
    assert world.log == []
    parameter = template._document()["Parameters"][run.ROOT_PARAMETER]
    refused = not re.fullmatch(parameter["AllowedPattern"], f"/{name}")
    assert refused or len(f"/{name}") > int(parameter["MaxLength"])


def test_the_console_is_served_from_the_start_to_the_end(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.bundle = object()
    assert demo() is ExitCode.SUCCESS
    watched = ["worker starts", "registered", "worker ends"]
    assert world.log == ["up", "console starts", *watched, "console ends", "down"]
    told = capsys.readouterr().err
    assert told.index("console: http://127.0.0.1:1/key/console/") < told.index("submitted 1 jobs")


def test_the_demo_goes_on_without_a_console_that_was_not_built(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert demo() is ExitCode.SUCCESS
    assert "without the console: the console was not built" in capsys.readouterr().err

    def broken() -> None:
        raise CliError("no whole build")

    monkeypatch.setattr(console, "find_bundle", broken)
    assert demo() is ExitCode.SUCCESS
    assert "without the console: no whole build" in capsys.readouterr().err


def test_where_npm_can_not_be_reached_one_line_says_so(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.build.failure = "its packages could not be installed from npm"
    assert demo() is ExitCode.SUCCESS
    assert capsys.readouterr().err.count("without the console: its packages could not be installed") == 1


def test_an_older_console_is_better_than_none(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.build.failure = "its packages could not be installed from npm"
    world.bundle = object()
    assert demo() is ExitCode.SUCCESS
    assert "console starts" in world.log
    assert "the one that was built before: its packages" in capsys.readouterr().err


def test_the_demo_does_not_wait_for_the_console(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.build.is_over = False
    world.bundle = object()
    assert demo() is ExitCode.SUCCESS
    assert "console starts" not in world.log
    assert "ended without the console" in capsys.readouterr().err


def test_a_console_that_is_built_while_the_demo_runs_is_served_from_then_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build.is_over = False
    world.bundle = object()
    ended, world.jobs = world.jobs, [job_json(0, "RUNNING", started=1.0)]

    def pass_time() -> None:
        world.build.is_over = True
        world.jobs = ended

    monkeypatch.setattr(world, "check", pass_time)
    assert demo() is ExitCode.SUCCESS
    assert world.log[1:] == [
        "worker starts",
        "registered",
        "console starts",
        "worker ends",
        "console ends",
        "down",
    ]


class Keys:
    """A terminal at which somebody presses a key, Enter or Ctrl-C, once the demo waits."""

    def __init__(self, world: World, error: BaseException | None) -> None:
        self.pressed = False
        self._world = world
        self._error = error

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        self._world.log.append("waits")
        self.pressed = True
        if self._error is not None:
            raise self._error
        return "\n"


@pytest.mark.parametrize("error", [None, KeyboardInterrupt()], ids=["Enter", "Ctrl-C"])
def test_on_a_terminal_the_console_and_a_worker_stay_until_a_key(
    world: World, monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    world.bundle = object()
    monkeypatch.setattr(sys, "stdin", Keys(world, error))
    monkeypatch.setattr(sys, "stderr", Screen())
    assert run_demo(Session(), source=None, slots=2, keep_up=False) is ExitCode.SUCCESS
    staying = ["worker starts", "waits", "worker ends"]
    assert world.log[-5:] == [*staying, "console ends", "down"]


@pytest.mark.parametrize(
    ("output", "built", "terminal"),
    [(Output.JSON, True, True), (Output.TEXT, False, True), (Output.TEXT, True, False)],
)
def test_elsewhere_the_demo_ends_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch, output: Output, built: bool, terminal: bool
) -> None:
    world.bundle = object() if built else None
    keys = Keys(world, None)
    monkeypatch.setattr(sys, "stdin", keys)
    if terminal:
        monkeypatch.setattr(sys, "stderr", Screen())
    assert run_demo(Session(output), source=None, slots=2, keep_up=False) is ExitCode.SUCCESS
    assert not keys.pressed
