"""Translates the transitions that only note something on a job into conditional writes (see `updates`)."""

from __future__ import annotations

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec, judgement_text
from tidegate.adapters.dynamodb.statements import (
    Update,
    absent,
    all_of,
    equals,
    in_state,
    judged,
    never,
    reopened_times,
)
from tidegate.domain import transitions
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.verdicts import with_judgement


def note_dependents(_: JobCodec, transition: transitions.NoteDependents) -> Update:
    """Returns the write that notes that not all dependents of a job stand in its item."""
    watch = {schema.WATCH_START: True} if transition.watch_start else {}
    return Update(in_state(*State), {schema.DEPENDENTS_OVERFLOW: True, **watch})


def keep(_: JobCodec, transition: transitions.KeepIfEnded) -> Update:
    """Returns the write that keeps an ended job longer."""
    job = transition.job
    kept = (
        absent(schema.EXPIRES_AT) if job.expires_at_s is None else equals(schema.EXPIRES_AT, job.expires_at_s)
    )
    condition = all_of(in_state(*sorted(TERMINAL)), reopened_times(job.reopened), kept)
    return Update(condition, {schema.EXPIRES_AT: transition.until_s})


def note_judgement(_: JobCodec, transition: transitions.NoteJudgementIfOpen) -> Update:
    """Returns the write that notes a new verdict about a time to finish by."""
    job = transition.job
    if job.finish_by_ms is None:
        return Update(never())
    condition = all_of(
        in_state(*sorted(set(State) - TERMINAL)),
        reopened_times(job.reopened),
        judged(job.finish_by_ms, judgement_text(job.judgements)),
    )
    judgements = with_judgement(job.judgements, transition.judgement)
    return Update(condition, {schema.JUDGEMENTS: judgement_text(judgements)})
