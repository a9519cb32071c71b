"""The routes of workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate_client.models.base import page_reader, reader
from tidegate_client.models.bulk import Foreseen
from tidegate_client.models.costs import WorkflowCost
from tidegate_client.models.forecasts import WhatIf, WorkflowForecast
from tidegate_client.models.jobs import Job
from tidegate_client.models.workflows import (
    CancelledWorkflow,
    CriticalPath,
    Graph,
    OnHold,
    Rerun,
    States,
    WorkflowPage,
    WorkflowSummary,
)
from tidegate_client.operations.jobs import Accepted, Moment, accepted, moment, set_options
from tidegate_client.wire import Listing, Operation, key_or_new, request
from tidegate_client.workflow import Workflow


def submit_workflow(
    workflow: Workflow | Mapping[str, Any], *, idempotency_key: str | None = None
) -> Operation[Accepted]:
    """Submits a workflow, a built one or a body as `POST /v1/workflows` takes it. The API accepts all of it or nothing.

    Without an idempotency key the client makes a new one, so that its own retries never submit twice. Raises
    InvalidWorkflow for a built one that has a fault, InvalidRequest, which names each wrong field, and
    IdempotencyConflict.
    """
    body = workflow.as_json() if isinstance(workflow, Workflow) else workflow
    key = key_or_new(idempotency_key)
    sent = request("POST", "/v1/workflows", body=body, idempotency_key=key)
    return Operation(sent, lambda answer: accepted(answer, "workflow_id", key))


def foresee_workflow(workflow: Workflow | Mapping[str, Any]) -> Operation[Foreseen]:
    """Returns what `submit_workflow` would create, and creates nothing. Raises InvalidWorkflow and InvalidRequest."""
    body = workflow.as_json() if isinstance(workflow, Workflow) else workflow
    return Operation(request("POST", "/v1/workflows", body=body, dry_run=True), reader(Foreseen))


def list_workflows(
    *,
    state: str | None = None,
    name: str | None = None,
    submitted_by: str | None = None,
    tag: Sequence[str] = (),
    since: Moment | None = None,
    until: Moment | None = None,
    finish_by: Moment | None = None,
    forecast: bool = False,
    verdict: str | None = None,
    page_size: int | None = None,
) -> Listing[WorkflowSummary]:
    """Lists workflows, newest first. `state` has words like `RUNNING,FAILED`, `name` is the beginning of a name.

    `tag` has texts like `team=data`. `since` counts and `until` does not. `finish_by` keeps the workflows that
    ought to end by then or earlier, `verdict` those of whose time this is known (`at-risk`, for one). `forecast` asks
    when the first workflows of each page end that run.
    """
    sent = request(
        "GET", "/v1/workflows",
        state=state, name=name, submitted_by=submitted_by, tag=tag, from_=moment(since), to=moment(until),
        finish_by=moment(finish_by), verdict=verdict, forecast=forecast or None, limit=page_size,
    )  # fmt: skip
    return Listing(sent, page_reader(WorkflowSummary, "workflows"))


def get_workflow(
    workflow_id: str, *, limit: int | None = None, cursor: str | None = None, wait: int | None = None
) -> Operation[WorkflowPage]:
    """Reads a workflow with a page of at most `limit` jobs; `list_workflow_jobs` reads all. Raises NotFound.

    With `wait` (0-20 seconds) the answer may wait for the workflow's end, as that of `get_job` for a job's.
    """
    sent = request("GET", "/v1/workflows/{}", workflow_id, limit=limit, cursor=cursor, wait=wait)
    return Operation(sent, reader(WorkflowPage))


def list_workflow_jobs(workflow_id: str, *, page_size: int | None = None) -> Listing[Job]:
    """Lists the jobs of a workflow in the order in which they were submitted."""
    return Listing(request("GET", "/v1/workflows/{}", workflow_id, limit=page_size), page_reader(Job, "jobs"))


def get_graph(workflow_id: str) -> Operation[Graph]:
    """Reads the graph of a workflow, which never changes. Raises NotFound."""
    return Operation(request("GET", "/v1/workflows/{}/graph", workflow_id), reader(Graph))


def forecast_workflow(workflow_id: str) -> Operation[WorkflowForecast]:
    """Reads when a workflow is forecast to end, and when its next jobs start and end. Raises NotFound."""
    return Operation(request("GET", "/v1/workflows/{}/forecast", workflow_id), reader(WorkflowForecast))


def what_if(changes: Mapping[str, Any]) -> Operation[WhatIf]:
    """Forecasts what would end when after changes, and changes nothing.

    `changes` is a body of `POST /v1/forecast`, such as `{"add_slots": {"ecs": 4}}`. Raises InvalidRequest, which names
    each wrong field.
    """
    return Operation(request("POST", "/v1/forecast", body=changes), reader(WhatIf))


def get_workflow_cost(
    workflow_id: str, *, limit: int | None = None, cursor: str | None = None
) -> Operation[WorkflowCost]:
    """Reads what at most `limit` (1-200) jobs of a workflow cost, from the `cursor` of an earlier answer on.

    The sums of all pages add up to the workflow's. Raises NotFound.
    """
    asked = request("GET", "/v1/workflows/{}/cost", workflow_id, limit=limit, cursor=cursor)
    return Operation(asked, reader(WorkflowCost))


def get_states(workflow_id: str, *, since: str | None = None) -> Operation[States]:
    """Reads the states of a workflow's jobs, or the changes since the `version` of an earlier answer. Raises NotFound.

    They come from the recorder, and may lag behind the jobs by some seconds.
    """
    return Operation(request("GET", "/v1/workflows/{}/states", workflow_id, since=since), reader(States))


def get_critical_path(workflow_id: str) -> Operation[CriticalPath]:
    """Reads the chain of a workflow's jobs that takes longest, as far as it is known. Raises NotFound."""
    return Operation(request("GET", "/v1/workflows/{}/critical-path", workflow_id), reader(CriticalPath))


def change_workflow(workflow_id: str, *, finish_by: Moment | None) -> Operation[WorkflowSummary]:
    """Gives a workflow another time to finish by, or takes it off with None; returns the workflow after that.

    A second call has no further effect. Raises NotFound, and InvalidRequest for a time that has passed.
    """
    body = {"finish_by": moment(finish_by)}
    return Operation(request("PATCH", "/v1/workflows/{}", workflow_id, body=body), reader(WorkflowSummary))


def hold_workflow(workflow_id: str, *, cursor: str | None = None) -> Operation[OnHold]:
    """Puts every waiting job of a workflow on hold, and returns the counts.

    `cursor` continues a call whose answer had one. A repeated call is safe. Raises NotFound.
    """
    return Operation(request("POST", "/v1/workflows/{}/hold", workflow_id, cursor=cursor), reader(OnHold))


def unhold_workflow(workflow_id: str, *, cursor: str | None = None) -> Operation[OnHold]:
    """Takes every job of a workflow off hold, as `hold_workflow` puts them on hold."""
    return Operation(request("POST", "/v1/workflows/{}/unhold", workflow_id, cursor=cursor), reader(OnHold))


def cancel_workflow(
    workflow_id: str, *, cursor: str | None = None, dry_run: bool = False
) -> Operation[CancelledWorkflow]:
    """Cancels the jobs of a workflow that have not ended, and returns their counts.

    `cursor` continues a cancellation whose answer had one. `dry_run` changes nothing. A repeated call is safe. Raises
    NotFound.
    """
    body = set_options(dry_run=dry_run)
    sent = request("POST", "/v1/workflows/{}/cancel", workflow_id, body=body, cursor=cursor)
    return Operation(sent, reader(CancelledWorkflow))


def rerun_workflow(workflow_id: str, *, cursor: str | None = None, dry_run: bool = False) -> Operation[Rerun]:
    """Reopens the jobs of a workflow that ended without success, and returns their counts.

    `cursor` continues a rerun whose answer had one. `dry_run` changes nothing. A repeated call is safe. Raises
    NotFound.
    """
    body = set_options(dry_run=dry_run)
    sent = request("POST", "/v1/workflows/{}/rerun", workflow_id, body=body, cursor=cursor)
    return Operation(sent, reader(Rerun))
