"""The judgements about a time to finish by, as the reaper has noted them: what an answer shows without a forecast."""

from __future__ import annotations

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.job import Job
from tidegate.domain.progress import Summary
from tidegate.domain.submission import Submission
from tidegate.domain.verdicts import FinishVerdict, Judgement, shown_judgement


class JudgementOut(TypedDict):
    """A verdict, the probability (0-1) of an end in time when it was judged, and the time since when it stands."""

    verdict: FinishVerdict
    probability: float
    judged_at: Time | None


def job_judgement_out(job: Job, now_ms: int) -> JudgementOut | None:
    """Returns what is known about a job's time at `now_ms` (milliseconds), null where nothing is."""
    found = shown_judgement(job.finish_by_ms, job.judgements, ended_at_ms=job.finished_at_ms, now_ms=now_ms)
    return None if found is None else judgement_out(found)


def workflow_judgement_out(submission: Submission, summary: Summary, now_ms: int) -> JudgementOut | None:
    """Returns what is known about a workflow's time at `now_ms` (milliseconds), null where nothing is."""
    found = shown_judgement(
        submission.finish_by_ms, submission.judgements, ended_at_ms=summary.ended_at_ms, now_ms=now_ms
    )
    return None if found is None else judgement_out(found)


def judgement_out(judgement: Judgement) -> JudgementOut:
    """Returns one judgement as clients read it."""
    return {
        "verdict": judgement.verdict,
        "probability": judgement.probability,
        "judged_at": to_wire(judgement.judged_at_ms),
    }
