"""The first process of a container: starts the worker, passes signals on to it, and collects dead processes.

The kernel gives every orphan of a container to process 1. A worker that is process 1 itself collects none of them, so
each stays as a zombie. The worker has an init of its own, in place of `tini` or the platform's, because those keep
the worker's environment where job code of the same user can read it. This init hides it.
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
_BY_A_SIGNAL = 128  # shells add this to the number of the signal


def run_as_init(run: Callable[[], int]) -> int:
    """Runs `run` in a child process; returns its exit code, or 128 plus the number of the signal that ended it.

    Call it before any thread is started. It hides this process and the child from other processes of their user.
    """
    hide_process()
    heard = {*PASSED_ON, signal.SIGCHLD}
    # The signals are blocked and waited for, so that none is lost between two waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os._exit(_code_of(run))
    try:
        while True:
            number = signal.sigwait(heard)
            if number in PASSED_ON:
                os.kill(child, number)  # the child is collected only below, so the id is still its own
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
    """Returns the names of the AWS keys among the variables `own` that job code can read from process 1.

    It can if another init runs there: `docker run --init`, or `InitProcessEnabled` of a task definition. `environ` is
    the file of process 1's variables.
    """
    try:
        held = set(environ.read_bytes().split(b"\0"))
    except OSError:  # the file is hidden, or belongs to another user, as it should
        return []
    keys = {name: value for name, value in own.items() if name.startswith("AWS_") and name not in _NO_SECRETS}
    return sorted(name for name, value in keys.items() if os.fsencode(f"{name}={value}") in held)


def _code_of(run: Callable[[], int]) -> int:
    """Returns the result of `run`, or its code if it leaves by `sys.exit`; 1 after an uncaught error."""
    try:
        return run()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - does the same as the interpreter at its end
        import traceback

        traceback.print_exc()
        return 1


def _collected(child: int) -> int | None:
    """Collects all dead processes; returns the status of `child` if it is among them."""
    status: int | None = None
    with suppress(ChildProcessError):
        while True:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                status = ended
    return status
