"""A worker process on the local stack works under the template's policy for it, and under nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.harness.attack.isolation import without_privileges
from tests.harness.e2e.looks import becomes, job_state
from tests.harness.e2e.worker_processes import submit, worker
from tidegate_cli.worker_credentials import ROLE, session_keys
from tidegate_devstack import StackInfo

pytestmark = pytest.mark.e2e


@pytest.fixture
def session(stack: StackInfo) -> boto3.Session:
    keys = session_keys(stack)
    return boto3.Session(
        str(keys["AccessKeyId"]),
        str(keys["SecretAccessKey"]),
        str(keys["SessionToken"]),
        region_name=stack.region,
    )


def _is_refused(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}


def test_its_session_is_the_roles_and_may_do_no_more(session: boto3.Session, stack: StackInfo) -> None:
    where = {"endpoint_url": stack.endpoint_url}
    caller = session.client("sts", **where).get_caller_identity()["Arn"]  # type: ignore[call-overload]
    assert f"assumed-role/{ROLE}/" in caller
    table, queue = stack.outputs["JobsTable"], stack.outputs["LambdaPoolQueueUrl"]
    dynamodb = session.client("dynamodb", **where)  # type: ignore[call-overload]
    assert "Item" not in dynamodb.get_item(TableName=table, Key={"job_id": {"S": "none"}})
    with pytest.raises(ClientError) as scanned:
        dynamodb.scan(TableName=table)
    with pytest.raises(ClientError) as received:
        session.client("sqs", **where).receive_message(QueueUrl=queue)  # type: ignore[call-overload]
    with pytest.raises(ClientError) as listed:
        session.client("iam", **where).list_roles()  # type: ignore[call-overload]
    assert all(_is_refused(caught.value) for caught in (scanned, received, listed))


def _as_nobody_reads(path: str) -> str:
    """Opens a file as this user without any privileges does, and returns the error."""
    code = "import sys; open(sys.argv[1], 'rb').read(); print('read')"
    ran = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=without_privileges,
    )
    return ran.stdout.strip() or ran.stderr.strip().rpartition("\n")[2].partition(":")[0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_no_process_of_its_user_can_read_it(stack_home: Path, tmp_path: Path, stack: StackInfo) -> None:
    with worker(stack_home, tmp_path / "log", variables={"SECRET": "x"}) as running:
        becomes(job_state(stack_home, submit(stack_home, 0)), "SUCCEEDED")
        own = f"/proc/{running.process.pid}"
        assert [_as_nobody_reads(f"{own}/{name}") for name in ("environ", "maps")] == ["PermissionError"] * 2
    assert _as_nobody_reads("/proc/self/environ") == "read"


def test_a_worker_runs_jobs_with_it(stack_home: Path, tmp_path: Path, stack: StackInfo) -> None:
    # The root key is not in its environment, and a wrong key there would win over the role's session.
    with worker(stack_home, tmp_path / "log", variables={"AWS_ACCESS_KEY_ID": "x", "AWS_PROFILE": "x"}):
        becomes(job_state(stack_home, submit(stack_home, 0)), "SUCCEEDED")
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert "not authorized" not in said
    config = (stack_home / "worker.aws").read_text(encoding="utf-8")
    assert stack.secret_access_key not in config
