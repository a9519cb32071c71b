"""Records the changes of workflows' jobs in compact items, from which the states of all jobs can be read at once.

A segment of a workflow is written once for each batch that changes it, under the version that was read. A change that
the segment knows already, or one that is older than what it knows, alters nothing. So a batch may come twice, in part,
or late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job
from tidegate.domain.progress import (
    Segment,
    WorkflowState,
    new_segment,
    place_of,
    recorded,
    segments_of,
    summary_of,
)
from tidegate.ports import WorkflowRecord
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.services import Services

ROUNDS = 8  # of writes, while other runs keep writing the same segments first

_Key = tuple[str, int]  # the workflow and the number of a segment


@dataclass(frozen=True, slots=True)
class RecordReport:
    """How many segments a run wrote, for how many workflows it noted a summary, and how many events it published."""

    segments: int = 0
    summaries: int = 0
    events: int = 0


def record(services: Services, jobs: Sequence[Job]) -> RecordReport:
    """Records these jobs, as changes brought them, in the progress of their workflows.

    Jobs that were submitted alone, and jobs of workflows that no longer exist, are passed over. Reads each segment
    once and writes it at most once for each of `ROUNDS` rounds; a second round is needed only where another run has
    written the segment meanwhile. Raises ServiceUnavailable, also where all rounds were lost, or ServiceRefused. The
    same jobs may then be recorded again.
    """
    waiting = _by_segment(jobs)
    records: dict[str, WorkflowRecord] = {}
    written, doubtful = 0, set[str]()
    for _ in range(ROUNDS):
        if not waiting:
            break
        before = _segments(services, list(waiting), records)
        waiting = {key: waiting[key] for key in before}
        after = {key: recorded(segment, waiting[key]) for key, segment in before.items()}
        doubtful |= {key[0] for key in before if _may_decide(before[key], after[key])}
        changed = [after[key] for key in before if after[key] is not before[key]]
        saved = services.progress.save(changed) if changed else []
        written += sum(saved)
        lost = {(each.workflow_id, each.number) for each, ok in zip(changed, saved, strict=True) if not ok}
        waiting = {key: waiting[key] for key in lost}
    if waiting:
        raise ServiceUnavailable("other runs of the recorder kept writing the same progress; send it again")
    return RecordReport(written, sum(settle_summary(services, each) for each in sorted(doubtful)))


def settle_summary(services: Services, workflow_id: str) -> bool:
    """Notes the summary of a workflow that has ended, or that runs again. Returns whether it noted one.

    A workflow that runs for the first time needs no summary. Of two summaries that are noted at once, the later one
    stays. Raises ServiceUnavailable or ServiceRefused.
    """
    standing = services.workflows.get_many([workflow_id], consistent=True).get(workflow_id)
    if standing is None:
        return False
    segments = services.progress.load_all(workflow_id, consistent=True)
    summary = summary_of(segments, standing.submission.job_count)
    noted = standing.summary
    if summary.state is WorkflowState.RUNNING and (noted is None or noted.state is WorkflowState.RUNNING):
        return False
    if noted is not None and noted.version >= summary.version:
        return False
    return services.workflows.note_if_newer(workflow_id, summary)


def _by_segment(jobs: Sequence[Job]) -> dict[_Key, list[Job]]:
    found: dict[_Key, list[Job]] = {}
    for job in jobs:
        place = place_of(job.job_id)
        if place is not None:
            found.setdefault((place.workflow_id, place.segment), []).append(job)
    return found


def _segments(
    services: Services, keys: Sequence[_Key], records: dict[str, WorkflowRecord]
) -> dict[_Key, Segment]:
    """Returns the segments as they are stored, and new ones of accepted workflows; the other keys are left out.

    `records` collects the workflows that this run has read.
    """
    found: dict[_Key, Segment] = dict(services.progress.load(keys))
    unknown = [key for key in keys if key not in found]
    unread = sorted({workflow_id for workflow_id, _ in unknown} - records.keys())
    if unread:
        records |= services.workflows.get_many(unread, consistent=True)
    return found | _new_segments(unknown, records)


def _new_segments(keys: Sequence[_Key], records: Mapping[str, WorkflowRecord]) -> dict[_Key, Segment]:
    made: dict[_Key, Segment] = {}
    for workflow_id, number in keys:
        standing = records.get(workflow_id)
        if standing is None or not is_accepted(standing.submission):
            continue
        submission = standing.submission
        if number < segments_of(submission.job_count):
            made[workflow_id, number] = new_segment(
                workflow_id, number, submission.job_count, submission.expires_at_s
            )
    return made


def _may_decide(before: Segment, after: Segment) -> bool:
    """Tells whether the workflow's summary may have to change.

    That is so where the segment ends or is open again. A segment that knew the jobs before was written by a run that
    perhaps did not live to note the summary.
    """
    return before.is_ended or after.is_ended or before is after
