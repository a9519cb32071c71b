"""The parts of the local stack that need no emulator."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from tidegate_devstack import LocalStackError, LocalState, down, logs, processes, sam, saved_state, status
from tidegate_devstack import emulator as emulators
from tidegate_devstack.emulator import Emulator
from tidegate_devstack.model import StackInfo, read_info, write_info
from tidegate_devstack.places import Places

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
BUILT = {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
READ_BY_BUILD = (
    "Runtime",
    "Architectures",
    "CodeUri",
    "ContentUri",
    "CompatibleRuntimes",
    "CompatibleArchitectures",
)


def silent(line: str) -> None:
    """Takes a line of progress and prints nothing."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Makes a small project to hash and build."""
    for name, text in {
        "template.yaml": "Resources: {}\n",
        "samconfig.toml": '[local.deploy.parameters]\nparameter_overrides = ["Shards=2", "Window=2"]\n',
        "functions/api/app.py": "pass\n",
        "layers/core/tidegate/__init__.py": "pass\n",
        "dev/requirements/dev.txt": "boto3==1\n",
    }.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "project"


@pytest.fixture
def places(project: Path, tmp_path: Path) -> Places:
    """Returns the paths of a stack that never ran."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Places(project=project, home=home)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process that would run for long."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    processes.remember_child(child)
    yield child
    child.kill()
    child.wait()


def mark_of(child: subprocess.Popen[bytes]) -> str:
    """Returns the start mark of a running process."""
    mark = processes.start_mark(child.pid)
    assert mark is not None
    return mark


# --- processes ---------------------------------------------------------------------------------------------


def test_a_process_is_ended_by_pid_and_mark(sleeper: subprocess.Popen[bytes]) -> None:
    mark = mark_of(sleeper)
    assert processes.runs(sleeper.pid, mark)
    assert processes.end(sleeper.pid, mark, patience_seconds=5.0)
    assert not processes.runs(sleeper.pid, mark)


def test_another_process_with_the_same_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    assert not processes.end(sleeper.pid, "some earlier start", patience_seconds=1.0)
    assert processes.runs(sleeper.pid, mark_of(sleeper))


def test_a_process_that_ignores_the_request_is_ended_hard() -> None:
    code = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        processes.remember_child(child)
        assert child.stdout is not None
        child.stdout.readline()
        assert processes.end(child.pid, mark_of(child), patience_seconds=0.2)
        assert child.wait(timeout=5) != 0


def test_a_dead_child_does_not_look_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    processes.remember_child(child)
    deadline_s = time.monotonic() + 10
    while processes.start_mark(child.pid) is not None and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert processes.start_mark(child.pid) is None


def test_ports() -> None:
    port = processes.free_port()
    assert processes.is_free(port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not processes.is_free(port)


# --- building and deploying --------------------------------------------------------------------------------


def test_the_content_hash_follows_every_input(project: Path) -> None:
    seen = {sam.content_hash(project, {"Shards": "2"})}
    assert sam.content_hash(project, {"Shards": "2"}) in seen
    seen.add(sam.content_hash(project, {"Shards": "3"}))
    for name in (
        "template.yaml",
        "functions/api/app.py",
        "layers/core/tidegate/__init__.py",
        "dev/requirements/dev.txt",
    ):
        path = project / name
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
        seen.add(sam.content_hash(project, {"Shards": "2"}))
    (project / "functions" / "api" / "more.py").touch()
    seen.add(sam.content_hash(project, {"Shards": "2"}))
    assert len(seen) == 7


def test_the_content_hash_ignores_what_running_leaves_behind(project: Path) -> None:
    before = sam.content_hash(project, {})
    cache = project / "layers" / "core" / "tidegate" / "__pycache__"
    cache.mkdir()
    (cache / "x.cpython-311.pyc").write_bytes(b"x")
    assert sam.content_hash(project, {}) == before


def test_local_parameters_come_from_samconfig_and_this_machine(project: Path) -> None:
    parameters = sam.local_parameters(project, {"Window": "3"})
    assert parameters["Shards"] == "2"
    assert parameters["Window"] == "3"
    assert parameters["Runtime"] == f"python3.{sys.version_info.minor}"
    assert parameters["Architecture"] in {"arm64", "x86_64"}


def test_a_parameter_of_the_deployment_alone_deploys_the_same_build_again(project: Path) -> None:
    parameters = sam.local_parameters(project, {"Window": "3"})
    others = {**parameters, "Window": "4"}
    assert sam.build_parameters(parameters) == sam.build_parameters(others)
    assert sam.build_parameters(parameters).keys() == {"Runtime", "Architecture"}
    assert sam.deployment_hash("one", parameters) != sam.deployment_hash("one", others)
    assert sam.deployment_hash("one", parameters) != sam.deployment_hash("two", parameters)


def named_in(value: Any) -> Iterator[str]:
    """Yields the names that a part of a template refers to, and the functions that it calls."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [str(inner)] if key == "Ref" else [key] if key.startswith("Fn::") else named_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named_in(inner)


def test_the_template_names_no_other_parameter_where_a_build_reads_it() -> None:
    template, problems = decode(str(TEMPLATE))
    assert not problems, problems
    built = [each for each in template["Resources"].values() if each["Type"] in BUILT]
    read = [each.get("Metadata") for each in built]
    for properties in (template["Globals"]["Function"], *(each["Properties"] for each in built)):
        read += [properties.get(name) for name in READ_BY_BUILD]
    assert set(named_in(read)) == set(sam.BUILD_PARAMETERS)


def test_nothing_is_built_twice(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def fake_run(verb: str, arguments: object, at: Places, *, endpoint_url: str | None) -> None:
        built.append(verb)
        at.build.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(sam, "_run", fake_run)
    for digest in ("one", "one", "two"):
        sam.build(places, {}, digest, silent)
    assert built == ["build", "build"]


def test_a_failed_build_is_told_and_tried_again(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing_run(verb: str, arguments: object, at: Places, *, endpoint_url: str | None) -> None:
        raise LocalStackError("sam build failed")

    monkeypatch.setattr(sam, "_run", failing_run)
    for _ in range(2):
        with pytest.raises(LocalStackError, match="sam build failed"):
            sam.build(places, {}, "one", silent)


def test_the_users_own_aws_configuration_stays_out(monkeypatch: pytest.MonkeyPatch, places: Places) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    for environment in (
        sam._environment("http://127.0.0.1:1", "word"),
        emulators._environment(1, places, 16),
    ):
        assert "AWS_PROFILE" not in environment
        assert "AWS_SESSION_TOKEN" not in environment
    assert emulators._environment(1, places, 16)["BIND_HOST"] == "127.0.0.1"


def test_functions_trust_the_certificates_that_the_user_trusts(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/own/authorities.pem")
    assert emulators._environment(1, places, 16)["SSL_CERT_FILE"] == "/own/authorities.pem"


# --- finding a stack again ---------------------------------------------------------------------------------


def test_a_stack_that_never_ran_is_stopped(places: Places) -> None:
    assert status(home=places.home).state is LocalState.STOPPED
    assert not down(silent, home=places.home)


def test_a_stale_record_is_no_running_stack(places: Places, sleeper: subprocess.Popen[bytes]) -> None:
    record = Emulator(pid=sleeper.pid, mark="some earlier start", port=processes.free_port())
    emulators._write_record(places.emulator_record, record)
    assert status(home=places.home).state is LocalState.STOPPED
    assert not down(silent, home=places.home)
    assert processes.runs(sleeper.pid, mark_of(sleeper))


def test_an_emulator_of_before_there_were_secrets_is_ended(
    places: Places, sleeper: subprocess.Popen[bytes]
) -> None:
    record = Emulator(pid=sleeper.pid, mark=mark_of(sleeper), port=processes.free_port())
    emulators._write_record(places.emulator_record, record)
    assert emulators.find_running(places) is None
    assert processes.start_mark(sleeper.pid) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_broken_record_is_no_running_stack(places: Places, text: str) -> None:
    places.emulator_record.write_text(text, encoding="utf-8")
    places.stack_info.write_text(text, encoding="utf-8")
    assert status(home=places.home).state is LocalState.STOPPED
    assert read_info(places.stack_info) is None


def test_stack_info_is_written_whole_and_for_the_user_only(places: Places) -> None:
    info = StackInfo(
        api_url="http://127.0.0.1:1/live",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        access_key_id="key",
        secret_access_key="word",
        outputs={"ApiId": "x"},
        environment={"TIDEGATE_SHARDS": "2"},
        port=1,
        pid=2,
    )
    write_info(places.stack_info, info)
    assert read_info(places.stack_info) == info
    assert places.stack_info.stat().st_mode & 0o077 == 0
    assert info.process_environment()["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert info.process_environment()["TIDEGATE_SHARDS"] == "2"


def test_stream_positions_do_not_outlive_the_streams(places: Places) -> None:
    places.state.mkdir()
    saved = {"format": 2, "payload": {"esms": {"a": 1}, "dynamodb_stream_positions": {"data": {"x": 7}}}}
    (places.state / "lambda.json").write_text(json.dumps(saved), encoding="utf-8")
    saved_state.forget_stream_positions(places)
    left = json.loads((places.state / "lambda.json").read_text(encoding="utf-8"))
    assert left == {"format": 2, "payload": {"esms": {"a": 1}}}


def test_logs_name_the_functions_there_are(places: Places) -> None:
    with pytest.raises(
        LocalStackError, match="functions are api, console, dispatcher, reaper, recorder, webhooks, worker"
    ):
        logs("nobody", home=places.home)
    with pytest.raises(LocalStackError, match="not up"):
        logs("api", home=places.home)


def test_two_commands_wait_for_each_other(places: Places) -> None:
    order: list[str] = []
    said: list[str] = []

    def second() -> None:
        with places.lock_home(said.append):
            order.append("second")

    with places.lock_home(silent):
        thread = threading.Thread(target=second)
        thread.start()
        deadline_s = time.monotonic() + 10
        while not said and time.monotonic() < deadline_s:
            time.sleep(0.02)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert "waiting for another" in said[0]
