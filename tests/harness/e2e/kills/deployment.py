"""The stack of the kill test: the real template with shorter timeouts, and the test's job code in its workers."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tidegate_devstack import StackInfo

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_JOB_CODE = Path(__file__).with_name("recorded_job.py")
_EVENTS = Path(__file__).resolve().parents[4] / "events"
_PACKAGE = "tidegate_jobs"
_ONCE = Config(connect_timeout=2, read_timeout=30, retries={"total_max_attempts": 1}, proxies={})


def lambda_client(stack: StackInfo) -> LambdaClient:
    """Makes a client of the stack's functions that does not repeat a failed call."""
    return stack.session().client("lambda", endpoint_url=stack.endpoint_url, config=_ONCE)


def prepare(stack: StackInfo, *, resend_after_seconds: int, hidden_seconds: int) -> None:
    """Adds a layer with the job code to the functions that know job types, and shortens the timeouts.

    The reaper sends a lost message again after `resend_after_seconds`. A message that a killed worker process had
    received and not claimed is not lost: the queue shows it again after `hidden_seconds`. The emulator puts the last
    layer first on the import path, as AWS does.
    """
    client = lambda_client(stack)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"python/{_PACKAGE}/__init__.py", "")
        archive.writestr(f"python/{_PACKAGE}/recorded.py", _JOB_CODE.read_text(encoding="utf-8"))
    layer = client.publish_layer_version(LayerName="kill-test-jobs", Content={"ZipFile": packed.getvalue()})
    for output in ("ApiFunctionName", "WorkerFunctionName"):
        name = stack.outputs[output]
        deployed = client.get_function_configuration(FunctionName=name)["Layers"]
        client.update_function_configuration(
            FunctionName=name, Layers=[*(each["Arn"] for each in deployed), layer["LayerVersionArn"]]
        )
    stack.session().client("sqs", endpoint_url=stack.endpoint_url).set_queue_attributes(
        QueueUrl=stack.outputs["EcsPoolQueueUrl"], Attributes={"VisibilityTimeout": str(hidden_seconds)}
    )
    resend_after(stack, resend_after_seconds)


def resend_after(stack: StackInfo, seconds: int) -> None:
    """Has the reaper send a lost message again after `seconds`, or after half of that more at most, not after 300."""
    client = lambda_client(stack)
    reaper = stack.outputs["ReaperFunctionName"]
    variables = client.get_function_configuration(FunctionName=reaper)["Environment"]["Variables"]
    client.update_function_configuration(
        FunctionName=reaper,
        Environment={"Variables": {**variables, "TIDEGATE_RESEND_AFTER_SECONDS": str(seconds)}},
    )


def job_code_folder(parent: Path) -> Path:
    """Makes a folder for PYTHONPATH that holds the same job code for worker processes."""
    package = parent / "job-code" / _PACKAGE
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "recorded.py").write_text(_JOB_CODE.read_text(encoding="utf-8"), encoding="utf-8")
    return package.parent


@contextmanager
def schedules(stack: StackInfo, seconds: float) -> Iterator[None]:
    """Runs the dispatcher and the reaper every `seconds` during the block, as their schedules do every minute."""
    client = lambda_client(stack)
    ended = threading.Event()
    events = {
        stack.outputs["DispatcherFunctionName"]: (_EVENTS / "dispatcher-schedule.json").read_bytes(),
        stack.outputs["ReaperFunctionName"]: (_EVENTS / "reaper-schedule.json").read_bytes(),
    }

    def run() -> None:
        while not ended.wait(seconds):
            for function, event in events.items():
                try:
                    client.invoke(FunctionName=function, Payload=event)
                except (BotoCoreError, ClientError):
                    continue  # AWS is down or the function was killed: its next tick is due soon, as on AWS

    thread = threading.Thread(target=run, name="schedules")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
