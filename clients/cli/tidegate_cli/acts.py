"""The part of the API's client that acts on jobs: changes, cancels, retries and reruns them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_cli import ids
from tidegate_cli.connection import Connection, part_of_path, with_query
from tidegate_cli.views import JobView, job_view


class ActsConnection(Connection):
    """Acts on jobs by a method for each route. The methods raise what those of `Client` raise."""

    def change_job(self, job_id: str, changes: Mapping[str, Any]) -> JobView:
        """Changes a job that waits, and returns the job after that.

        `changes` may name `priority`, `not_before` (RFC 3339), `pool`, `description` and `tags`. None takes a time or a
        description off. A second call has no further effect.
        """
        return job_view(self._call("PATCH", f"/v1/jobs/{part_of_path(ids.job_id(job_id))}", body=changes))

    def hold_job(self, job_id: str) -> JobView:
        """Puts a waiting job on hold, and returns the job after that. A second call has no further effect."""
        return job_view(self._call("POST", f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/hold"))

    def unhold_job(self, job_id: str) -> JobView:
        """Takes a job off hold, and returns the job after that. A second call has no further effect."""
        return job_view(self._call("POST", f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/unhold"))

    def hold_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Puts the waiting jobs of a workflow on hold.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe.
        """
        path = f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/hold"
        return self._call("POST", with_query(path, cursor=cursor))

    def unhold_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Takes the jobs of a workflow off hold. Everything else is as in `hold_workflow`."""
        path = f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/unhold"
        return self._call("POST", with_query(path, cursor=cursor))

    def mark_job(self, job_id: str, state: str, reason: str) -> JobView:
        """Ends a job by hand as SUCCEEDED or SKIPPED, and returns the job after that.

        `reopening` of the job's `raw` has the API's counts of the jobs that were reopened because of it. A second call
        has no further effect.
        """
        path = f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/mark"
        return job_view(self._call("POST", path, body={"state": state, "reason": reason}))

    def cancel_job(self, job_id: str, *, downstream: bool = False, dry_run: bool = False) -> JobView:
        """Cancels a job, or asks its worker to stop it if it is RUNNING, and returns the job after that.

        `downstream` cancels every job downstream of it too. `dry_run` changes nothing. A second call has no further
        effect.
        """
        body = _set_of(downstream=downstream, dry_run=dry_run)
        return job_view(self._call("POST", f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/cancel", body=body))

    def retry_job(self, job_id: str, *, reopen_skipped: bool = True, dry_run: bool = False) -> JobView:
        """Reopens a job that ended without success, and returns the job after that.

        `reopen_skipped` reopens the jobs that were skipped because of it too. `dry_run` changes nothing. A second call
        has no further effect.
        """
        body = {"reopen_skipped": reopen_skipped, **(_set_of(dry_run=dry_run) or {})}
        return job_view(self._call("POST", f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/retry", body=body))

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
        body = {"downstream": downstream, "dry_run": dry_run}
        given = {} if parameters is None else {"parameters": dict(parameters)}
        path = f"/v1/jobs/{part_of_path(ids.job_id(job_id))}/rerun"
        return job_view(self._call("POST", with_query(path, cursor=cursor), body={**body, **given}))

    def act_in_bulk(self, act: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Acts on a page of jobs: `act` is cancel, retry, reprioritise, hold or unhold.

        `body` is what `POST /v1/jobs/{act}` takes. Returns what became of each job, the counts, and the `cursor` for
        the next call. A repeated call is safe.
        """
        return self._call("POST", f"/v1/jobs/{act}", body=body)

    def cancel_workflow(self, workflow_id: str, cursor: str | None = None) -> Mapping[str, Any]:
        """Cancels the jobs of a workflow that have not ended.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe.
        """
        path = f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/cancel"
        return self._call("POST", with_query(path, cursor=cursor))

    def rerun_workflow(
        self, workflow_id: str, cursor: str | None = None, *, dry_run: bool = False
    ) -> Mapping[str, Any]:
        """Reopens the jobs of a workflow that failed, timed out or were cancelled, and those skipped because of them.

        Returns the API's counts of jobs, and the `cursor` for the next call if one call was not enough. A repeated
        call is safe. `dry_run` changes nothing.
        """
        path = f"/v1/workflows/{part_of_path(ids.workflow_id(workflow_id))}/rerun"
        return self._call("POST", with_query(path, cursor=cursor), body=_set_of(dry_run=dry_run))

    def redrive_pool(
        self, pool: str, *, limit: int, cursor: str | None = None, dry_run: bool = False
    ) -> Mapping[str, Any]:
        """Reopens the jobs whose messages the queue could not deliver, among `limit` failed jobs of a pool.

        Returns the API's counts (`redriven`, `looked_at`), and the `cursor` of the next page, None at the end.
        `dry_run` changes nothing.
        """
        path = f"/v1/pools/{part_of_path(ids.pool_name(pool))}/redrive"
        query = with_query(path, limit=str(limit), cursor=cursor)
        return self._call("POST", query, body=_set_of(dry_run=dry_run))


def _set_of(**options: bool) -> dict[str, bool] | None:
    """Returns the options that are set, None where none is."""
    return {name: True for name, value in options.items() if value} or None
