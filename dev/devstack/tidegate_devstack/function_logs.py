"""Keeps what functions print as AWS keeps it: at once, in one stream for each execution environment.

The unpatched emulator keeps the lines of an invocation after its end, in a new stream each time, whose name the
function can't know. Here a line is in the function's log group once it is printed. The stream has the name that the
environment variable AWS_LAMBDA_LOG_STREAM_NAME gives, and AWS_LAMBDA_LOG_GROUP_NAME names the group. The lines that
tell of an invocation's start and end stay in a stream of their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import new_uuid
from ministack.services import cloudwatch_logs, lambda_svc

_STREAM = "_tidegate_stream"


class _Spawning(threading.local):
    """The variables of the process that this thread is about to start."""

    variables: Mapping[str, str] = {}


def keep_lines_at_once() -> None:
    """Patches the emulator of this process. To be called after the credentials of functions are patched."""
    spawning = _Spawning()
    spawn = lambda_runtime.Worker._spawn
    emit = lambda_svc._emit_lambda_logs
    credentials_of = lambda_runtime.execution_credentials

    def spawn_with_a_stream(worker: Any) -> None:
        group, name = _group_of(worker.config), _stream_name(worker.config)
        setattr(worker, _STREAM, _made_stream(group, name))
        spawning.variables = {"AWS_LAMBDA_LOG_GROUP_NAME": group, "AWS_LAMBDA_LOG_STREAM_NAME": name}
        try:
            spawn(worker)
        finally:
            spawning.variables = {}

    def variables_of(configuration: Mapping[str, Any]) -> dict[str, str]:
        return {**credentials_of(configuration), **spawning.variables}

    def emit_the_frame(function: Any, request_id: str, _text: str, *rest: Any, **named: Any) -> None:
        emit(function, request_id, "", *rest, **named)

    # Patches ministack: `lambda_runtime.Worker`, because it keeps the lines of an invocation after its end only.
    lambda_runtime.Worker._spawn = spawn_with_a_stream
    lambda_runtime.Worker._read_stderr = _read_lines
    # Patches ministack: `lambda_runtime.execution_credentials`, whose values become variables of the new process,
    # because the emulator sets no name of a group, and one of a stream that does not exist.
    lambda_runtime.execution_credentials = variables_of
    # Patches ministack: `lambda_svc._emit_lambda_logs`, because it would keep each line a second time.
    lambda_svc._emit_lambda_logs = emit_the_frame


def _read_lines(worker: Any) -> None:
    """Reads what a function's process prints, in a thread of its own, until the process ends."""
    process, lines = worker._proc, worker._stderr_queue
    stream = getattr(worker, _STREAM, None)
    append: Callable[[Any, list[dict[str, Any]]], None] = cloudwatch_logs._append_log_events
    try:
        for line in process.stderr:
            text = line.rstrip("\n")
            lines.put(text)
            now_ms = int(time.time() * 1_000)
            if stream is not None:
                append(stream, [{"timestamp": now_ms, "message": text, "ingestionTime": now_ms}])
    except ValueError:
        return  # the emulator has closed the pipe


def _group_of(configuration: Mapping[str, Any]) -> str:
    stated = (configuration.get("LoggingConfig") or {}).get("LogGroup")
    return str(stated or f"/aws/lambda/{configuration.get('FunctionName', '')}")


def _stream_name(configuration: Mapping[str, Any]) -> str:
    day = time.strftime("%Y/%m/%d", time.gmtime())
    return f"{day}/[{configuration.get('Version', '$LATEST')}]{new_uuid().replace('-', '')}"


def _made_stream(group: str, name: str) -> Any:
    """Returns a new stream of the log group, as the emulator stores it; None if there is no such group."""
    if group not in cloudwatch_logs._log_groups:
        return None
    stream = {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": int(time.time() * 1_000),
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
    return cloudwatch_logs._log_groups[group]["streams"].setdefault(name, stream)
