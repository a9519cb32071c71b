"""The invariants of a deployment at rest, whatever failed before."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from dev.simulator.checks.invariants import check_histories, check_order, check_submissions
from tests.harness.faults.deployment import Deployment
from tidegate.adapters.dynamodb import schema
from tidegate.domain.events import SOURCE, EventType
from tidegate.domain.submission import DONE_WITH
from tidegate.domain.verdicts import FinishVerdict, Judgement

_AT_RISK = str(EventType.DEADLINE_AT_RISK)
ROUNDS = 3


def bring_to_rest(deployment: Deployment) -> int:
    """Runs ticks until everything has ended. Returns how many rounds that took, at most three."""
    deployment.settle()
    for rounds in range(ROUNDS + 1):
        if _is_at_rest(deployment):
            return rounds
        if rounds < ROUNDS:
            deployment.minute()
    raise AssertionError(f"not at rest after {ROUNDS} rounds of the schedule: {deployment.states}")


def _is_at_rest(deployment: Deployment) -> bool:
    return all(job.is_terminal for job in deployment.jobs.values()) and all(
        submission.phase in DONE_WITH for submission in deployment.submissions
    )


def check_all(deployment: Deployment) -> None:
    """Checks every invariant of a deployment at rest."""
    jobs = deployment.jobs
    check_histories(jobs.values())
    check_order(deployment)
    check_submissions(jobs, deployment.submissions)
    control = deployment.aws.items(deployment.tables.control)
    held = [item for item in control if item.get(schema.HOLDERS, {}).get("SS")]
    assert not held, f"permits are still held: {held}"
    if deployment.settings.event_bus:
        check_told(deployment)


def check_told(deployment: Deployment) -> None:
    """Checks that the bus got each end, each lost worker and each verdict about a missed time, under one id each."""
    deployment.record()
    facts: dict[str, tuple[str, ...]] = {}
    for entry in deployment.aws.published():
        assert entry["Source"] == SOURCE
        detail = json.loads(entry["Detail"])
        about = detail.get("job") or detail.get("workflow") or detail["worker"]
        verdict = detail.get("deadline", {}).get("verdict", "")
        fact = (entry["DetailType"], about["id"], about["state"], verdict)
        assert facts.setdefault(detail["id"], fact) == fact, "two facts have one id"
    told = Counter(facts.values())
    assert set(told.values()) <= {1}, f"a fact has two ids: {told}"
    for job in deployment.jobs.values():
        assert ("job.ended", job.job_id, job.state, "") in told, f"the end of {job.job_id} was not told"
        assert _warned(told, job.job_id, job.judgements)
    for submission in deployment.submissions:
        workflow_id = submission.submission_id
        assert any(fact[:2] == ("workflow.ended", workflow_id) for fact in told), workflow_id
        assert _warned(told, workflow_id, submission.judgements)
    for item in deployment.aws.items(deployment.tables.workers):
        worker_id, state = item[schema.WORKER_ID]["S"], item[schema.STATE]["S"]
        assert state != "LOST" or ("worker.lost", worker_id, state, "") in told


def _warned(told: Mapping[tuple[str, ...], int], subject_id: str, judgements: Sequence[Judgement]) -> bool:
    """Tells whether each judgement but those on course was told of this job or workflow."""
    wanted = {each.verdict for each in judgements} - {FinishVerdict.ON_COURSE}
    return wanted <= {verdict for kind, found, _, verdict in told if (kind, found) == (_AT_RISK, subject_id)}
