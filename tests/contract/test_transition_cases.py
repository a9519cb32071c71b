"""Every store makes each transition exactly as the domain does, and refuses it exactly where the domain refuses it."""

from __future__ import annotations

import pytest

from tests.harness.contract.stores import Stores, overwrite
from tests.harness.domain.outside_cases import REFUSED_HERE
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES, OF_EACH_KIND
from tidegate.domain.errors import NotFound
from tidegate.domain.job import Job
from tidegate.domain.transitions import Transition, TransitionRefused


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transition_changes_the_job_as_the_domain_says(kept_stores: Stores, case: Case) -> None:
    overwrite(kept_stores, case.job)
    changed = case.transition.apply(case.job)
    assert kept_stores.jobs.apply(case.transition) == changed
    assert kept_stores.jobs.get(case.job.job_id, consistent=True) == changed


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_refused_transition_brings_the_job_back_and_changes_nothing(
    kept_stores: Stores, case: Case
) -> None:
    for broken, job in case.refused.items():
        overwrite(kept_stores, job)
        with pytest.raises(TransitionRefused) as domain_says:
            case.transition.apply(job)
        with pytest.raises(TransitionRefused) as store_says:
            kept_stores.jobs.apply(case.transition)
        assert store_says.value.job == job, broken
        assert str(store_says.value) == str(domain_says.value), broken
        assert kept_stores.jobs.get(job.job_id, consistent=True) == job, broken


@pytest.mark.parametrize(("transition", "job"), REFUSED_HERE, ids=lambda each: type(each).__name__)
def test_a_job_outside_is_left_to_the_outside(kept_stores: Stores, transition: Transition, job: Job) -> None:
    overwrite(kept_stores, job)
    with pytest.raises(TransitionRefused) as domain_says:
        transition.apply(job)
    with pytest.raises(TransitionRefused) as store_says:
        kept_stores.jobs.apply(transition)
    assert str(store_says.value) == str(domain_says.value)
    assert kept_stores.jobs.get(job.job_id, consistent=True) == job


@pytest.mark.parametrize("transition", OF_EACH_KIND, ids=lambda one: type(one).__name__)
def test_no_transition_ever_creates_a_job(kept_stores: Stores, transition: Transition) -> None:
    kept_stores.jobs.unstage([transition.job_id])
    with pytest.raises(NotFound):
        kept_stores.jobs.apply(transition)
    assert kept_stores.jobs.get(transition.job_id) is None
