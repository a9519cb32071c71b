"""The local AWS keeps a function's lines while it runs, in the stream whose name the function knows."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

_PATIENCE_SECONDS = 300

# In a process of its own, because it patches the emulator.
_SCRIPT = textwrap.dedent(
    """
    import io, json, threading, time, zipfile
    from ministack.core import lambda_runtime
    from ministack.services import cloudwatch_logs
    from tidegate_devstack.function_logs import keep_lines_at_once

    CODE = '''
    import os, pathlib, time

    def handler(event, context):
        print("first")
        while not pathlib.Path(event["until"]).exists():
            time.sleep(0.01)
        print("last")
        return [os.environ["AWS_LAMBDA_LOG_GROUP_NAME"], context.log_stream_name]
    '''

    import pathlib, tempfile
    until = pathlib.Path(tempfile.mkdtemp()) / "until"
    keep_lines_at_once()
    cloudwatch_logs._create_log_group({"logGroupName": "group"})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", CODE)
    configuration = {
        "FunctionName": "talker",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:talker",
        "Handler": "app.handler",
        "Runtime": "python3.11",
        "Timeout": 200,
        "LoggingConfig": {"LogGroup": "group"},
    }
    worker = lambda_runtime.Worker("talker", configuration, code.getvalue())
    answers = []
    running = threading.Thread(target=lambda: answers.append(worker.invoke({"until": str(until)}, "r")))
    running.start()

    def lines():
        streams = cloudwatch_logs._log_groups["group"]["streams"]
        return [event["message"] for stream in streams.values() for event in stream["events"]]

    deadline = time.monotonic() + 200
    while "first" not in lines() and time.monotonic() < deadline:
        time.sleep(0.01)
    seen = lines()
    until.touch()
    running.join()
    while "last" not in lines() and time.monotonic() < deadline:
        time.sleep(0.01)
    (stream,) = cloudwatch_logs._log_groups["group"]["streams"]
    print(json.dumps([seen, lines(), stream, answers[0].get("result")]))
    worker.kill()
    """
)


def test_a_line_is_kept_at_once_in_the_stream_that_the_function_knows() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    seen, lines, stream, known = json.loads(ran.stdout.splitlines()[-1])
    assert seen == ["first"], "the function still runs"
    assert lines == ["first", "last"]
    assert known == ["group", stream]
