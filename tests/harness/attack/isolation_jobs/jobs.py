"""Job code that takes everything it can reach."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tidegate.domain.job import Json
from tidegate.jobs import JobContext, Parameters, job

MARK = "left behind by the last job"


class Nothing(Parameters):
    pass


class Where(Parameters):
    path: Path


class Process(Parameters):
    pid: int


@job("attack.environment")
def environment(parameters: Nothing, context: JobContext) -> Json:
    return dict(os.environ)


@job("attack.environment-of-a-program")
def environment_of_a_program(parameters: Nothing, context: JobContext) -> Json:
    command = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@job("attack.asks-for-keys", aws_credentials=True)
def asks_for_keys(parameters: Nothing, context: JobContext) -> Json:
    own = Path("/proc/self/environ")
    return {
        "environment": dict(os.environ),
        "process": os.getpid(),
        "at_start": own.read_bytes().decode() if os.access(own, os.R_OK) else "",
    }


@job("attack.waits-with-keys", aws_credentials=True)
def waits_with_keys(parameters: Nothing, context: JobContext) -> None:
    context.progress(0.5, str(os.getpid()))
    context.sleep(120)


def _worker() -> int:
    """Finds the process above this one's two keepers. The kernel's process list is open to every user."""
    pid = os.getppid()
    for _ in range(2):
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        pid = int(status.rpartition(")")[2].split()[1])
    return pid


@job("attack.read-process")
def read_process(parameters: Process, context: JobContext) -> Json:
    """Returns the data that another process of the same user reveals. 0 stands for the worker's own process."""
    folder = Path("/proc") / str(parameters.pid or _worker())
    found: dict[str, Json] = {}
    for name in ("environ", "mem", "maps"):
        try:
            with (folder / name).open("rb") as file:
                found[name] = file.read(1_000_000).decode(errors="replace") if name == "environ" else "open"
        except OSError as error:
            found[name] = type(error).__name__
    return found


@job("attack.leave-files")
def leave_files(parameters: Nothing, context: JobContext) -> Json:
    Path("here.txt").write_text(MARK, encoding="utf-8")
    descriptor, name = tempfile.mkstemp()
    os.write(descriptor, MARK.encode())
    os.close(descriptor)
    locked = Path("locked")
    locked.mkdir()
    (locked / "deep.txt").write_text(MARK, encoding="utf-8")
    locked.chmod(0)
    return {"files": [name, str(Path("here.txt").resolve())], "folder": str(Path.cwd())}


@job("attack.leave-a-way-out")
def leave_a_way_out(parameters: Where, context: JobContext) -> Json:
    Path("out").symlink_to(parameters.path)
    return str(Path.cwd())


@job("attack.replace-its-folder")
def replace_its_folder(parameters: Where, context: JobContext) -> Json:
    """Replaces its folder by a link to a folder of another owner."""
    own = Path.cwd()
    own.rmdir()
    own.symlink_to(parameters.path)
    return str(own)


@job("attack.widen-its-folder")
def widen_its_folder(parameters: Nothing, context: JobContext) -> Json:
    Path.cwd().chmod(0o777)
    return str(Path.cwd())


@job("attack.find-files")
def find_files(parameters: Nothing, context: JobContext) -> Json:
    folders = {Path.cwd(), Path(tempfile.gettempdir())}
    return {
        "folder": str(Path.cwd()),
        "temporary": tempfile.gettempdir(),
        "mode": Path.cwd().stat().st_mode & 0o777,
        "found": sorted(str(path) for folder in folders for path in folder.rglob("*")),
    }


@job("attack.move-away")
def move_away(parameters: Where, context: JobContext) -> Json:
    os.chdir(parameters.path)
    os.environ["LEFT"] = MARK
    os.environ.pop("PATH", None)
    return os.getpid()


@job("attack.leave-a-program")
def leave_a_program(parameters: Nothing, context: JobContext) -> Json:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    time.sleep(0.1)
    return left.pid


class Message(Parameters):
    raw: str


def _lines_to_the_worker() -> list[int]:
    """Returns the sockets of this process, one of which leads to the worker."""
    return [number for number in range(3, 64) if _is_socket(number)]


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


@job("attack.forge")
def forge(parameters: Message, context: JobContext) -> Json:
    """Sends the worker messages that only the code around the job should send."""
    content = parameters.raw.replace("JOB", context.job_id).replace("ATTEMPT", str(context.attempt)).encode()
    for number in _lines_to_the_worker():
        os.write(number, struct.pack("!i", len(content)) + content)
    time.sleep(120)
    return "not reached"


@job("attack.announce-much")
def announce_much(parameters: Nothing, context: JobContext) -> None:
    """Announces a message of 2 GB. The worker must neither wait for it nor reserve memory for it."""
    for number in _lines_to_the_worker():
        os.write(number, struct.pack("!i", 2_000_000_000) + b"x" * 1_000)
    time.sleep(120)


@job("attack.never-end-a-message")
def never_end_a_message(parameters: Nothing, context: JobContext) -> None:
    """Announces a message of an allowed size, and sends it byte by byte."""
    (number,) = _lines_to_the_worker()
    os.write(number, struct.pack("!i", 1_000_000))
    for _ in range(1_200):
        os.write(number, b"x")
        time.sleep(0.1)
