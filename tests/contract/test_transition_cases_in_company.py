"""Every store makes each transition that shares its request with another exactly as the domain does."""

from __future__ import annotations

import pytest

from tests.harness.contract.company import in_company
from tests.harness.contract.stores import Stores, overwrite
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES, OF_EACH_KIND
from tidegate.domain.errors import NotFound
from tidegate.domain.transitions import Transition, TransitionRefused


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transition_among_others_changes_the_job_as_the_domain_says(
    kept_stores: Stores, case: Case
) -> None:
    overwrite(kept_stores, case.job)
    changed = case.transition.apply(case.job)
    assert in_company(kept_stores, case.transition) == changed
    assert kept_stores.jobs.get(case.job.job_id, consistent=True) == changed


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transition_among_others_is_refused_as_the_domain_says(kept_stores: Stores, case: Case) -> None:
    for broken, job in case.refused.items():
        overwrite(kept_stores, job)
        with pytest.raises(TransitionRefused) as domain_says:
            case.transition.apply(job)
        outcome = in_company(kept_stores, case.transition)
        assert isinstance(outcome, TransitionRefused), broken
        assert (outcome.job, str(outcome)) == (job, str(domain_says.value)), broken
        assert kept_stores.jobs.get(job.job_id, consistent=True) == job, broken


@pytest.mark.parametrize("transition", OF_EACH_KIND, ids=lambda one: type(one).__name__)
def test_no_transition_among_others_creates_a_job(kept_stores: Stores, transition: Transition) -> None:
    kept_stores.jobs.unstage([transition.job_id])
    assert isinstance(in_company(kept_stores, transition), NotFound)
    assert kept_stores.jobs.get(transition.job_id) is None
