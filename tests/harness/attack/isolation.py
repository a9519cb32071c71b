"""Helpers of the attacks of job code on its worker: variables with keys to steal, and an executor."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from typing import Any

from tests.harness.jobs.executors import CLOCK, Beats, assignment
from tidegate.adapters.executors.environment import JobEnvironment
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.job import Json
from tidegate.ports import OutcomeKind

PR_CAPBSET_DROP = 24  # linux/prctl.h
JOBS = "tests.harness.attack.isolation_jobs"
SECRET = "s3cret-of-the-worker"
WORKERS_OWN = {
    "AWS_ACCESS_KEY_ID": "AKIA" + SECRET,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SECRET,
    "AWS_PROFILE": SECRET,
    "AWS_WEB_IDENTITY_TOKEN_FILE": SECRET,
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/" + SECRET,
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/" + SECRET,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": SECRET,
    "ECS_AGENT_URI": "http://169.254.170.2/api/" + SECRET,
    "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/" + SECRET,
    "TIDEGATE_TABLE_JOBS": SECRET,
    "DATABASE_PASSWORD": SECRET,
}
HARMLESS = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/worker",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "Europe/Berlin",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


def make_executor(environment: JobEnvironment, **options: Any) -> ProcessExecutor:
    return ProcessExecutor(
        CLOCK,
        heartbeat_seconds=0.02,
        cancel_grace_seconds=0.05,
        packages=(JOBS,),
        environment=environment,
        **options,
    )


def result_of(
    executor: ProcessExecutor | InlineExecutor, job_type: str, parameters: Mapping[str, Json] | None = None
) -> Any:
    outcome = executor.execute(assignment(job_type, parameters), Beats())
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
    return outcome.result


def without_privileges() -> None:
    """Takes all capabilities from a process of root, which then has no more power than any user's."""
    libc = ctypes.CDLL(None, use_errno=True)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
