"""The part of the API's client that acts on jobs: changes, cancels, retries and reruns them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from tidegate_cli import ids
from tidegate_cli.connection import Connection
from tidegate_cli.views import JobView, job_view
from tidegate_client.operations import bulk, jobs, operate, outside, workflows
from tidegate_client.wire import Operation

_IN_BULK: Mapping[str, Callable[..., Operation[Any]]] = {
    "cancel": bulk.cancel_jobs,
    "retry": bulk.retry_jobs,
    "reprioritise": bulk.reprioritise_jobs,
    "hold": bulk.hold_jobs,
    "unhold": bulk.unhold_jobs,
}


class ActsConnection(Connection):
    """Acts on jobs by a method for each route. The methods raise what those of `Client` raise."""

    def change_job(self, job_id: str, changes: Mapping[str, Any]) -> JobView:
        """Changes a job that waits, and returns the job after that.

        `changes` may name `priority`, `not_before` and `finish_by` (RFC 3339), `pool`, `description` and `tags`. None
        takes a time or a description off. A second call has no further effect.
        """
        return job_view(self._ask(jobs.change_job, ids.job_id(job_id), **changes))

    def hold_job(self, job_id: str) -> JobView:
        """Puts a waiting job on hold, and returns the job after that. A second call has no further effect."""
        return job_view(self._ask(jobs.hold_job, ids.job_id(job_id)))

    def unhold_job(self, job_id: str) -> JobView:
        """Takes a job off hold, and returns the job after that. A second call has no further effect."""
        return job_view(self._ask(jobs.unhold_job, ids.job_id(job_id)))

    def change_workflow(self, workflow_id: str, finish_by: str | None) -> Mapping[str, Any]:
        """Gives a workflow another time to finish by (RFC 3339), or takes it off; returns the workflow after that."""
        return self._ask(workflows.change_workflow, ids.workflow_id(workflow_id), finish_by=finish_by)

    def hold_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Puts the waiting jobs of a workflow on hold.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe.
        """
        return self._ask(workflows.hold_workflow, ids.workflow_id(workflow_id), cursor=cursor)

    def unhold_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Takes the jobs of a workflow off hold. Everything else is as in `hold_workflow`."""
        return self._ask(workflows.unhold_workflow, ids.workflow_id(workflow_id), cursor=cursor)

    def mark_job(self, job_id: str, state: str, reason: str) -> JobView:
        """Ends a job by hand as SUCCEEDED or SKIPPED, and returns the job after that.

        `reopening` of the job's `raw` has the API's counts of the jobs that were reopened because of it. A second call
        has no further effect.
        """
        return job_view(
            self._ask(jobs.mark_job, ids.job_id(job_id), state=cast(jobs.EndByHand, state), reason=reason)
        )

    def finish_job(self, job_id: str, token: str, result: Any) -> JobView:
        """Ends a job outside as SUCCEEDED by its attempt's token. A second call has no further effect."""
        return job_view(self._ask(outside.finish_job, ids.job_id(job_id), token=token, result=result))

    def fail_job(self, job_id: str, token: str, failure: Mapping[str, Any]) -> JobView:
        """Ends an attempt outside as failed by its token. A second call has no further effect.

        `failure` has `code`, `message`, `retryable` and `retry_after_seconds`.
        """
        return job_view(self._ask(outside.fail_job, ids.job_id(job_id), token=token, **failure))

    def beat_job(
        self, job_id: str, token: str, fraction: float | None = None, message: str = ""
    ) -> Mapping[str, Any]:
        """Extends the lease of a job outside by its attempt's token; returns when it ends now, as the API says it."""
        return self._ask(
            outside.beat_job, ids.job_id(job_id), token=token, fraction=fraction, message=message
        )

    def approve_job(self, job_id: str, comment: str) -> JobView:
        """Approves an approval, and returns the job after that. A second call has no further effect."""
        return job_view(self._ask(outside.approve_job, ids.job_id(job_id), comment=comment))

    def reject_job(self, job_id: str, comment: str) -> JobView:
        """Rejects an approval, and returns the job after that. A second call has no further effect."""
        return job_view(self._ask(outside.reject_job, ids.job_id(job_id), comment=comment))

    def cancel_job(self, job_id: str, *, downstream: bool = False, dry_run: bool = False) -> JobView:
        """Cancels a job, or asks its worker to stop it if it is RUNNING, and returns the job after that.

        `downstream` cancels every job downstream of it too. `dry_run` changes nothing. A second call has no further
        effect.
        """
        return job_view(
            self._ask(jobs.cancel_job, ids.job_id(job_id), downstream=downstream, dry_run=dry_run)
        )

    def retry_job(self, job_id: str, *, reopen_skipped: bool = True, dry_run: bool = False) -> JobView:
        """Reopens a job that ended without success, and returns the job after that.

        `reopen_skipped` reopens the jobs that were skipped because of it too. `dry_run` changes nothing. A second call
        has no further effect.
        """
        return job_view(
            self._ask(jobs.retry_job, ids.job_id(job_id), reopen_skipped=reopen_skipped, dry_run=dry_run)
        )

    def rerun_job(
        self,
        job_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        downstream: bool = True,
        dry_run: bool = False,
        cursor: str | None = None,
    ) -> JobView:
        """Runs an ended job again, also one that succeeded, and with `downstream` every job that follows it.

        `parameters` replace those of the job, None keeps them. `dry_run` changes nothing. `rerun` of the job's `raw`
        has the API's counts, and the `cursor` for the next call if one call was not enough. A repeated call is safe.
        """
        return job_view(
            self._ask(
                jobs.rerun_job,
                ids.job_id(job_id),
                parameters=parameters,
                downstream=downstream,
                dry_run=dry_run,
                cursor=cursor,
            )
        )

    def act_in_bulk(self, act: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Acts on a page of jobs: `act` is cancel, retry, reprioritise, hold or unhold.

        `body` is what `POST /v1/jobs/{act}` takes. Returns what became of each job, the counts, and the `cursor` for
        the next call. A repeated call is safe.
        """
        options = {name: value for name, value in body.items() if name != "filter"}
        return self._ask(_IN_BULK[act], body["filter"], **options)

    def cancel_workflow(
        self, workflow_id: str, cursor: str | None = None, *, dry_run: bool = False
    ) -> Mapping[str, Any]:
        """Cancels the jobs of a workflow that have not ended.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe. `dry_run` changes nothing.
        """
        return self._ask(
            workflows.cancel_workflow, ids.workflow_id(workflow_id), cursor=cursor, dry_run=dry_run
        )

    def rerun_workflow(
        self, workflow_id: str, cursor: str | None = None, *, dry_run: bool = False
    ) -> Mapping[str, Any]:
        """Reopens the jobs of a workflow that failed, timed out or were cancelled, and those skipped because of them.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe. `dry_run` changes nothing.
        """
        return self._ask(
            workflows.rerun_workflow, ids.workflow_id(workflow_id), cursor=cursor, dry_run=dry_run
        )

    def redrive_pool(
        self, pool: str, *, limit: int, cursor: str | None = None, dry_run: bool = False
    ) -> Mapping[str, Any]:
        """Reopens the jobs whose messages the queue could not deliver, among `limit` failed jobs of a pool.

        Returns the API's counts (`redriven`, `looked_at`), and the `cursor` of the next page, None at the end.
        `dry_run` changes nothing.
        """
        return self._ask(
            operate.redrive_pool, ids.pool_name(pool), limit=limit, cursor=cursor, dry_run=dry_run
        )
