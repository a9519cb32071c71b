"""The demo's job code and its workflow, run to the end in memory."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dev.simulator.memory.services import memory_services
from tests.harness.determined import HandClock
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.contracts.requests import read_workflow
from tidegate.domain.dependency import DependencyType
from tidegate.domain.job import Job
from tidegate.domain.pools import Pool, PoolKind
from tidegate.jobs.loader import load_registry
from tidegate.settings import Settings
from tidegate.usecases.dispatch.react import react
from tidegate.usecases.dispatch.tick import tick
from tidegate.usecases.submit.submit import submit_workflow
from tidegate.usecases.work.run import run_message
from tidegate_cli.demo import workflow
from tidegate_samples.text.counting import count_file
from tidegate_samples.text.jobs import REPORT_FOLDER_VARIABLE
from tidegate_samples.text.tree import ROOT_VARIABLE, list_groups

POOLS = {
    "lambda": Pool("lambda", "", PoolKind.FUNCTION, 840, capacity=2),
    "ecs": Pool("ecs", "", PoolKind.FUNCTION, 43_200, capacity=1),
}
MAX_ROUNDS = 2_000


def _run(body: dict[str, Any]) -> dict[str, Job]:
    """Submits the workflow and works until every job has ended. Returns the jobs by key."""
    clock = HandClock(1_795_485_600_000)
    settings = Settings(pools=POOLS, default_pool="lambda", window=1.0)
    registry = load_registry()
    services, world = memory_services(settings, registry=registry)
    world.now_ms = clock.at_ms
    executor = InlineExecutor(registry, clock, heartbeat_seconds=15)
    request, _ = read_workflow(json.dumps(body))
    accepted = submit_workflow(services, request, idempotency_key=None, fingerprint="f", now_ms=clock.at_ms)
    for _ in range(MAX_ROUNDS):
        clock.at_ms += 100
        world.now_ms = clock.at_ms
        changed = [change.new for change in world.changes if change.concerns_dispatcher]
        world.changes.clear()
        react(services, changed, now_ms=clock.at_ms)
        tick(services, now_ms=clock.at_ms)
        for pool in POOLS:
            for delivery in services.queue.receive(pool, limit=1, wait_seconds=0):
                clock.at_ms += 10
                run_message(services, executor, clock, delivery.message, f"worker of {pool}")
                services.queue.delete(pool, [delivery.receipt])
        jobs = services.jobs.get_many(list(accepted.job_ids.values()))
        if all(job.is_terminal for job in jobs.values()):
            return {key: jobs[job_id] for key, job_id in accepted.job_ids.items()}
    raise AssertionError("the workflow did not end")


def _without_waiting(body: dict[str, Any]) -> dict[str, Any]:
    for job in body["jobs"]:
        if job["type"] == "demo.start_signal":
            job["parameters"] = {"seconds": 0}
    return body


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Writes two packages and eight modules with two initials."""
    for name, lines in (("alpha", 30), ("beta", 3)):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("# two words\n" * lines, encoding="utf-8")
        (tmp_path / name / "deep" / "er.py").write_text("value = value + 1\n", encoding="utf-8")
    for number in range(7):
        (tmp_path / f"a{number}.py").write_text('"""One doc"""\n', encoding="utf-8")
    (tmp_path / "z.py").write_text("def broken(:\n  '''", encoding="utf-8")
    for ignored in ("tests", "__pycache__", ".git"):
        (tmp_path / ignored).mkdir()
        (tmp_path / ignored / "x.py").write_text("x = 1\n", encoding="utf-8")
    return tmp_path


def test_a_tree_is_grouped_by_package_and_initial(source: Path) -> None:
    groups = list_groups(source)
    assert [(group.name, group.initial, len(group.files)) for group in groups] == [
        ("alpha", "a", 2),
        ("beta", "b", 2),
        ("modules-a-1", "a", 6),
        ("modules-a-2", "a", 1),
        ("modules-z-1", "z", 1),
    ]


def test_a_folder_without_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds 0 Python files"):
        list_groups(tmp_path)


def test_a_file_is_counted_token_by_token(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("# one two\nfor name in names:\n    name('three')\n", encoding="utf-8")
    counts = count_file(path)
    assert (counts.lines, counts.words, counts.identifiers, counts.comment_characters) == (3, 4, 3, 9)
    assert counts.top_identifiers == {"name": 2, "names": 1}


@pytest.mark.parametrize("text", [b"def broken(:\n  '''", b"# \xff\n", b"if 1:\n  a\n b\n"])
def test_a_file_that_is_no_python_is_noted(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(text)
    assert (count_file(path).files, count_file(path).unreadable) == (1, 1)


def test_the_demo_of_the_standard_library_shows_everything() -> None:
    body = workflow.build()
    jobs = body["jobs"]
    keys = [job["key"] for job in jobs]
    assert len(jobs) >= 60
    assert len(set(keys)) == len(keys)
    assert set(keys) == workflow.expected_states().keys()
    assert len({job["priority"] for job in jobs if job["type"] == "text.count_package"}) == 3
    assert {job.get("pool", "lambda") for job in jobs} == {"lambda", "ecs"}
    kinds = {one.get("type", "MUST_SUCCEED") for job in jobs for one in job.get("depends_on", ())}
    assert kinds == set(DependencyType)
    registry = load_registry()
    assert not [job for job in jobs if registry.violations(job["type"], job.get("parameters", {}))]


def test_a_small_tree_runs_as_expected_and_is_reported(
    source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reports = tmp_path_factory.mktemp("reports")
    monkeypatch.setenv(REPORT_FOLDER_VARIABLE, str(reports))
    monkeypatch.setenv(ROOT_VARIABLE, str(source))
    jobs = _run(_without_waiting(workflow.build(source)))
    expected = workflow.expected_states(source)
    assert {key: job.state.value for key, job in jobs.items()} == expected
    assert expected["only-if-large"] == "SKIPPED"
    assert (jobs["flaky"].attempt, jobs["broken"].attempt) == (2, 1)
    reduced = jobs["reduce"].result
    assert isinstance(reduced, dict)
    assert (reduced["packages"], reduced["files"], reduced["unreadable"]) == (5, 12, 1)
    assert (reduced["lines"], reduced["largest"]) == (42, "alpha")
    (report,) = reports.iterdir()
    assert "| lines | 42 |" in report.read_text(encoding="utf-8")
    assert isinstance(jobs["report"].result, dict)
    assert jobs["report"].result["file"] == str(report)


def test_a_large_tree_takes_the_other_branch_and_urgent_packages_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(REPORT_FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    for number in range(12):
        package = tmp_path / f"p{number}"
        package.mkdir()
        for file in range(8):
            (package / f"m{file}.py").write_text("x = 1\n" * (number + 1), encoding="utf-8")
    for initial in "abcdef":
        (tmp_path / f"{initial}.py").write_text("y = 2\n", encoding="utf-8")
    body = _without_waiting(workflow.build(tmp_path))
    jobs = _run(body)
    assert {key: job.state.value for key, job in jobs.items()} == workflow.expected_states(tmp_path)
    assert jobs["only-if-large"].state == "SUCCEEDED"
    counts = [job for job in jobs.values() if job.type == "text.count_package" and job.pool == "lambda"]
    in_order = [job.priority for job in sorted(counts, key=lambda job: job.started_at_ms or 0)]
    assert in_order == sorted(in_order, reverse=True)
    assert Counter(in_order).keys() == {900, 100, 10}
    assert [job.priority for job in counts] != in_order
