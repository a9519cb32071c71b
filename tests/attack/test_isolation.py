"""Job code tries to read data that is not its own: the worker's keys, its process, and files of earlier jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.attack.isolation import (
    HARMLESS,
    SECRET,
    WORKERS_OWN,
    make_executor,
    result_of,
    without_privileges,
)
from tests.harness.jobs.executors import Beats, assignment, has_progress
from tests.harness.processes import importing_environment, is_running
from tidegate import bootstrap
from tidegate.adapters.executors.environment import job_environment
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.errors import TidegateError
from tidegate.ports import OutcomeKind, Signal
from tidegate_worker import main
from tidegate_worker.worker_options import WorkerArguments


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = make_executor(job_environment({**HARMLESS, **WORKERS_OWN}, ()))
    yield made
    made.close()


def test_job_code_sees_none_of_the_workers_own_variables(executor: ProcessExecutor) -> None:
    found = result_of(executor, "attack.environment")
    assert SECRET not in json.dumps(found)
    assert found.keys().isdisjoint(WORKERS_OWN)
    assert {name: found[name] for name in HARMLESS} == HARMLESS


def test_a_program_that_job_code_starts_sees_none_either(executor: ProcessExecutor) -> None:
    assert SECRET not in result_of(executor, "attack.environment-of-a-program")


def test_an_sdk_in_job_code_finds_no_keys_by_itself(executor: ProcessExecutor) -> None:
    found = result_of(executor, "attack.environment")
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert {found["AWS_CONFIG_FILE"], found["AWS_SHARED_CREDENTIALS_FILE"]} == {os.devnull}


def test_what_an_operator_names_is_passed_and_nothing_else(tmp_path: Path) -> None:
    own = {**HARMLESS, **WORKERS_OWN, "REPORTS": str(tmp_path)}
    executor = make_executor(job_environment(own, ("REPORTS", "NOT_THERE")))
    try:
        found = result_of(executor, "attack.environment")
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
    found = result_of(executor, "attack.asks-for-keys")
    environment = found["environment"]
    given = {name for name, value in environment.items() if SECRET in value}
    assert given == {name for name in WORKERS_OWN if name.startswith("AWS_")}
    assert "AWS_EC2_METADATA_DISABLED" not in environment


def test_keys_that_a_type_asked_for_stay_in_its_processes(executor: ProcessExecutor) -> None:
    with_keys = result_of(executor, "attack.asks-for-keys")["process"]
    assert SECRET not in json.dumps(result_of(executor, "attack.environment"))
    assert result_of(executor, "attack.move-away", {"path": "/"}) != with_keys
    assert result_of(executor, "attack.asks-for-keys")["process"] == with_keys


def test_the_keys_are_not_in_what_the_kernel_keeps_of_a_process_start(executor: ProcessExecutor) -> None:
    assert SECRET not in result_of(executor, "attack.asks-for-keys")["at_start"]


def test_each_attempt_has_a_folder_of_its_own_and_leaves_nothing(executor: ProcessExecutor) -> None:
    left = result_of(executor, "attack.leave-files")
    assert all(Path(name).is_relative_to(left["folder"]) for name in left["files"])
    assert not Path(left["folder"]).exists()
    found = result_of(executor, "attack.find-files")
    assert found["folder"] == found["temporary"] != left["folder"]
    assert (found["mode"], found["found"]) == (0o700, [])


def test_removing_a_folder_follows_no_link(executor: ProcessExecutor, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept", encoding="utf-8")
    folder = result_of(executor, "attack.leave-a-way-out", {"path": str(tmp_path)})
    assert not Path(folder).exists()
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "kept"


def test_a_link_in_the_place_of_the_folder_is_not_followed(executor: ProcessExecutor, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o750)
    (tmp_path / "theirs" / "kept.txt").write_text("kept", encoding="utf-8")
    folder = result_of(executor, "attack.replace-its-folder", {"path": str(tmp_path)})
    assert not os.path.lexists(folder)
    assert (tmp_path / "theirs" / "kept.txt").exists()
    assert (tmp_path / "theirs").stat().st_mode & 0o777 == 0o750
    found = result_of(executor, "attack.find-files")
    assert (found["mode"], found["found"]) == (0o700, [])
    assert found["folder"] != str(tmp_path)


def test_a_folder_that_was_opened_to_others_is_not_used_again(executor: ProcessExecutor) -> None:
    folder = result_of(executor, "attack.widen-its-folder")
    assert not Path(folder).exists()
    assert result_of(executor, "attack.find-files")["mode"] == 0o700


def test_what_one_job_sets_in_its_process_the_next_does_not_find(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    process = result_of(executor, "attack.move-away", {"path": str(tmp_path)})
    found = result_of(executor, "attack.environment")
    assert "LEFT" not in found
    assert found["PATH"] == HARMLESS["PATH"]
    assert result_of(executor, "attack.find-files")["folder"] != str(tmp_path)
    assert result_of(executor, "attack.move-away", {"path": "/"}) == process, "the process was used again"


def test_a_killed_attempt_leaves_no_folder_either(tmp_path: Path) -> None:
    executor = make_executor(job_environment({**HARMLESS, **WORKERS_OWN}, ()), scratch=tmp_path)
    outcome = executor.execute(assignment("attack.waits-with-keys"), Beats(Signal.LOST, when=has_progress))
    executor.close()
    assert outcome.kind is OutcomeKind.LOST
    assert list(tmp_path.iterdir()) == []


def test_with_a_process_for_each_attempt_nothing_in_memory_stays() -> None:
    executor = make_executor(job_environment(HARMLESS, ()), reuse_processes=False)
    try:
        left = result_of(executor, "attack.leave-a-program")
        first = result_of(executor, "attack.move-away", {"path": "/"})
        assert result_of(executor, "attack.move-away", {"path": "/"}) != first
    finally:
        executor.close()
    assert not is_running(left)


# --- the worker's process and other attempts -----------------------------------------------------------------------

_WORKER = """
    import json, os, sys, threading
    from tests.harness.attack.isolation import HARMLESS, WORKERS_OWN, make_executor, result_of, without_privileges
    from tests.harness.jobs.executors import Beats, assignment
    from tidegate.adapters.executors.environment import job_environment
    from tidegate.kernel import hide_process
    hides = sys.argv[1] == "hidden"
    if hides:
        hide_process()
    executor = make_executor(job_environment(os.environ, ()))
    answer = {"worker": result_of(executor, "attack.read-process", {"pid": 0})}
    beats = Beats()
    threading.Thread(target=executor.execute, args=(assignment("attack.waits-with-keys"), beats),
                     daemon=True).start()
    while not beats.progress:
        pass
    sibling = int(beats.progress[0].message)
    answer["sibling"] = result_of(executor, "attack.read-process", {"pid": sibling})
    executor.close()
    print(json.dumps(answer))
"""


def _probe(mode: str) -> Any:
    environment = importing_environment(**WORKERS_OWN)
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_WORKER), mode],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=without_privileges,
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


def test_a_worker_hides_before_it_reads_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def start(*bounds: int) -> bootstrap.ProcessDeps:
        done.append("reads")
        raise KeyError("TIDEGATE_POOLS")

    monkeypatch.setattr(main, "hide_process", lambda: done.append("hides"))
    monkeypatch.setattr(bootstrap, "process_worker", start)
    assert main.run_worker(WorkerArguments(pool="ecs", slots=1)) == main.EXIT_USAGE
    assert done == ["hides", "reads"]
