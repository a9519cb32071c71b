"""Every job type of examples/job_types runs in the executors that workers use, and does what it shows."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.examples.world import EXAMPLES, JOB_TYPES, REGISTRY
from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, Beats, assignment, has_progress
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.bootstrap import target_support
from tidegate.domain.job import Json
from tidegate.domain.states import State
from tidegate.jobs.registry import Registry
from tidegate.jobs.targets.file import register_targets
from tidegate.ports import Executor, Outcome, OutcomeKind, Signal, UpstreamResult
from tidegate_devstack.job_check import check_job_code

FOLDER = EXAMPLES / "job_types"
FILES = ["async_job.py", "idempotent.py", "progress.py", "word_count.py"]
TYPES = [name for name in REGISTRY.types() if name.startswith("example.")]
TARGETS = [
    "example.call",
    "example.container",
    "example.function",
    "example.machine",
    "example.report",
    "example.words",
]
GRACE_SECONDS = 60.0  # for job code to stop by itself
COMMAND = re.compile(r"echo '(?P<job>\{.*\})' \| tidegate submit -")


@pytest.fixture(scope="module", params=["inline", "process"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """The executor of the worker function, and that of worker processes."""
    if request.param == "inline":
        yield InlineExecutor(
            REGISTRY, CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=GRACE_SECONDS
        )
        return
    processes = ProcessExecutor(
        CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=GRACE_SECONDS, packages=(JOB_TYPES,)
    )
    yield processes
    processes.close()


def test_a_file_is_written_with_its_progress(executor: Executor, tmp_path: Path) -> None:
    file, beats = tmp_path / "rows.csv", Beats()
    outcome = executor.execute(assignment("example.export", {"file": str(file), "rows": 6}), beats)
    assert outcome == Outcome(OutcomeKind.SUCCEEDED, result={"rows": 6})
    assert file.read_text(encoding="utf-8").split() == ["0", "1", "2", "3", "4", "5"]
    fractions = [progress.fraction for progress in beats.progress]
    assert fractions
    assert fractions == sorted(fractions)


def test_a_cancelled_export_leaves_nothing(executor: Executor, tmp_path: Path) -> None:
    parameters: dict[str, Json] = {"file": str(tmp_path / "rows.csv"), "rows": 10_000}
    outcome = executor.execute(
        assignment("example.export", parameters), Beats(Signal.CANCEL, when=has_progress)
    )
    assert outcome.kind is OutcomeKind.CANCELLED
    assert list(tmp_path.iterdir()) == []


def test_a_payment_is_booked_once_however_often_its_code_runs(executor: Executor, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    job = assignment("example.pay", {"ledger": str(ledger), "cents": 1_250})
    first = executor.execute(job, Beats())
    second = executor.execute(replace(job, attempt=job.attempt + 1), Beats())
    assert (first.result, second.result) == ({"new": True}, {"new": False})
    with closing(sqlite3.connect(ledger)) as opened:
        assert opened.execute("SELECT job_id, cents FROM payments").fetchall() == [(job.job_id, 1_250)]


def test_open_ports_are_found(executor: Executor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound, but nothing listens there
        ports: list[Json] = [server.getsockname()[1], silent.getsockname()[1]]
        outcome = executor.execute(
            assignment("example.probe", {"host": "127.0.0.1", "ports": ports}), Beats()
        )
    assert outcome == Outcome(OutcomeKind.SUCCEEDED, result={"open": ports[:1]})


def test_words_are_counted_and_added_up(executor: Executor) -> None:
    counted = executor.execute(assignment("example.count_words", {"text": "the tide comes in"}), Beats())
    assert counted.result == {"words": 4}
    upstreams = [
        UpstreamResult("01JD.1", "poem", State.SUCCEEDED, counted.result),
        UpstreamResult("01JD.2", "letter", State.SUCCEEDED, {"words": 5}),
    ]
    added = executor.execute(assignment("example.total", upstreams=upstreams), Beats())
    assert added.result == {"texts": ["letter", "poem"], "words": 9}


def test_a_copy_is_job_code_that_can_be_deployed(tmp_path: Path) -> None:
    package = tmp_path / "tidegate_jobs"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in (*FILES, "targets.yaml"):
        shutil.copy(FOLDER / name, package)
    found = check_job_code(tmp_path)
    assert (found.faults, found.unchecked) == ((), ())
    python = [each["type"] for each in found.types if not each["code"].endswith("targets.yaml")]
    assert [name for name in python if name.startswith("example.")] == TYPES
    assert [each["type"] for each in found.targets] == TARGETS


def _targets() -> Registry:
    registry = Registry()
    assert list(register_targets(FOLDER, registry, target_support())) == []
    return registry


@pytest.mark.parametrize("name", [*FILES, "targets.yaml"])
def test_the_command_that_a_file_names_is_valid(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    command = COMMAND.search(text)
    if command is None:
        workflow = re.search(r"tidegate run examples/(\S+)", text)
        assert workflow is not None
        assert (EXAMPLES / workflow[1]).is_file()
        return
    job = json.loads(command["job"])
    registry, types = (_targets(), TARGETS) if name == "targets.yaml" else (REGISTRY, TYPES)
    assert job["type"] in types
    assert not registry.violations(job["type"], job["parameters"])


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessExecutor]:
    made = ProcessExecutor(
        CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=GRACE_SECONDS, packages=(JOB_TYPES,)
    )
    yield made
    made.close()


def test_the_commands_of_the_example_run_in_worker_processes(processes: ProcessExecutor) -> None:
    words = processes.execute(assignment("example.words", {"text": "a b c"}), Beats())
    assert (words.kind, words.result) == (OutcomeKind.SUCCEEDED, 4), words
    report = processes.execute(assignment("example.report", {"report": "year"}), Beats())
    assert (report.kind, report.result) == (OutcomeKind.SUCCEEDED, {"pages": 3}), report


def test_the_sample_command_runs() -> None:
    made = ProcessExecutor(
        CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=1, packages=("tidegate_samples",)
    )
    try:
        outcome = made.execute(assignment("demo.checksum", {"text": "abc"}), Beats())
    finally:
        made.close()
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert outcome.result == {"sha256": abc, "bytes": 3}, outcome
