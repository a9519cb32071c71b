"""A caller acts on submissions of its own namespace; grants of operators add to that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.simulator.memory.services import memory_services
from tests.harness.functions.api_calls import NOW_MS, SETTINGS
from tidegate.domain import limits
from tidegate.domain.callers import NOBODY, Caller, caller_under
from tidegate.domain.errors import InvalidRequest, NotFound, NotYours, ServiceUnavailable
from tidegate.domain.grants import Grants
from tidegate.domain.requests import DependencyRequest, JobRequest, WorkflowRequest
from tidegate.domain.roles import Role
from tidegate.domain.states import State
from tidegate.usecases.access import set_grants
from tidegate.usecases.recover.cancel import cancel_downstream, cancel_job, cancel_workflow
from tidegate.usecases.recover.reopen import rerun_workflow, retry_job
from tidegate.usecases.services import Services
from tidegate.usecases.submit.submit import submit_job, submit_workflow

ACCOUNT = "123456789012"
ROOT = caller_under(f"arn:aws:iam::{ACCOUNT}:root")
ANN = caller_under(f"arn:aws:iam::{ACCOUNT}:user/ann")
BEN = caller_under(f"arn:aws:iam::{ACCOUNT}:user/ben")
NIGHTLY = caller_under(f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/monday")
NIGHTLY_LATER = caller_under(f"arn:aws:sts::{ACCOUNT}:assumed-role/Nightly/tuesday")
Act = Callable[[Services, str, str, Caller], object]
ACTS: dict[str, Act] = {
    "cancel": lambda services, job_id, _, by: cancel_job(services, job_id, caller=by, now_ms=NOW_MS),
    "cancel downstream": lambda services, job_id, _, by: cancel_downstream(
        services, job_id, caller=by, now_ms=NOW_MS
    ),
    "retry": lambda services, job_id, _, by: retry_job(
        services, job_id, reopen_skipped=True, caller=by, now_ms=NOW_MS
    ),
    "cancel workflow": lambda services, _, workflow, by: cancel_workflow(
        services, workflow, caller=by, now_ms=NOW_MS
    ),
    "rerun": lambda services, _, workflow, by: rerun_workflow(services, workflow, caller=by, now_ms=NOW_MS),
}


@pytest.fixture
def services() -> Services:
    return memory_services(SETTINGS)[0]


def submitted(services: Services, by: Caller, **fields: object) -> str:
    request = replace(JobRequest(type="tidegate.noop"), **fields)  # type: ignore[arg-type]  # of JobRequest
    return submit_job(
        services, request, idempotency_key=None, fingerprint="f", caller=by, now_ms=NOW_MS
    ).job_id


def flow(services: Services, by: Caller) -> str:
    request = WorkflowRequest(jobs=(JobRequest(key="a", type="tidegate.noop"),))
    return submit_workflow(
        services, request, idempotency_key=None, fingerprint="f", caller=by, now_ms=NOW_MS
    ).workflow_id


def grant(services: Services, to: Caller, role: Role = Role.OPERATOR, *namespaces: str) -> None:
    set_grants.set_grant(services, to.subject, role, namespaces, caller=ROOT, now_ms=NOW_MS)


@pytest.mark.parametrize("act", ACTS)
def test_nobody_acts_on_the_submissions_of_another(services: Services, act: str) -> None:
    job_id, workflow_id = submitted(services, ANN), flow(services, ANN)
    before = services.jobs.get_many([job_id, f"{workflow_id}.0"])
    with pytest.raises(NotYours, match=r"belongs to ann; .*user/ben --role operator"):
        ACTS[act](services, job_id, workflow_id, BEN)
    assert services.jobs.get_many([job_id, f"{workflow_id}.0"]) == before


@pytest.mark.parametrize("by", [ANN, ROOT, NOBODY], ids=("owner", "root", "no request"))
def test_owners_and_operators_cancel(services: Services, by: Caller) -> None:
    assert cancel_job(services, submitted(services, ANN), caller=by, now_ms=NOW_MS).state is State.CANCELLED
    assert cancel_workflow(services, flow(services, ANN), caller=by, now_ms=NOW_MS).cancelled == 1


def test_acting_on_ones_own_reads_no_grant() -> None:
    services, world = memory_services(SETTINGS)
    cancel_job(services, submitted(services, NIGHTLY), caller=NIGHTLY_LATER, now_ms=NOW_MS)
    assert "load_grants" not in world.requests


def test_a_granted_operator_acts_on_everything_until_the_grant_is_removed(services: Services) -> None:
    first, second = submitted(services, ANN), submitted(services, ANN)
    grant(services, BEN)
    assert cancel_job(services, first, caller=BEN, now_ms=NOW_MS).is_terminal
    set_grants.remove_grant(services, BEN.subject, caller=ROOT)
    with pytest.raises(NotYours):
        cancel_job(services, second, caller=BEN, now_ms=NOW_MS)


def test_a_grant_to_a_role_holds_for_each_of_its_sessions(services: Services) -> None:
    job_id = submitted(services, ANN)
    grant(services, NIGHTLY)
    assert cancel_job(services, job_id, caller=NIGHTLY_LATER, now_ms=NOW_MS).is_terminal


def test_a_job_of_an_older_release_is_anybodys(services: Services) -> None:
    assert cancel_job(services, submitted(services, NOBODY), caller=BEN, now_ms=NOW_MS).is_terminal


def test_nothing_downstream_is_cancelled_while_one_job_of_it_is_anothers(services: Services) -> None:
    upstream = submitted(services, ANN)
    own = submitted(services, ANN, depends_on=(DependencyRequest(job_id=upstream),))
    other = submitted(services, BEN, depends_on=(DependencyRequest(job_id=own),))
    with pytest.raises(NotYours, match=f"job {other} belongs to ben"):
        cancel_downstream(services, upstream, caller=ANN, now_ms=NOW_MS)
    assert not any(job.is_terminal for job in services.jobs.get_many([upstream, own, other]).values())
    cancel_job(services, other, caller=BEN, now_ms=NOW_MS)
    cancel_downstream(services, upstream, caller=ANN, now_ms=NOW_MS)
    assert all(job.is_terminal for job in services.jobs.get_many([upstream, own, other]).values())


def test_a_request_without_an_arn_is_no_operator() -> None:
    assert Grants().role_of(caller_under(None)) is Role.CLIENT
    assert Grants().role_of(NOBODY) is Role.OPERATOR


def test_grants_are_listed_by_namespace_and_setting_one_again_changes_nothing(services: Services) -> None:
    grant(services, NIGHTLY, Role.CLIENT, "team-b", "team-a", "team-a")
    grant(services, ANN)
    set_grants.set_grant(
        services, NIGHTLY_LATER.subject, Role.CLIENT, ("team-a", "team-b"), caller=ANN, now_ms=NOW_MS + 1
    )
    nightly, ann = set_grants.list_grants(services)
    assert (ann.namespace, ann.role, ann.namespaces) == (ANN.subject, Role.OPERATOR, ())
    assert nightly.namespace == f"arn:aws:iam::{ACCOUNT}:role/Nightly"
    assert (nightly.namespaces, nightly.by, nightly.at_ms) == (("team-a", "team-b"), ROOT.subject, NOW_MS)


def test_what_has_no_grant_can_not_lose_it(services: Services) -> None:
    with pytest.raises(NotFound, match="there is no grant"):
        set_grants.remove_grant(services, ANN.subject, caller=ROOT)


def test_grants_are_bounded(services: Services) -> None:
    for number in range(limits.MAX_GRANTS):
        grant(services, caller_under(f"arn:aws:iam::{ACCOUNT}:user/u{number}"))
    with pytest.raises(InvalidRequest, match="remove another first"):
        grant(services, ANN)
    grant(services, caller_under(f"arn:aws:iam::{ACCOUNT}:user/u1"), Role.CLIENT)


def test_a_grant_that_keeps_meeting_other_changes_is_given_up(services: Services) -> None:
    class Busy:
        def load(self) -> Grants:
            return Grants()

        def save_if_unchanged(self, grants: Grants) -> bool:
            return False

    with pytest.raises(ServiceUnavailable, match="too many other changes"):
        grant(replace(services, grants=Busy()), ANN)
