from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from tidegate.domain.ids import derived_submission_id, first_ulid, ulid_time_ms
from tidegate.domain.job import submission_of, workflow_job_id


@given(st.sampled_from(["job", "workflow"]), st.text(max_size=128))
def test_a_derived_id_is_the_ulid_of_the_keys_hash(kind: str, key: str) -> None:
    derived = derived_submission_id(kind, key)
    assert ULID.from_str(derived).bytes == hashlib.sha256(f"{kind}\n{key}".encode()).digest()[:16]
    assert str(ULID.from_str(derived)) == derived


def test_the_same_key_of_a_job_and_of_a_workflow_are_two_submissions() -> None:
    assert derived_submission_id("job", "nightly") != derived_submission_id("workflow", "nightly")


@given(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26), st.integers(0, 9_999))
def test_ids_of_a_workflows_jobs_hold_its_id_and_their_place(submission_id: str, index: int) -> None:
    job_id = workflow_job_id(submission_id, index)
    assert submission_of(job_id) == submission_id
    assert job_id == f"{submission_id}.{index}"


def test_a_job_submitted_alone_is_its_own_submission() -> None:
    job_id = derived_submission_id("job", "one")
    assert submission_of(job_id) == job_id


def test_the_same_key_in_two_namespaces_is_two_submissions() -> None:
    ids = {derived_submission_id("job", "nightly", namespace) for namespace in ("", "ann", "ben")}
    assert len(ids) == 3
    digest = hashlib.sha256(b"job\nann\nnightly").digest()[:16]
    assert ULID.from_str(derived_submission_id("job", "nightly", "ann")).bytes == digest


@given(st.integers(0, 2**48 - 1))
def test_a_ulid_shows_its_time_and_sorts_after_the_first_of_that_time(at_ms: int) -> None:
    ulid = str(ULID.from_timestamp(at_ms))
    assert ulid_time_ms(ulid) == at_ms
    assert ulid_time_ms(first_ulid(at_ms)) == at_ms
    assert first_ulid(at_ms) < ulid
    assert ulid < first_ulid(at_ms + 1)


def test_the_time_of_another_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        ulid_time_ms("not a ulid")
