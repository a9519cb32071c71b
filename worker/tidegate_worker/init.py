"""The first process of a container: starts the worker, passes signals on to it, and collects dead processes.

The kernel gives process 1 every orphan of its container. A worker that is process 1 itself collects none of them, and
each stays as a zombie. This init is the worker's own program and not `tini` or the platform's: those hold the worker's
environment where job code of the same user can read it, and this one hides.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tidegate.kernel import hide_process

PASSED_ON = frozenset(
    {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
)
_NO_SECRETS = frozenset({"AWS_DEFAULT_REGION", "AWS_REGION"})
_BY_A_SIGNAL = 128  # what shells add to its number


def run_as_init(run: Callable[[], int]) -> int:
    """Runs `run` in a child process and returns its exit code; 128 and the number where a signal ended it.

    To be called before any thread is started. Hides this process and the child from others of their user.
    """
    hide_process()
    heard = {*PASSED_ON, signal.SIGCHLD}
    # Blocked and waited for: no handler runs, and none is lost between two waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os._exit(_code_of(run))
    try:
        while True:
            number = signal.sigwait(heard)
            if number in PASSED_ON:
                os.kill(child, number)  # it is collected below only, so the number is still its own
                continue
            status = _collected(child)
            if status is not None:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else _BY_A_SIGNAL - code
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def keys_that_the_first_process_shows(
    own: Mapping[str, str], environ: Path = Path("/proc/1/environ")
) -> list[str]:
    """The names of AWS keys among the variables `own` that process 1 holds where job code can read them, too.

    Another init than this one does so: `docker run --init`, or `InitProcessEnabled` of a task definition.
    """
    try:
        held = set(environ.read_bytes().split(b"\0"))
    except OSError:  # hidden, or another user's, as it should be
        return []
    keys = {name: value for name, value in own.items() if name.startswith("AWS_") and name not in _NO_SECRETS}
    return sorted(name for name, value in keys.items() if os.fsencode(f"{name}={value}") in held)


def _code_of(run: Callable[[], int]) -> int:
    """Returns what `run` returns, also where it leaves by `sys.exit`; 1 after an error that nobody caught."""
    try:
        return run()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        import traceback

        traceback.print_exc()
        return 1


def _collected(child: int) -> int | None:
    """Collects all that has ended; returns the status of `child` where it is among them."""
    status: int | None = None
    with suppress(ChildProcessError):
        while True:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                status = ended
    return status
