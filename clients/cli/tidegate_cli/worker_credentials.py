"""Gives credentials to worker processes on the local stack: those of a role with the stack's policy for workers.

A worker never gets the root key. `python -m tidegate_cli.worker_credentials FILE` prints a session's keys in the form
that AWS SDKs read from a `credential_process`. FILE holds the facts of the stack. The SDK in the worker runs the
command again before the session ends.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_devstack.model import CLIENT_CONFIG, StackInfo, read_info
from tidegate_devstack.private_files import replace_private

ROLE = "tidegate-local-worker"
SESSION_SECONDS = 3_600
_STACK_HOST = "127.0.0.1"
_ROOTS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def worker_environment(stack: StackInfo, facts: Path, config: Path) -> dict[str, str]:
    """Returns an environment for a worker on the local stack: this process's, without the user's own AWS settings.

    It holds no key. The function writes `config`, an AWS configuration that makes an SDK ask for a session's keys.
    `facts` is the file with the stack's facts, which is read at that time.
    """
    command = shlex.join([sys.executable, "-m", "tidegate_cli.worker_credentials", str(facts)])
    config.parent.mkdir(parents=True, exist_ok=True)
    replace_private(config, f"[default]\ncredential_process = {command}\n")
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    access = {name: value for name, value in stack.process_environment().items() if name not in _ROOTS}
    return {
        **own,
        **access,
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _without_proxy()),
    }


def _without_proxy() -> str:
    """Returns the hosts that the user's proxy is not asked for, with that of the local stack."""
    own = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return f"{own},{_STACK_HOST}" if own else _STACK_HOST


def session_keys(stack: StackInfo) -> dict[str, str | int]:
    """Opens a session of `SESSION_SECONDS` under the worker's role, and returns its keys for a `credential_process`.

    Makes the role if the stack has none yet. Raises botocore's ClientError or BotoCoreError if the stack refuses or
    does not answer.
    """
    role = _role(stack, stack.outputs["WorkerProcessPolicyArn"])
    sts = stack.session().client("sts", endpoint_url=stack.endpoint_url, config=CLIENT_CONFIG)
    keys = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="worker", DurationSeconds=SESSION_SECONDS)[
        "Credentials"
    ]
    ends: datetime = keys["Expiration"]
    return {
        "Version": 1,
        "AccessKeyId": keys["AccessKeyId"],
        "SecretAccessKey": keys["SecretAccessKey"],
        "SessionToken": keys["SessionToken"],
        "Expiration": ends.isoformat(),
    }


def _role(stack: StackInfo, policy_arn: str) -> Mapping[str, Any]:
    iam = stack.session().client("iam", endpoint_url=stack.endpoint_url, config=CLIENT_CONFIG)
    account = policy_arn.split(":")[4]
    trusted = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "sts:AssumeRole",
    }
    with suppress(iam.exceptions.EntityAlreadyExistsException):  # made for an earlier session
        iam.create_role(
            RoleName=ROLE,
            Description="Worker processes on this machine",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}),
        )
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy_arn)
    role: Mapping[str, Any] = iam.get_role(RoleName=ROLE)["Role"]
    return role


def main() -> int:
    """Prints the keys of a new session, and returns the exit code. Errors go to standard error, which the SDK shows."""
    stack = read_info(Path(sys.argv[1]))
    if stack is None:
        sys.stderr.write(f"{sys.argv[1]} holds no facts of a local stack: is the stack up?\n")
        return 1
    try:
        keys = session_keys(stack)
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"the local stack gives no session to a worker: {error}\n")
        return 1
    sys.stdout.write(json.dumps(keys))
    return 0


if __name__ == "__main__":
    sys.exit(main())
