"""The facts of a local stack: its names, its addresses, its keys and its state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

import boto3
from botocore.config import Config

from tidegate_devstack.private_files import replace_private

Progress = Callable[[str], None]
"""A function that is called with one short line at each step. The caller decides where the line is shown."""

REGION = "us-east-1"
ACCESS_KEY_ID = "tidegate-local"
"""The id of the root key, the same for every local stack. Its secret differs for each home (root_key.py)."""
STACK_NAME = "tidegate"
# For clients of a local stack. They use no proxy, because a proxy can't reach this machine's loopback.
CLIENT_CONFIG = Config(
    connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"}, proxies={}
)


@dataclass(frozen=True, slots=True)
class StackInfo:
    """A local stack that is up, with all that a client or a worker process needs to know.

    `api_url` goes before `/v1/...`. `outputs` are the template's outputs. `environment` holds the TIDEGATE_* settings
    that the functions have. `port` and `pid` are those of the emulator.
    """

    api_url: str
    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    outputs: Mapping[str, str]
    environment: Mapping[str, str]
    port: int
    pid: int

    @property
    def oauth_api_url(self) -> str | None:
        """The address of the API that takes bearer tokens, None if the stack was deployed without it."""
        api = self.outputs.get("OAuthApiId")
        stage = self.outputs["StageName"]
        return f"{self.endpoint_url}/_aws/execute-api/{api}/{stage}" if api else None

    def session(self) -> boto3.Session:
        """Returns a boto3 session with the stack's root key. Create its clients with the stack's `endpoint_url`."""
        return make_session(self.secret_access_key)

    def process_environment(self) -> dict[str, str]:
        """Returns the variables for a process that works on this stack: AWS access and the TIDEGATE_* settings."""
        return {**self.environment, **self.aws_environment()}

    def aws_environment(self) -> dict[str, str]:
        """Returns the AWS variables with which every SDK talks to this stack under its root key."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }


class LocalState(StrEnum):
    """The states of a local stack."""

    RUNNING = "running"  # deployed, and answers
    INCOMPLETE = "incomplete"  # the emulator runs, but no complete stack is deployed; `up` repairs it
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """The result of `status`. `info` is set if the stack is RUNNING. `stack_status` is CloudFormation's own status."""

    state: LocalState
    home: Path
    info: StackInfo | None = None
    stack_status: str | None = None


def make_session(secret_access_key: str) -> boto3.Session:
    """Returns a boto3 session with a local stack's root key. The user's own AWS configuration has no effect on it."""
    return boto3.Session(
        aws_access_key_id=ACCESS_KEY_ID, aws_secret_access_key=secret_access_key, region_name=REGION
    )


def write_info(path: Path, info: StackInfo) -> None:
    """Writes the facts of a stack as JSON. Only the user can read the file, and readers never see half of it."""
    replace_private(path, json.dumps({**asdict(info)}, indent=2, sort_keys=True) + "\n")


def read_info(path: Path) -> StackInfo | None:
    """Returns the facts that were last written to `path`; None if there are none, or they can't be read."""
    try:
        return StackInfo(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
