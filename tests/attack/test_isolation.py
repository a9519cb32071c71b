"""Job code tries to read what is not its own: the worker's keys, its process, and what the last job left."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.executors import CLOCK, Beats, assignment, has_progress
from tidegate.adapters.job_environment import JobEnvironment, job_environment
from tidegate.adapters.process_executor import ProcessExecutor
from tidegate.domain import limits
from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Json
from tidegate.handlers.registry import RegistrationError
from tidegate.ports import OutcomeKind, Signal
from tidegate.settings import Tables

JOBS = "tests.attack.isolation_jobs"
SECRET = "s3cret-of-the-worker"
WORKERS_OWN = {
    "AWS_ACCESS_KEY_ID": "AKIA" + SECRET,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SECRET,
    "AWS_PROFILE": SECRET,
    "AWS_WEB_IDENTITY_TOKEN_FILE": SECRET,
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/" + SECRET,
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/" + SECRET,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": SECRET,
    "ECS_AGENT_URI": "http://169.254.170.2/api/" + SECRET,
    "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/" + SECRET,
    "TIDEGATE_TABLE_JOBS": SECRET,
    "DATABASE_PASSWORD": SECRET,
}
HARMLESS = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/worker",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "Europe/Berlin",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
PR_CAPBSET_DROP = 24


def _executor(environment: JobEnvironment, **options: Any) -> ProcessExecutor:
    return ProcessExecutor(
        CLOCK,
        heartbeat_seconds=0.02,
        cancel_grace_seconds=0.05,
        package=JOBS,
        environment=environment,
        **options,
    )


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = _executor(job_environment({**HARMLESS, **WORKERS_OWN}, ()))
    yield made
    made.close()


def _result(executor: ProcessExecutor, job_type: str, parameters: Mapping[str, Json] | None = None) -> Any:
    outcome = executor.execute(assignment(job_type, parameters), Beats())
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
    return outcome.result


def test_job_code_sees_none_of_the_workers_own_variables(executor: ProcessExecutor) -> None:
    found = _result(executor, "attack.environment")
    assert SECRET not in json.dumps(found)
    assert found.keys().isdisjoint(WORKERS_OWN)
    assert {name: found[name] for name in HARMLESS} == HARMLESS


def test_a_program_that_job_code_starts_sees_none_either(executor: ProcessExecutor) -> None:
    assert SECRET not in _result(executor, "attack.environment-of-a-program")


def test_an_sdk_in_job_code_finds_no_keys_by_itself(executor: ProcessExecutor) -> None:
    found = _result(executor, "attack.environment")
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert {found["AWS_CONFIG_FILE"], found["AWS_SHARED_CREDENTIALS_FILE"]} == {os.devnull}


def test_what_an_operator_names_is_passed_and_nothing_else(tmp_path: Path) -> None:
    own = {**HARMLESS, **WORKERS_OWN, "REPORTS": str(tmp_path)}
    executor = _executor(job_environment(own, ("REPORTS", "NOT_THERE")))
    try:
        found = _result(executor, "attack.environment")
    finally:
        executor.close()
    assert found["REPORTS"] == str(tmp_path)
    assert "NOT_THERE" not in found
    assert SECRET not in json.dumps(found)


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "ECS_AGENT_URI", "A=B", ""],
)
def test_an_operator_can_not_pass_keys_to_every_type_by_name(name: str) -> None:
    with pytest.raises(TidegateError, match="TIDEGATE_JOB_ENVIRONMENT"):
        job_environment(WORKERS_OWN, (name,))


def test_a_type_that_asks_for_keys_gets_them_and_only_them(executor: ProcessExecutor) -> None:
    found = _result(executor, "attack.asks-for-keys")
    environment = found["environment"]
    given = {name for name, value in environment.items() if SECRET in value}
    assert given == {name for name in WORKERS_OWN if name.startswith("AWS_")}
    assert "AWS_EC2_METADATA_DISABLED" not in environment


def test_keys_that_a_type_asked_for_stay_in_its_processes(executor: ProcessExecutor) -> None:
    with_keys = _result(executor, "attack.asks-for-keys")["process"]
    assert SECRET not in json.dumps(_result(executor, "attack.environment"))
    assert _result(executor, "attack.move-away", {"path": "/"}) != with_keys
    assert _result(executor, "attack.asks-for-keys")["process"] == with_keys


def test_the_keys_are_not_in_what_the_kernel_keeps_of_a_process_start(executor: ProcessExecutor) -> None:
    assert SECRET not in _result(executor, "attack.asks-for-keys")["at_start"]


def test_each_attempt_has_a_folder_of_its_own_and_leaves_nothing(executor: ProcessExecutor) -> None:
    left = _result(executor, "attack.leave-files")
    assert all(Path(name).is_relative_to(left["folder"]) for name in left["files"])
    assert not Path(left["folder"]).exists()
    found = _result(executor, "attack.find-files")
    assert found["folder"] == found["temporary"] != left["folder"]
    assert (found["mode"], found["found"]) == (0o700, [])


def test_removing_a_folder_follows_no_link(executor: ProcessExecutor, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept", encoding="utf-8")
    folder = _result(executor, "attack.leave-a-way-out", {"path": str(tmp_path)})
    assert not Path(folder).exists()
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "kept"


def test_what_one_job_sets_in_its_process_the_next_does_not_find(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    process = _result(executor, "attack.move-away", {"path": str(tmp_path)})
    found = _result(executor, "attack.environment")
    assert "LEFT" not in found
    assert found["PATH"] == HARMLESS["PATH"]
    assert _result(executor, "attack.find-files")["folder"] != str(tmp_path)
    assert _result(executor, "attack.move-away", {"path": "/"}) == process, "the process was used again"


def test_a_killed_attempt_leaves_no_folder_either(tmp_path: Path) -> None:
    executor = _executor(job_environment({**HARMLESS, **WORKERS_OWN}, ()), scratch=tmp_path)
    outcome = executor.execute(assignment("attack.waits-with-keys"), Beats(Signal.LOST, when=has_progress))
    executor.close()
    assert outcome.kind is OutcomeKind.LOST
    assert list(tmp_path.iterdir()) == []


def test_with_a_process_for_each_attempt_nothing_in_memory_stays() -> None:
    executor = _executor(job_environment(HARMLESS, ()), reuse_processes=False)
    try:
        left = _result(executor, "attack.leave-a-program")
        first = _result(executor, "attack.move-away", {"path": "/"})
        assert _result(executor, "attack.move-away", {"path": "/"}) != first
    finally:
        executor.close()
    state = Path(f"/proc/{left}/stat")
    assert not state.exists() or ") Z" in state.read_text(encoding="utf-8")


# --- code that runs while job code is loaded --------------------------------------------------------------------

_START = """
    import sys
    from tidegate import bootstrap
    deps = bootstrap.process_worker()
    assert deps.services.catalogue.reads_upstreams("tidegate.noop") is False
    assert "tidegate.noop" in deps.services.catalogue.types()
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
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, **WORKERS_OWN, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": paths}
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
        CLOCK, heartbeat_seconds=15, cancel_grace_seconds=1, package="tests.attack.isolation_broken"
    )
    with pytest.raises(RegistrationError, match=r"isolation_broken.*no_such_library"):
        executor.job_types()
    outcome = executor.execute(assignment("tidegate.noop"), Beats())
    executor.close()
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-not-started")


# --- what job code says to its worker ------------------------------------------------------------------------------

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
    assert _result(executor, "attack.environment")


def test_a_message_without_end_ends_the_attempt(executor: ProcessExecutor) -> None:
    outcome = executor.execute(assignment("attack.announce-much"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "process-died")


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


# --- the worker's process and other attempts' -------------------------------------------------------------------

_WORKER = """
    import json, os, sys, threading
    from tests.attack.test_isolation import HARMLESS, WORKERS_OWN, _executor, _result
    from tests.handlers.executors import Beats, assignment
    from tidegate.adapters.job_environment import job_environment
    from tidegate.handlers.privacy import hide_process
    hides = sys.argv[1] == "hidden"
    if hides:
        hide_process()
    executor = _executor(job_environment(os.environ, ()))
    answer = {"worker": _result(executor, "attack.read-process", {"pid": 0})}
    beats = Beats()
    threading.Thread(target=executor.execute, args=(assignment("attack.waits-with-keys"), beats),
                     daemon=True).start()
    while not beats.progress:
        pass
    sibling = int(beats.progress[0].message)
    answer["sibling"] = _result(executor, "attack.read-process", {"pid": sibling})
    executor.close()
    print(json.dumps(answer))
"""


def _without_privileges() -> None:
    """A process of root's is as powerless as any user's once it may never have a capability."""
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1


def _probe(mode: str) -> Any:
    environment = {**os.environ, **WORKERS_OWN, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_WORKER), mode],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=_without_privileges,
    )
    return json.loads(ran.stdout)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
REFUSED = {"environ": "PermissionError", "mem": "PermissionError", "maps": "PermissionError"}


@linux_only
def test_a_process_of_the_same_user_can_not_read_a_hidden_worker_or_another_attempt() -> None:
    assert _probe("hidden") == {"worker": REFUSED, "sibling": REFUSED}


@linux_only
def test_that_attack_works_on_a_worker_that_does_not_hide() -> None:
    found = _probe("open")
    assert SECRET in found["worker"]["environ"]
    assert found["worker"]["mem"] == "open"
    assert found["sibling"] == REFUSED, "each attempt's process hides itself"
