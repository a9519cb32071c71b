"""The answer to why a job is not running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

from tidegate.contracts.times import Time, to_wire
from tidegate.domain.job import Job
from tidegate.domain.why.facts import Action, Change, Fact, Plain, Why

_MS = "_ms"


class ChangeOut(TypedDict):
    """The least change that removes one fact. A field that its action does not need is null."""

    action: str
    sentence: str
    pool: str | None
    type: str | None
    job_ids: list[str]
    max_running: int | None
    slots: int | None
    at: Time | None


class FactOut(TypedDict):
    """One fact that holds a job by itself, or that a running job is a straggler, with the values it was read from."""

    code: str
    message: str
    evidence: dict[str, Any]
    change: ChangeOut


class WhyOut(TypedDict):
    """Why a job is not running. `complete` is false where not everything that could hold it was read."""

    job_id: str
    state: str
    type: str
    pool: str
    facts: list[FactOut]
    sentence: str
    complete: bool


def why_out(job: Job, why: Why) -> WhyOut:
    """Returns the answer as clients read it."""
    return {
        "job_id": job.job_id,
        "state": job.state,
        "type": job.type,
        "pool": job.pool,
        "facts": [_fact_out(fact) for fact in why.facts],
        "sentence": why.sentence,
        "complete": why.is_whole,
    }


def _fact_out(fact: Fact) -> FactOut:
    return {
        "code": fact.code,
        "message": fact.message,
        "evidence": _evidence_out(fact.evidence),
        "change": _change_out(fact.change),
    }


def _evidence_out(evidence: Mapping[str, Plain]) -> dict[str, Any]:
    return {
        name.removesuffix(_MS): to_wire(value) if name.endswith(_MS) and isinstance(value, int) else value
        for name, value in evidence.items()
    }


def _change_out(change: Change) -> ChangeOut:
    return {
        "action": change.action,
        "sentence": change.sentence,
        "pool": change.pool,
        "type": change.type,
        "job_ids": list(change.job_ids),
        "max_running": change.number if change.action is Action.LIMIT_TYPE else None,
        "slots": change.number if change.action is Action.ADD_SLOTS else None,
        "at": to_wire(change.at_ms),
    }
