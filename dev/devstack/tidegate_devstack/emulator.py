"""Starts the emulator's process, finds it again, and stops it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from tidegate_devstack import left_processes, processes, saved_state
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import ACCESS_KEY_ID, REGION, Progress
from tidegate_devstack.places import Places
from tidegate_devstack.private_files import UMASK, make_private_folder, open_private, replace_private
from tidegate_devstack.root_key import draw_root_secret

SECRET_FILE_VARIABLE = "TIDEGATE_LOCAL_SECRET_FILE"  # noqa: S105 - names a file  # nosec B105
EXECUTIONS_VARIABLE = "LAMBDA_ACCOUNT_CONCURRENCY"
"""The emulator's own setting for how many functions run at once."""
DEFAULT_EXECUTIONS = 16
LEAST_EXECUTIONS, MOST_EXECUTIONS = 4, 1_000
PROGRAM = ("-m", "tidegate_devstack.emulator_process")
# The last two name the certificates that this machine trusts, so that webhooks reach a receiver of its user.
_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
START_TRIES = 3
START_SECONDS = 60.0
STOP_SECONDS = 30.0


def executions_of_one_function(executions: int) -> int:
    """Returns how many of the `executions` one function may use: half, so that API calls never block the dispatcher."""
    return executions // 2


@dataclass(frozen=True, slots=True)
class Emulator:
    """The emulator's process and port. `mark` distinguishes it from a later process with the same pid.

    `executions` is how many functions it runs at once.
    """

    pid: int
    mark: str
    port: int
    executions: int = DEFAULT_EXECUTIONS

    @property
    def endpoint_url(self) -> str:
        """Returns the address at which it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """True if this process still runs; another process with the same pid does not count."""
        return processes.runs(self.pid, self.mark)

    def answers(self) -> bool:
        """Asks for its health, and returns True if it answers within 2 s."""
        try:
            return httpx.get(
                f"{self.endpoint_url}/_ministack/health", timeout=2.0, trust_env=False
            ).is_success
        except httpx.HTTPError:
            return False


def find_running(places: Places) -> Emulator | None:
    """Returns this home's emulator if it runs and answers; else None.

    An emulator that does not answer for 10 s is ended. So is one whose home has no secret: an old version started it,
    and it accepts requests from everybody.
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


def start(
    places: Places,
    progress: Progress,
    *,
    program: Sequence[str] = PROGRAM,
    salvage: bool = False,
    executions: int | None = None,
) -> Emulator:
    """Starts the emulator with its saved state, on its last port or, if that is taken, on another one.

    `program` are the arguments of the Python interpreter; a benchmark wraps the emulator in its own program. `salvage`
    uses the readable part of broken files. `executions` is how many functions run at once (default: the last number).
    Raises LocalStackError if the emulator does not start, or its saved state can't be read. The state stays unchanged.
    """
    places.claim_home()
    draw_root_secret(places)
    last = _read_record(places.emulator_record)
    left = _end_left(places, last)
    if left:
        progress(f"ended {left} processes that an earlier local AWS left behind")
    shutil.rmtree(places.scratch, ignore_errors=True)
    for folder in (places.state, places.scratch):
        make_private_folder(folder)
    saved_state.check(places, progress, salvage=salvage)
    saved_state.forget_stream_positions(places)
    if executions is None:
        executions = last.executions if last is not None else DEFAULT_EXECUTIONS
    earlier = last.port if last is not None else None
    port = earlier if earlier is not None and processes.is_free(earlier) else processes.free_port()
    for _ in range(START_TRIES):
        if earlier not in (None, port):
            progress(
                f"port {earlier} was taken by another program: the stack moves to port {port} with all its data "
                "(start its worker processes again)"
            )
        saved_state.move_to_port(places, port, earlier)
        progress(f"starting the local AWS on port {port}")
        emulator = _start_on(port, places, program, executions)
        if emulator is not None:
            return emulator
        earlier, port = port, processes.free_port()  # another program took the port first
    raise LocalStackError(f"the local AWS does not start; see {places.emulator_log}")


def stop(places: Places) -> bool:
    """Ends this home's emulator, which saves its state, and every process that it started.

    Returns False if the emulator was not running. Once the processes are gone, their temporary folders are removed.
    Raises LocalStackError if some of them do not end.
    """
    emulator = _read_record(places.emulator_record)
    # Processes are looked for before their parents end. Once orphaned, a process may have no other mark of this stack.
    before = left_processes.find(places, _leader(emulator))
    was_running = emulator is not None and processes.end(
        emulator.pid, emulator.mark, patience_seconds=STOP_SECONDS
    )
    _end_left(places, emulator, before)
    shutil.rmtree(places.scratch, ignore_errors=True)
    places.stack_info.unlink(missing_ok=True)
    return was_running


def forget_state(places: Places) -> None:
    """Removes the emulator's saved state, so that it starts empty."""
    shutil.rmtree(places.state, ignore_errors=True)
    for file in (places.stack_info, places.was_whole):
        file.unlink(missing_ok=True)


def _leader(emulator: Emulator | None) -> left_processes.Leader | None:
    return left_processes.Leader(emulator.pid, emulator.mark) if emulator is not None else None


def _end_left(places: Places, emulator: Emulator | None, before: Mapping[int, str] | None = None) -> int:
    try:
        return left_processes.end(places, _leader(emulator), (before or {}).items())
    except TimeoutError as error:
        raise LocalStackError(
            f"{error}: they belong to this stack; end them by hand and try again"
        ) from error


def _start_on(port: int, places: Places, program: Sequence[str], executions: int) -> Emulator | None:
    """Starts the emulator on `port` and returns it once it answers; None if it ends by itself, as on a taken port.

    Raises LocalStackError if it does not answer within `START_SECONDS`.
    """
    with open_private(places.emulator_log) as log:
        child = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=places.home,
            env=_environment(port, places, executions),
            umask=UMASK,  # functions inherit it
            start_new_session=True,  # Ctrl-C in the terminal must end the command, not the stack
        )
    processes.remember_child(child)
    try:
        mark = processes.start_mark(child.pid)
        if mark is None:
            return None
        emulator = Emulator(pid=child.pid, mark=mark, port=port, executions=executions)
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


def _environment(port: int, places: Places, executions: int) -> dict[str, str]:
    # Functions inherit the emulator's environment. So the emulator gets only these of the user's variables.
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(places.scratch),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",  # by default it listens on every interface
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true",
        EXECUTIONS_VARIABLE: str(executions),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(places.state),
        left_processes.MARK_VARIABLE: str(places.home),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(places.state / "s3"),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        SECRET_FILE_VARIABLE: str(places.root_secret),
        "AWS_DEFAULT_REGION": REGION,
    }


def _read_record(path: Path) -> Emulator | None:
    try:
        return Emulator(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_record(path: Path, emulator: Emulator) -> None:
    replace_private(path, json.dumps(asdict(emulator)) + "\n")
