"""Job code that leaves processes behind in every way a program can, and changes its own process."""

from __future__ import annotations

import ctypes
import locale
import logging
import multiprocessing
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from decimal import getcontext
from pathlib import Path

from tidegate.domain.job import Json
from tidegate.jobs import JobContext, Parameters, job

LONG_SECONDS = 120
_HELD: list[object] = []
getcontext()  # as a module may: from then on every copy of the context shares this object
_SET_PDEATHSIG = 1  # linux/prctl.h
KEEPER_SIGNALS = {
    "kill-keeper": signal.SIGKILL,
    "stop-keeper": signal.SIGSTOP,
    "stop-keeper-and-wait": signal.SIGSTOP,
}


class Nothing(Parameters):
    pass


class Notes(Parameters):
    """A folder where each process left behind notes its number."""

    folder: Path
    how: str = "plain"
    then: str = "return"


class Amount(Parameters):
    amount: int


# The program notes its number. Then it writes the numbers it reads into the same folder as long as it lives.
_PROGRAM = f"""
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / f"pid-{{os.getpid()}}").touch()
for _ in range({LONG_SECONDS * 100}):
    (folder / f"alive-{{os.getpid()}}").write_text(str(time.monotonic()))
    time.sleep(0.01)
"""


def _run_program(folder: Path, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, str(folder)], **options)  # type: ignore[call-overload,no-any-return]


def _daemonise(folder: Path) -> None:
    """Forks as daemons do: fork, a session of its own, fork again, and the process between ends."""
    between = os.fork()
    if between == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(  # noqa: S606 - a daemon
                sys.executable, [sys.executable, "-c", _PROGRAM, str(folder)]
            )
        os._exit(0)
    os.waitpid(between, 0)


def _fork_headless(folder: Path) -> None:
    """Ends the first thread, so that the process looks like a zombie while another thread of it runs on."""

    def run_on() -> None:
        (folder / f"pid-{os.getpid()}").touch()
        time.sleep(LONG_SECONDS)

    if os.fork() == 0:
        threading.Thread(target=run_on).start()
        ctypes.CDLL(None).pthread_exit(None)


def leave(folder: Path, how: str) -> None:
    """Leaves a process behind."""
    if how == "plain":
        _run_program(folder)
    elif how == "nohup":
        command = f"nohup {sys.executable} -c '{_PROGRAM}' {folder} >/dev/null 2>&1 &"
        subprocess.run(["/bin/sh", "-c", command], check=True)
    elif how == "session":
        _run_program(folder, start_new_session=True, stdin=subprocess.DEVNULL)
    elif how == "double-fork":
        _daemonise(folder)
    elif how == "fork":
        if os.fork() == 0:
            (folder / f"pid-{os.getpid()}").touch()
            time.sleep(LONG_SECONDS)
            os._exit(0)
    elif how == "headless":
        _fork_headless(folder)
    elif how == "many":
        for _ in range(4):
            _daemonise(folder)
            _run_program(folder)
    elif how == "deaf":  # the kernel no longer ends this process when its keeper ends
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, 0, 0, 0, 0)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        _daemonise(folder)
    else:
        raise ValueError(how)


@job("process.leave")
def leave_processes(parameters: Notes, context: JobContext) -> Json:
    """Leaves processes behind, waits until they run, and ends in the way that it was told."""
    expected = 8 if parameters.how == "many" else 1
    leave(parameters.folder, parameters.how)
    while len(list(parameters.folder.glob("pid-*"))) < expected:
        time.sleep(0.01)
    context.progress(0.5, "left")
    if parameters.then == "fail":
        raise RuntimeError("after it left a process")
    if parameters.then == "die":
        os._exit(7)
    if parameters.then in KEEPER_SIGNALS:
        os.kill(os.getppid(), KEEPER_SIGNALS[parameters.then])
    if parameters.then in ("wait", "stop-keeper-and-wait", "kill-keeper"):
        context.sleep(LONG_SECONDS)
    if parameters.then == "c-code":
        time.sleep(0.5)  # until the progress is on its way: no other thread runs after this point
        re.match(r"(a|a)+$", "a" * 200 + "b")
    return os.getpid()


@job("process.wait")
def wait(parameters: Amount, context: JobContext) -> Json:
    """Waits for `amount` milliseconds. Returns how long it took, in seconds."""
    began = time.monotonic()
    time.sleep(parameters.amount / 1_000)
    return time.monotonic() - began


@job("process.observe")
def observe(parameters: Nothing, context: JobContext) -> Json:
    """Returns what a job sees of its process."""
    return {
        "process": os.getpid(),
        "folder": str(Path.cwd()),
        "umask": os.umask(os.umask(0o022)),
        "random": random.random(),
        "root level": logging.getLogger().level,
        "root handlers": [type(handler).__name__ for handler in logging.getLogger().handlers],
        "other level": logging.getLogger("somebody").level,
        "disabled": logging.root.manager.disable,
        "sigterm": str(signal.getsignal(signal.SIGTERM)),
        "mask": sorted(int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "alarm": signal.getitimer(signal.ITIMER_VIRTUAL),
        "path": [entry for entry in sys.path if entry == "/somewhere"],
        "recursion": sys.getrecursionlimit(),
        "numbers": locale.setlocale(locale.LC_ALL),
        "warnings": [list(map(str, entry)) for entry in warnings.filters],
        "socket timeout": socket.getdefaulttimeout(),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "precision": getcontext().prec,
        "zone": time.tzname[0],
        "variable": os.environ.get("LEFT"),
        "hook": sys.excepthook is sys.__excepthook__,
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    }


@job("process.change-everything")
def change_everything(parameters: Nothing, context: JobContext) -> Json:
    """Changes all process state that can be restored."""
    os.chdir("/")
    os.umask(0)
    os.environ["LEFT"] = "here"
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    random.seed(7)
    logging.getLogger().setLevel(logging.CRITICAL)
    logging.getLogger().handlers.clear()
    logging.getLogger("somebody").setLevel(logging.ERROR)
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGALRM})
    signal.setitimer(signal.ITIMER_VIRTUAL, 500)
    sys.path.insert(0, "/somewhere")
    sys.setrecursionlimit(5_000)
    sys.excepthook = lambda *_: None
    locale.setlocale(locale.LC_ALL, "C")
    warnings.simplefilter("error")
    socket.setdefaulttimeout(3)
    multiprocessing.set_start_method("spawn", force=True)
    getcontext().prec = 3
    return os.getpid()


@job("process.close-streams")
def close_streams(parameters: Nothing, context: JobContext) -> Json:
    sys.stdout.close()
    sys.stderr.close()
    sys.stdin.close()
    for number in (0, 1, 2):
        os.close(number)
    return os.getpid()


@job("process.print")
def print_something(parameters: Nothing, context: JobContext) -> Json:
    sys.stdout.write("to stdout\n")
    sys.stderr.write("to stderr\n")
    logging.getLogger("job.code").info("by a logger")
    os.write(1, b"no end of line")
    return os.getpid()


@job("process.print-in-c")
def print_in_c(parameters: Nothing, context: JobContext) -> Json:
    ctypes.CDLL(None).puts(b"by the C library")
    return os.getpid()


@job("process.print-rubbish")
def print_rubbish(parameters: Nothing, context: JobContext) -> Json:
    os.write(1, b"\xff\xfe\x00 no text \x1b[31m\n")
    os.write(2, b"x" * 100_000 + b"\nafter the long line\n")
    return os.getpid()


@job("process.print-much")
def print_much(parameters: Amount, context: JobContext) -> Json:
    line = b"y" * 99 + b"\n"
    for _ in range(parameters.amount // 100):
        os.write(1, line)
    return os.getpid()


@job("process.print-by-a-program")
def print_by_a_program(parameters: Nothing, context: JobContext) -> Json:
    subprocess.run(["/bin/echo", "from a program"], check=True)
    return os.getpid()


@job("process.leave-a-thread")
def leave_a_thread(parameters: Nothing, context: JobContext) -> Json:
    threading.Thread(target=time.sleep, args=(LONG_SECONDS,), daemon=True).start()
    return os.getpid()


@job("process.leave-a-file")
def leave_a_file(parameters: Nothing, context: JobContext) -> Json:
    _HELD.append(Path("held").open("w", encoding="utf-8"))  # noqa: SIM115 - this job leaks it on purpose
    return os.getpid()


@job("process.leave-connections")
def leave_connections(parameters: Amount, context: JobContext) -> Json:
    _HELD.extend(socket.socketpair() for _ in range(parameters.amount // 2))
    return os.getpid()


@job("process.leave-memory")
def leave_memory(parameters: Amount, context: JobContext) -> Json:
    _HELD.append(b"\x01" * (parameters.amount * 1_048_576))
    return os.getpid()


@job("process.lower-a-limit")
def lower_a_limit(parameters: Nothing, context: JobContext) -> Json:
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    return os.getpid()


@job("process.swallow-exceptions")
def swallow_exceptions(parameters: Amount, context: JobContext) -> Json:
    """Runs on for `amount` milliseconds and ignores every interrupt."""
    until = time.monotonic() + parameters.amount / 1_000
    while time.monotonic() < until:
        try:
            while time.monotonic() < until:
                pass
        except BaseException:  # noqa: BLE001, S110 - this job ignores them on purpose
            pass
    return "it never stopped"


@job("process.hold-back-signals")
def hold_back_signals(parameters: Amount, context: JobContext) -> Json:
    """Blocks interrupts for `amount` milliseconds, and forgets to allow them again."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGALRM})
    time.sleep(parameters.amount / 1_000)
    return "held back"


@job("process.fork-and-return")
def fork_and_return(parameters: Nothing, context: JobContext) -> Json:
    """Forks, and returns in both the process and its copy.

    Returns the exit status of the copy, or None if it runs on.
    """
    copy = os.fork()
    if copy == 0:
        raise RuntimeError("the copy's own end")
    until = time.monotonic() + 5
    while time.monotonic() < until:
        pid, status = os.waitpid(copy, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


@job("process.hold-the-interpreter")
def hold_the_interpreter(parameters: Nothing, context: JobContext) -> None:
    sum(range(10**13))  # one call of C code that checks no signal and lets no other thread run


@job("process.read-and-spoil-streams")
def read_and_spoil_streams(parameters: Nothing, context: JobContext) -> Json:
    read = os.read(0, 100).decode()
    os.write(1, b'\xff\xfe\x00 no text\n{"status": "ok"}\n')
    os.write(2, b"\xff on the other one\n" + b"x" * 200_000 + b"\n")
    subprocess.run(["/bin/echo", "from a program"], check=True)
    for stream in (sys.stdout, sys.stderr, sys.stdin, sys.__stdout__, sys.__stderr__):
        assert stream is not None
        stream.close()
    os.close(1)
    os.close(2)
    logging.disable(logging.CRITICAL)
    return read
