"""The executor: it submits the jobs that are ready, asks how they go, and cancels them with the workflow."""

from __future__ import annotations

import json
import os
import shlex
import uuid
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.settings import SharedFSUsage
from snakemake_interface_executor_plugins.utils import format_cli_arg, join_cli_args

from snakemake_executor_plugin_tidegate.submission import (
    MAX_PARAMETERS_BYTES,
    BadSettings,
    Rule,
    batches,
    job_of,
    shape_of,
)
from tidegate_client import Client, ClientError
from tidegate_client.errors import ApiError, Conflict, NotFound, Unreachable
from tidegate_client.models.jobs import Job

MAX_UNANSWERED = 60
"""Rounds in a row in which the API does not answer, before the executor gives up. Each is up to five requests."""
MAX_LOG_PAGES = 20
_SUCCEEDED = "SUCCEEDED"
_SHARED = {SharedFSUsage.INPUT_OUTPUT, SharedFSUsage.PERSISTENCE, SharedFSUsage.SOURCES}


class Executor(RemoteExecutor):  # type: ignore[misc] # Snakemake publishes no types
    """Runs each job of Snakemake as a job of tidegate.

    The job gets the arguments of the Snakemake process that runs the rule. A runner, which the deployment's operator
    registered, passes them on without a shell.
    """

    def __post_init__(self) -> None:
        """Connects to the deployment. Raises WorkflowError for settings that can't work."""
        settings = self.workflow.executor_settings
        try:
            self._shape = shape_of(settings.type, settings.pool, settings.cores, settings.timeout_seconds)
        except BadSettings as error:
            raise WorkflowError(str(error)) from error
        if not set(self.workflow.storage_settings.shared_fs_usage) >= _SHARED:
            raise WorkflowError(
                "the executor tidegate needs a file system that Snakemake and the workers share, for input-output, "
                "persistence and sources; leave --shared-fs-usage out"
            )
        if self.workflow.remote_execution_settings.precommand:
            raise WorkflowError("the executor tidegate runs no --precommand; put it into the worker's image")
        if not settings.api_url:
            raise WorkflowError("--tidegate-api-url is missing; write the stack's output ApiUrl")
        self._client = Client(settings.api_url, auth=_auth(settings))
        self._run = uuid.uuid4().hex
        self._unanswered = 0
        self._submitted = 0
        self._live: dict[str, None] = {}  # the ids of jobs that have not been seen to end
        self._sending: tuple[dict[str, Any], str] | None = None
        self._logs = Path(self.workflow.persistence.path) / "tidegate_logs"

    def run_job(self, job: Any) -> None:
        """Submits one job."""
        self._submit([job])

    def run_jobs(self, jobs: Iterable[Any]) -> None:
        """Submits all jobs that are ready together, in as few requests as their sizes allow."""
        ready = list(jobs)
        for job in ready:
            self.run_job_pre(job)
        self._submit(ready)

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncGenerator[SubmittedJobInfo, None]:
        """Asks for each job that has not ended, at the rate that --max-status-checks-per-second allows.

        Raises WorkflowError if the API does not answer for MAX_UNANSWERED rounds.
        """
        answered = not active_jobs
        for info in active_jobs:
            async with self.status_rate_limiter:
                job = self._look(info)
            if job is None:
                yield info
                continue
            answered = True
            if isinstance(job, NotFound) or job.has_ended:
                self._live.pop(str(info.external_jobid), None)
            if isinstance(job, NotFound):
                self.report_job_error(info, msg=f"tidegate has no job {info.external_jobid} any more. ")
            elif not job.has_ended:
                yield info
            elif job.state == _SUCCEEDED:
                self.report_job_success(info)
            else:
                self._report_failure(info, job)
        self._unanswered = 0 if answered else self._unanswered + 1
        if self._unanswered >= MAX_UNANSWERED:
            raise WorkflowError(
                f"tidegate did not answer {MAX_UNANSWERED} times in a row; its jobs may still run. Their tag is "
                f"snakemake.run={self._run}"
            )

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:  # noqa: ARG002 - the interface names it
        """Cancels all jobs that have not ended.

        `active_jobs` lacks those that are being asked about just now, so the executor's own list counts. Ctrl-C may
        come while a submission is on its way: the same request under the same key finds its jobs.
        """
        try:
            if self._sending is not None:
                body, key = self._sending
                accepted = self._client.submit_workflow(body, idempotency_key=key)
                self._live.update(dict.fromkeys(accepted.job_ids.values()))
        except ClientError as error:
            self.logger.warning(f"tidegate: the last submission is unknown: {error}")
        for job_id in list(self._live):
            try:
                self._client.cancel_job(job_id)
            except (Conflict, NotFound):  # it has ended meanwhile
                continue
            except ClientError as error:
                self.logger.warning(f"tidegate: job {job_id} can't be cancelled: {error}")

    def shutdown(self) -> None:
        """Ends the checks, and closes the connections."""
        super().shutdown()
        self._client.close()

    def _look(self, info: SubmittedJobInfo) -> Job | NotFound | None:
        """Reads a job; returns NotFound where there is none, and None where the API gave no answer."""
        try:
            return self._client.get_job(info.external_jobid)
        except NotFound as error:
            return error
        except (ApiError, Unreachable) as error:
            self.logger.warning(f"tidegate: no answer about job {info.external_jobid}: {error}")
            return None

    def _submit(self, jobs: list[Any]) -> None:
        by_key: dict[str, Any] = {}
        bodies = []
        sizes = []
        for job in jobs:
            self._submitted += 1
            rule = self._rule_of(job, f"{self._submitted}")
            body = job_of(rule, self._shape, self._run)
            size = len(json.dumps(body["parameters"]).encode())
            if size > MAX_PARAMETERS_BYTES:
                said = (
                    f"tidegate takes parameters of {MAX_PARAMETERS_BYTES:,} bytes, and those of this job are "
                    f"{size:,}; give it fewer files. "
                )
                self.report_job_error(SubmittedJobInfo(job), msg=said)
                continue
            by_key[rule.key] = job
            bodies.append(body)
            sizes.append(size)
        for batch in batches(bodies, sizes):
            self._submit_batch([dict(body) for body in batch], by_key)

    def _submit_batch(self, batch: list[dict[str, Any]], by_key: dict[str, Any]) -> None:
        name = f"snakemake {batch[0]['name']}"[:256]
        key = f"snakemake-{self._run}-{batch[0]['key']}"
        body = {"name": name, "jobs": batch}
        self._sending = (body, key)
        try:
            accepted = self._client.submit_workflow(body, idempotency_key=key)
        except ClientError as error:
            self._sending = None
            for job in batch:
                said = f"tidegate refused it: {error}. "
                self.report_job_error(SubmittedJobInfo(by_key[job["key"]]), msg=said)
            return
        self._live.update(dict.fromkeys(accepted.job_ids.values()))
        self._sending = None
        for job in batch:
            info = SubmittedJobInfo(by_key[job["key"]], external_jobid=accepted.job_ids[job["key"]])
            self.report_job_submission(info)

    def _rule_of(self, job: Any, key: str) -> Rule:
        runtime = job.resources.get("runtime")
        return Rule(
            key=key,
            name=job.name,
            threads=max(1, int(job.threads)),
            priority=int(min(getattr(job, "priority", 0), 1_000)),
            attempt=job.attempt,
            arguments=tuple(self._arguments(job)),
            directory=os.fspath(Path.cwd()),
            runtime_minutes=runtime if isinstance(runtime, int | float) and runtime > 0 else None,
        )

    def _arguments(self, job: Any) -> list[str]:
        """Returns the arguments of `python -m snakemake` that runs a job, as words and not as a line of shell."""
        line = join_cli_args(
            [
                format_cli_arg("--snakefile", self.get_snakefile()),
                self.get_job_args(job),
                self.workflow.spawned_job_args_factory.general_args(
                    executor_common_settings=self.common_settings
                ),
                format_cli_arg("--mode", self.get_exec_mode().item_to_choice()),
                format_cli_arg(
                    "--local-groupid",
                    self.workflow.group_settings.local_groupid,
                    skip=self.job_specific_local_groupid,
                ),
            ]
        )
        return shlex.split(line)

    def _report_failure(self, info: SubmittedJobInfo, job: Job) -> None:
        """Reports a job that failed, with the file that holds what it printed."""
        error = "" if job.error is None else f" ({job.error.code}): {job.error.message}"
        said = f"tidegate's job {job.job_id} ended {job.state}{error}. "
        log = self._write_log(job.job_id, info.job.name)
        if log is None:
            self.report_job_error(info, msg=said)
        else:
            self.report_job_error(info, msg=said, aux_logs=[os.fspath(log)])

    def _write_log(self, job_id: str, rule: str) -> Path | None:
        """Writes what a job printed into a file; returns its path, None if there is nothing to read."""
        lines: list[str] = []
        try:
            cursor = None
            for _ in range(MAX_LOG_PAGES):
                page = self._client.read_logs(job_id, cursor=cursor)
                lines += [each.text for each in page.lines]
                cursor = page.cursor
                if not page.lines or cursor is None:
                    break
        except ClientError as error:
            self.logger.warning(f"tidegate: the log of job {job_id} can't be read: {error}")
        if not lines:
            return None
        folder = self._logs / "".join(each if each.isalnum() or each in "-_" else "_" for each in rule)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{job_id}.log"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path.absolute()


def _auth(settings: Any) -> Any:
    """Returns the signer of requests; None where no region is given, for an API that needs none."""
    if settings.region is None:
        return None
    from tidegate_client.sigv4 import SigV4

    return SigV4(settings.region, profile=settings.aws_profile)
