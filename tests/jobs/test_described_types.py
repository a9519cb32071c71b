"""A process with job code describes its types, and the worker trusts nothing of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, JOBCODE, Beats, assignment
from tidegate.adapters.executors import job_process, process_executor
from tidegate.adapters.executors.job_process import JobProcess
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.announcements import DescribedType
from tidegate.ports import OutcomeKind


def _make() -> ProcessExecutor:
    return ProcessExecutor(
        CLOCK, heartbeat_seconds=BEAT_SECONDS, cancel_grace_seconds=0.05, packages=(JOBCODE,)
    )


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = _make()
    yield made
    made.close()


def test_the_types_of_job_code_are_described_with_their_schemas(executor: ProcessExecutor) -> None:
    types = executor.job_types()
    described = {one.type: one for one in types.described}
    assert set(described) == {name for name in types.types() if not name.startswith(("tidegate.", "trace."))}
    sleeps = described["sample.print"]
    assert sleeps.schema is not None
    assert sleeps.schema["type"] == "object"
    assert sleeps.digest == {one.type: one for one in _described_again()}["sample.print"].digest
    assert executor.execute(assignment("sample.describe"), Beats()).kind is OutcomeKind.SUCCEEDED


def _described_again() -> tuple[DescribedType, ...]:
    other = _make()
    try:
        return other.job_types().described
    finally:
        other.close()


@pytest.mark.parametrize(
    "answer", [{"kind": "described"}, {"kind": "described", "types": {"sample.sleep": 5, "x": {}}}]
)
def test_nothing_that_job_code_says_of_its_types_is_trusted(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    receive = JobProcess.receive

    def lie(self: JobProcess) -> object:
        said = receive(self)
        return answer if said.get("kind") == "described" else said

    monkeypatch.setattr(JobProcess, "receive", lie)
    types = executor.job_types()
    assert types.described == ()
    assert "sample.describe" in types.types()


def test_a_worker_whose_types_cannot_be_described_runs_jobs_all_the_same(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_executor, "_DESCRIBE_SECONDS", 30.0)
    send = JobProcess.send

    def break_off(self: JobProcess, message: Mapping[str, object]) -> None:
        if message["kind"] == "describe":
            raise job_process.JobProcessError("gone")
        send(self, message)

    monkeypatch.setattr(JobProcess, "send", break_off)
    assert executor.job_types().described == ()
    assert executor.execute(assignment("sample.describe"), Beats()).kind is OutcomeKind.SUCCEEDED
