"""Job code sends its worker messages that only the code around it should send, and runs as soon as it is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest

from tests.harness.attack.isolation import HARMLESS, WORKERS_OWN, make_executor, result_of
from tests.harness.jobs.executors import CLOCK, Beats, assignment, has_progress
from tests.harness.processes import importing_environment
from tidegate.adapters.executors import job_process
from tidegate.adapters.executors.environment import job_environment
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain import limits
from tidegate.jobs.registry import RegistrationError
from tidegate.ports import OutcomeKind, Signal
from tidegate.settings import Tables


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = make_executor(job_environment({**HARMLESS, **WORKERS_OWN}, ()))
    yield made
    made.close()


# --- code that runs while job code is loaded --------------------------------------------------------------------

_START = """
    import sys
    from tidegate import bootstrap
    deps = bootstrap.process_worker()
    assert deps.services.registry.reads_upstreams("tidegate.noop") is False
    assert "tidegate.noop" in deps.services.registry.types()
    deps.executor.close()
    print(*(name for name in sys.modules if name.startswith("tidegate_jobs")))
"""
_POOLS = {"ecs": {"queue_url": "", "kind": "process", "max_timeout_seconds": 60}}


def _settings() -> dict[str, str]:
    zero = ("AGING_POINTS_PER_MINUTE", "RETRY_PENALTY_POINTS", "CRITICAL_PATH_WEIGHT")
    one = ("SHARDS", "WINDOW", "LEASE_SECONDS", "HEARTBEAT_SECONDS", "CANCEL_GRACE_SECONDS", "RETENTION_DAYS")
    return {
        "TIDEGATE_POOLS": json.dumps(_POOLS),
        "TIDEGATE_DEFAULT_POOL": "ecs",
        **{f"TIDEGATE_{name}": "0" for name in zero},
        **{f"TIDEGATE_{name}": "1" for name in one},
        **{f"TIDEGATE_TABLE_{name.upper()}": name for name in Tables.__dataclass_fields__},
    }


def _start_worker(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = importing_environment(**WORKERS_OWN, AWS_DEFAULT_REGION="us-east-1")
    del environment["AWS_PROFILE"]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_START)],
        env={**environment, **_settings(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workers_process_never_imports_job_code() -> None:
    ran = _start_worker()
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran.stderr


def test_a_worker_that_is_to_pass_keys_on_does_not_start() -> None:
    ran = _start_worker(TIDEGATE_JOB_ENVIRONMENT="HOME,AWS_SECRET_ACCESS_KEY")
    assert ran.returncode != 0
    assert "aws_credentials=True" in ran.stderr


def test_job_code_that_can_not_be_loaded_is_named() -> None:
    executor = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=15,
        cancel_grace_seconds=1,
        packages=("tests.harness.attack.isolation_broken",),
    )
    with pytest.raises(RegistrationError, match=r"isolation_broken.*no_such_library"):
        executor.job_types()
    outcome = executor.execute(assignment("tidegate.noop"), Beats())
    executor.close()
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNABLE, "process-not-started")


# --- messages of job code to its worker ----------------------------------------------------------------------------

_OWN = '"job_id": "JOB", "attempt": ATTEMPT'


@pytest.mark.parametrize(
    "raw",
    [
        "no JSON",
        "[" * 100_000,
        "[]",
        "{" + _OWN + "}",
        "{" + _OWN + ', "kind": "ended", "report": "WON"}',
        "{" + _OWN + ', "kind": "ended", "report": "FAILED", "code": "x"}',
        "{" + _OWN + ', "kind": "progress", "fraction": "half", "message": ""}',
    ],
)
def test_a_message_that_is_none_ends_the_attempt_and_not_the_worker(
    executor: ProcessExecutor, raw: str
) -> None:
    outcome = executor.execute(assignment("attack.forge", {"raw": raw}), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert result_of(executor, "attack.environment")


def test_a_message_without_end_ends_the_attempt(executor: ProcessExecutor) -> None:
    outcome = executor.execute(assignment("attack.announce-much"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")


def test_a_message_that_never_ends_keeps_no_worker_waiting(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_process, "_MESSAGE_SECONDS", 0.5)
    soon = assignment("attack.never-end-a-message", timeout_ms=15_000)
    before_ms = CLOCK.now_ms()
    outcome = executor.execute(soon, Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")
    assert CLOCK.now_ms() - before_ms < 10_000


def test_a_forged_result_is_held_to_the_limits(executor: ProcessExecutor) -> None:
    forged = "{" + _OWN + ', "kind": "ended", "report": "SUCCEEDED", "result": "' + "x" * 300_000 + '"}'
    outcome = executor.execute(assignment("attack.forge", {"raw": forged}), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "result-too-large")


def test_forged_progress_is_cut_to_what_can_be_stored(executor: ProcessExecutor) -> None:
    forged = "{" + _OWN + ', "kind": "progress", "fraction": NaN, "message": "' + "\\u001b" * 300 + '"}'
    beats = Beats(Signal.LOST, when=has_progress)
    executor.execute(assignment("attack.forge", {"raw": forged}), beats)
    (said,) = beats.progress
    assert 0 <= said.fraction <= 1
    assert said.message == "?" * limits.MAX_PROGRESS_CHARACTERS
