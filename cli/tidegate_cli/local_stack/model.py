"""What is known of a local stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

import boto3

from tidegate_cli.local_stack.private_files import replace_private

Progress = Callable[[str], None]
"""Told one short line at each step; the caller decides where it is shown."""

REGION = "us-east-1"
ACCESS_KEY_ID = "tidegate-local"
"""The name of the root key of every local stack. Its secret is drawn for each home (root_key.py)."""
STACK_NAME = "tidegate"


@dataclass(frozen=True, slots=True)
class StackInfo:
    """A local stack that is up, with all that a client or a worker process needs.

    `api_url` goes before `/v1/...`. `outputs` are the template's. `environment` holds the TIDEGATE_* settings
    as the functions have them.
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

    def session(self) -> boto3.Session:
        """A boto3 session with the stack's credentials; give its clients `endpoint_url`."""
        return make_session(self.secret_access_key)

    def process_environment(self) -> dict[str, str]:
        """What a process that works on this stack needs: AWS access and the TIDEGATE_* settings."""
        return {**self.environment, **self.aws_environment()}

    def aws_environment(self) -> dict[str, str]:
        """The settings of AWS with which any SDK talks to this stack, as its root."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }


class LocalState(StrEnum):
    """How a local stack is."""

    RUNNING = "running"  # deployed, and answers
    INCOMPLETE = "incomplete"  # the emulator runs, but nothing whole is deployed; `up` repairs it
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class LocalStatus:
    """What `status` found; `info` is there while RUNNING, `stack_status` is CloudFormation's word for it."""

    state: LocalState
    home: Path
    info: StackInfo | None = None
    stack_status: str | None = None


def make_session(secret_access_key: str) -> boto3.Session:
    """A boto3 session with a local stack's root key, whatever the user's own configuration says."""
    return boto3.Session(
        aws_access_key_id=ACCESS_KEY_ID, aws_secret_access_key=secret_access_key, region_name=REGION
    )


def write_info(path: Path, info: StackInfo) -> None:
    """Writes the facts of a stack as JSON, readable by the user only; never half a file."""
    replace_private(path, json.dumps({**asdict(info)}, indent=2, sort_keys=True) + "\n")


def read_info(path: Path) -> StackInfo | None:
    """The facts last written, or None where there are none that can be read."""
    try:
        return StackInfo(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
