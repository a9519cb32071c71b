"""Undoes the changes that job code made to its process, and reports those that can't be undone.

A process runs one attempt after the other. Most changes of an attempt are undone, back to the state after job code
was loaded. If a change can't be undone, the process ends and the worker starts another one.
"""

from __future__ import annotations

import gc
import locale
import multiprocessing
import os
import random  # noqa: TID251 - only seeds the generator of job code, draws nothing
import resource
import signal
import socket
import stat
import sys
import threading
from contextlib import suppress
from io import TextIOWrapper

from tidegate import kernel
from tidegate.jobs.logging_state import LoggingState

STANDARD_STREAMS = (0, 1, 2)
MAX_OPEN_FILES_LEFT = 64
"""Sockets and pipes that may stay open, because a module may keep connections for the next job."""
_NAMES = ("stdin", "stdout", "stderr")
_HOOKS = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_LIMITS = sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})
# The unwrapped function, because Python's wrapper looks up a name for each of 60 signals and is many times slower.
_handler_of = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
_UNBLOCKABLE = {signal.SIGKILL, signal.SIGSTOP}
_MIB_BYTES = 1_048_576
_PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1_024  # the unit of ru_maxrss (getrusage(2))


class ProcessSettings:
    """The settings of this process that Python code can change and that can be restored; `restore` brings them back.

    Create and restore it in the main thread.
    """

    def __init__(self) -> None:
        self._umask = _umask()
        self._handlers = {number: _handler_of(number) for number in _signals()}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._hooks = {name: getattr(sys, name) for name in _HOOKS}
        self._thread_hook = threading.excepthook
        self._lists = {name: list(getattr(sys, name)) for name in ("path", "argv", "meta_path", "path_hooks")}
        self._recursion_limit = sys.getrecursionlimit()
        self._switch_interval_s = sys.getswitchinterval()
        self._collects, self._thresholds = gc.isenabled(), gc.get_threshold()
        self._locale = locale.setlocale(locale.LC_ALL)
        self._socket_timeout_s = socket.getdefaulttimeout()
        self._trace, self._profile = sys.gettrace(), sys.getprofile()
        self._start_method = multiprocessing.get_start_method(allow_none=True)

    def restore(self) -> None:
        """Restores all settings, and seeds `random` again."""
        self._restore_signals()
        self._restore_interpreter()
        random.seed()
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None:
            numpy_random.seed()

    def _restore_signals(self) -> None:
        for timer in _TIMERS:
            signal.setitimer(timer, 0)
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            # Python can't restore a handler that it did not set.
            if handler is not None and _handler_of(number) != handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _restore_interpreter(self) -> None:
        os.umask(self._umask)
        for name, hook in self._hooks.items():
            setattr(sys, name, hook)
        threading.excepthook = self._thread_hook
        for name, values in self._lists.items():
            held = getattr(sys, name)
            if held != values:
                setattr(sys, name, list(values))
        sys.setrecursionlimit(self._recursion_limit)
        sys.setswitchinterval(self._switch_interval_s)
        if sys.gettrace() != self._trace:
            sys.settrace(self._trace)
        if sys.getprofile() != self._profile:
            sys.setprofile(self._profile)
        gc.set_threshold(*self._thresholds)
        (gc.enable if self._collects else gc.disable)()
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        socket.setdefaulttimeout(self._socket_timeout_s)
        if multiprocessing.get_start_method(allow_none=True) != self._start_method:
            multiprocessing.set_start_method(self._start_method, force=True)


class ProcessState:
    """The state of this process at its creation; `restore` brings it back.

    Create it in the main thread, after all job code is loaded and all threads of the process itself run.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._settings = ProcessSettings()
        self._streams = {name: getattr(sys, name) for name in _NAMES}
        self._standard = {number: os.dup(number) for number in STANDARD_STREAMS}
        self._logging = LoggingState()
        self._threads = frozenset(sys._current_frames())
        self._fixed = _fixed()
        self._memory_mb = memory_mb()
        # The check excludes the descriptor that read the list itself, because the next opened file gets its number.
        self._open = frozenset(number for number in _open_descriptors() if _file_of(number) is not None)

    def restore(self, *, max_growth_mb: int) -> str:
        """Undoes the changes of an attempt.

        Returns the reason why the process must not run another job, or an empty text. `max_growth_mb` is the memory
        in MiB that the process may have gained since its start.
        """
        try:
            self._put_back()
            return self._what_stays(max_growth_mb)
        except Exception as error:  # noqa: BLE001 - job code may have broken anything that this needs
            return f"a change of job code that can't be undone ({type(error).__name__})"

    def _put_back(self) -> None:
        self._settings.restore()
        self._restore_streams()
        self._logging.restore()
        kernel.die_with_parent(self._parent)
        kernel.adopt_orphans(adopts=False)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # collects dead processes that job code did not wait for

    def _restore_streams(self) -> None:
        flush_streams()
        for number, copy in self._standard.items():
            if _file_of(number) != _file_of(copy):
                os.dup2(copy, number)
        for number, name in enumerate(_NAMES):
            stream = self._streams[name]
            if stream is None or stream.closed or _number_of(stream) != number:
                stream = self._streams[name] = opened_stream(number)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def _what_stays(self, max_growth_mb: int) -> str:
        """Returns the first thing that job code left and that can't be undone, or an empty text."""
        if not self._threads.issuperset(sys._current_frames()):
            return "a thread that job code left running"
        if _fixed() != self._fixed:
            return "a limit, a priority or a user that job code changed"
        if _left_files(self._open):
            gc.collect()  # this closes files that job code only forgot
        left = _left_files(self._open)
        if left:
            return left
        grown_mb = memory_mb() - self._memory_mb
        if grown_mb > max_growth_mb:
            gc.collect()
            grown_mb = memory_mb() - self._memory_mb
        if grown_mb > max_growth_mb:
            return f"{grown_mb:,} MiB of memory that job code keeps; {max_growth_mb:,} may stay"
        return ""


def flush_streams() -> None:
    """Writes out everything that job code printed and that Python and C still buffer."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # an object of job code may do anything
            stream.flush()
    kernel.flush_c_streams()


def memory_mb() -> int:
    """Returns the memory that this process uses, in MiB.

    If the system does not report it, the result is the highest use so far.
    """
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - a Path costs more than the call
            pages = int(file.read().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT_BYTES // _MIB_BYTES
    return pages * resource.getpagesize() // _MIB_BYTES


def _signals() -> set[int]:
    return {int(number) for number in signal.valid_signals()} - _UNBLOCKABLE


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _fixed() -> tuple[object, ...]:
    """Returns the settings that a process without privileges can change but not change back."""
    limits = tuple(resource.getrlimit(number) for number in _LIMITS)
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    users = (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), tuple(os.getgroups()))
    return limits, affinity, users, os.getpriority(os.PRIO_PROCESS, 0), os.getsid(0)


def _open_descriptors() -> set[int]:
    """Returns the open descriptors of this process; none where the system does not list them."""
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    try:
        return {int(name) for name in os.listdir(folder)}  # noqa: PTH208 - a Path costs more than the call
    except OSError:
        return set()


def _left_files(at_start: frozenset[int]) -> str:
    """Returns a text about files or connections that job code left open and that the next job must not meet."""
    count = 0
    for number in _open_descriptors() - at_start:
        with suppress(OSError):  # the descriptor that read the list is closed already
            mode = os.fstat(number).st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                return "a file that job code left open"
            count += 1
    return f"{count} open connections that job code left" if count > MAX_OPEN_FILES_LEFT else ""


def _file_of(number: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _number_of(stream: object) -> int | None:
    try:
        return int(stream.fileno())  # type: ignore[attr-defined] # job code may put any object there
    except Exception:  # noqa: BLE001 - an object of job code may do anything
        return None


def opened_stream(number: int) -> TextIOWrapper:
    """Returns a new stream object for a standard descriptor; closing it leaves the descriptor open."""
    mode = "r" if number == 0 else "w"
    file = open(number, f"{mode}b", buffering=-1 if number == 0 else 0, closefd=False)  # noqa: SIM115 - it stays open
    return TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", write_through=number != 0)
