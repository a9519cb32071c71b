"""The emulator's process: start, find again, stop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from tidegate_cli.local_stack import processes
from tidegate_cli.local_stack.errors import LocalStackError
from tidegate_cli.local_stack.model import ACCESS_KEY_ID, REGION, Progress
from tidegate_cli.local_stack.places import Places
from tidegate_cli.local_stack.private_files import (
    UMASK,
    make_private_folder,
    open_private,
    replace_private,
)
from tidegate_cli.local_stack.root_key import draw_root_secret

SECRET_FILE_VARIABLE = "TIDEGATE_LOCAL_SECRET_FILE"  # noqa: S105 - names a file  # nosec B105
PROGRAM = ("-m", "tidegate_cli.local_stack.emulator_process")
START_TRIES = 3
START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """The emulator's process and port. `mark` tells it from a later process with the same pid."""

    pid: int
    mark: str
    port: int

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether this very process still runs."""
        return processes.runs(self.pid, self.mark)

    def answers(self) -> bool:
        """Whether it answers requests now."""
        try:
            return httpx.get(
                f"{self.endpoint_url}/_ministack/health", timeout=2.0, trust_env=False
            ).is_success
        except httpx.HTTPError:
            return False


def find_running(places: Places) -> Emulator | None:
    """This home's emulator if it runs and answers; one that hangs is ended.

    One that was started when homes had no secret is ended too: it takes everybody's requests.
    """
    emulator = _read_record(places.emulator_record)
    if emulator is None or not emulator.is_running:
        return None
    deadline_s = time.monotonic() + 10.0
    while places.root_secret.exists() and time.monotonic() < deadline_s:
        if emulator.answers():
            return emulator
        time.sleep(0.2)
    processes.end(emulator.pid, emulator.mark, patience_seconds=STOP_SECONDS)
    return None


def start(places: Places, progress: Progress, *, program: Sequence[str] = PROGRAM) -> Emulator:
    """Starts the emulator on what it saved last time, if that still fits.

    `program` is what the interpreter is given to run; a benchmark puts its own around the emulator. Raises
    LocalStackError where it does not come up.
    """
    places.claim_home()
    draw_root_secret(places)
    last = _read_record(places.emulator_record)
    # Saved queues are known by addresses that hold the port: what was saved is of use on the same port only.
    if last is None or not processes.is_free(last.port):
        if last is not None and places.state.exists():
            progress(f"port {last.port} was taken by another program: starting over on a new one")
        forget_state(places)
    else:
        _forget_stream_positions(places.state)
    shutil.rmtree(places.scratch, ignore_errors=True)
    for folder in (places.state, places.scratch):
        make_private_folder(folder)
    port = last.port if last is not None and processes.is_free(last.port) else processes.free_port()
    for _ in range(START_TRIES):
        progress(f"starting the local AWS on port {port}")
        emulator = _start_on(port, places, program)
        if emulator is not None:
            return emulator
        port = processes.free_port()  # somebody was quicker
        forget_state(places)
        make_private_folder(places.state)
    raise LocalStackError(f"the local AWS does not start; see {places.emulator_log}")


def stop(places: Places) -> bool:
    """Ends this home's emulator, which saves its state; False if it was not running."""
    emulator = _read_record(places.emulator_record)
    was_running = emulator is not None and processes.end(
        emulator.pid, emulator.mark, patience_seconds=STOP_SECONDS
    )
    shutil.rmtree(places.scratch, ignore_errors=True)
    places.stack_info.unlink(missing_ok=True)
    return was_running


def forget_state(places: Places) -> None:
    """Removes what the emulator saved, so that it starts empty."""
    shutil.rmtree(places.state, ignore_errors=True)
    places.stack_info.unlink(missing_ok=True)


def _start_on(port: int, places: Places, program: Sequence[str]) -> Emulator | None:
    """The emulator, answering on `port`; None where it ended by itself, as it does when the port is taken."""
    with open_private(places.emulator_log) as log:
        child = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=places.home,
            env=_environment(port, places),
            umask=UMASK,  # functions take it over
            start_new_session=True,  # Ctrl-C in the terminal is for the command, not for the stack
        )
    processes.remember_child(child)
    try:
        mark = processes.start_mark(child.pid)
        if mark is None:
            return None
        emulator = Emulator(pid=child.pid, mark=mark, port=port)
        _write_record(places.emulator_record, emulator)
        deadline_s = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline_s:
            if child.poll() is not None:
                return None
            if emulator.answers():
                return emulator
            time.sleep(0.1)
    except BaseException:
        child.terminate()
        child.wait(timeout=STOP_SECONDS)
        raise
    child.kill()
    child.wait(timeout=STOP_SECONDS)
    raise LocalStackError(
        f"the local AWS did not answer within {START_SECONDS:.0f} s; see {places.emulator_log}"
    )


def _environment(port: int, places: Places) -> dict[str, str]:
    # Functions inherit the emulator's environment, so it gets nothing of the user's but these.
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(places.scratch),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",  # its default is every interface
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(places.state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(places.state / "s3"),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        SECRET_FILE_VARIABLE: str(places.root_secret),
        "AWS_DEFAULT_REGION": REGION,
    }


def _forget_stream_positions(state: Path) -> None:
    """Lets stream readers begin anew: the emulator saves how far they were, but not the streams themselves.

    Left in, it would pass over as many records as were ever read before.
    """
    path = state / "lambda.json"
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    payload = saved.get("payload") if isinstance(saved, dict) else None
    if isinstance(payload, dict) and payload.pop("dynamodb_stream_positions", None):
        path.write_text(json.dumps(saved), encoding="utf-8")


def _read_record(path: Path) -> Emulator | None:
    try:
        return Emulator(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_record(path: Path, emulator: Emulator) -> None:
    replace_private(path, json.dumps(asdict(emulator)) + "\n")
