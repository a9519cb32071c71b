"""As the first process of a container, the worker leaves no zombies and receives signals."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.harness.processes import importing_environment
from tidegate_worker.init import keys_that_the_first_process_shows

ROOT = Path(__file__).resolve().parents[2]
ORPHANS = 5
COLLECTED_WITHIN_SECONDS = 3  # by an init; without one each stays
_NEW_NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
# The user of the namespace is its root, and could look into any process.
_WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]

_WORK = f"""
    import os, signal, sys, time
    from pathlib import Path
    from tidegate.kernel import adopt_orphans
    from tidegate_worker.init import run_as_init

    def leave_orphans():
        reading, writing = os.pipe()
        for _ in range({ORPHANS}):
            between = os.fork()
            if between == 0:
                orphan = os.fork()
                if orphan:
                    os.write(writing, b"%d " % orphan)
                os._exit(0)
            os.waitpid(between, 0)
        return [int(pid) for pid in os.read(reading, 1_000).split()]

    def state_of(pid):
        try:
            state, parent = Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            return "gone"
        return "zombie" if state == "Z" and int(parent) == FIRST else "runs"

    def work():
        orphans = leave_orphans()
        while "runs" in map(state_of, orphans):
            time.sleep(0.01)
        until = time.monotonic() + {COLLECTED_WITHIN_SECONDS}
        while "zombie" in map(state_of, orphans) and time.monotonic() < until:
            time.sleep(0.01)
        return sum(state_of(pid) == "zombie" for pid in orphans)

    def wait():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        os.write(1, b"ready\\n")
        time.sleep(60)
        return 1

    if sys.argv[2] == "adopts":
        adopt_orphans()
    FIRST = os.getpid()
    run = {{"work": work, "wait": wait}}[sys.argv[1]]
    sys.exit(run() if sys.argv[3] == "alone" else run_as_init(run))
"""


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(_WORK), *arguments]


def _zombies(*command: str) -> int:
    return subprocess.run(command, env=importing_environment(), check=False, timeout=60).returncode


@pytest.fixture
def namespace() -> list[str]:
    """Returns the command that makes another command process 1 of a namespace of its own."""
    try:
        tried = subprocess.run([*_NEW_NAMESPACE, "true"], capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        pytest.skip("this machine has no unshare: shown by orphans that are adopted, below")
    if tried.returncode != 0:
        pytest.skip("this machine allows no namespace of processes: shown by orphans that are adopted, below")
    return _NEW_NAMESPACE


def test_without_an_init_the_first_process_of_a_namespace_gathers_zombies(namespace: list[str]) -> None:
    assert _zombies(*namespace, *_command("work", "first", "alone")) == ORPHANS


def test_the_first_process_of_a_namespace_leaves_no_zombies(namespace: list[str]) -> None:
    assert _zombies(*namespace, *_command("work", "first", "init")) == 0


def test_the_worker_as_first_process_answers_with_its_own_exit_code(namespace: list[str]) -> None:
    environment = {
        name: value for name, value in importing_environment().items() if not name.startswith("TIDEGATE_")
    }
    command = [*namespace, sys.executable, "-m", "tidegate_worker", "--pool", "ecs"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert "environment variable 'TIDEGATE_POOLS' is missing" in ended.stderr


def test_a_worker_below_another_init_says_which_keys_that_one_shows(namespace: list[str]) -> None:
    """With `docker run --init` and `InitProcessEnabled`, the init holds the container's variables openly."""
    environment = {
        **{
            name: value
            for name, value in importing_environment().items()
            if not name.startswith(("TIDEGATE_", "AWS_"))
        },
        "AWS_REGION": "eu-central-1",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/secret",
    }
    worker = f"{sys.executable} -m tidegate_worker --pool ecs"
    for command, warns in ((f"{worker}; exit $?", True), (f"exec {worker}", False)):
        ended = subprocess.run(
            [*namespace, *_WITHOUT_PRIVILEGES, "/bin/sh", "-c", command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 2
        warning = "job code of every type can read AWS_CONTAINER_CREDENTIALS_RELATIVE_URI in process 1"
        assert (warning in ended.stderr) is warns, ended.stderr
        assert "secret" not in ended.stderr


def test_what_the_first_process_shows_is_told_by_name_and_value(tmp_path: Path) -> None:
    own = {"AWS_SECRET_ACCESS_KEY": "one", "AWS_PROFILE": "mine", "AWS_REGION": "eu", "HOME": "/"}
    shown = tmp_path / "environ"
    shown.write_bytes(b"HOME=/\0AWS_REGION=eu\0AWS_PROFILE=another\0AWS_SECRET_ACCESS_KEY=one\0")
    assert keys_that_the_first_process_shows(own, shown) == ["AWS_SECRET_ACCESS_KEY"]
    assert keys_that_the_first_process_shows(own, tmp_path / "hidden") == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux gives orphans to another process than the first"
)
def test_orphans_that_are_adopted_stay_as_zombies_without_an_init_and_not_with_it() -> None:
    assert _zombies(*_command("work", "adopts", "alone")) == ORPHANS
    assert _zombies(*_command("work", "adopts", "init")) == 0


def test_a_signal_reaches_the_worker() -> None:
    with subprocess.Popen(
        _command("wait", "first", "init"), env=importing_environment(), stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"ready\n"
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 7


def test_the_image_starts_with_that_init() -> None:
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", (ROOT / "worker" / "Dockerfile").read_text(), re.MULTILINE)
    assert entry == '["python", "-m", "tidegate_worker"]'
    assert "run_as_init" in (ROOT / "worker" / "tidegate_worker" / "__main__.py").read_text(encoding="utf-8")
