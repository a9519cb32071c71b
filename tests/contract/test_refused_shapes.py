"""The adapters replace each statement that AWS does not understand by calls with the same meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.harness.contract.company import COMPANION, in_company
from tests.harness.contract.stores import NOW_MS, RANK_POLICY, Stores, aws_stores, overwrite
from tests.harness.domain.transition_case import Case
from tests.harness.domain.transition_cases import CASES
from tests.harness.faults.emulated import emulated_aws, emulated_clients
from tests.harness.refused_shapes import SHAPES, bringing_no_item, refusing
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.statements import waiting_only_on
from tidegate.adapters.dynamodb.updates import update_of
from tidegate.domain.errors import NotFound
from tidegate.domain.transitions import TransitionRefused

CODEC = JobCodec(3, RANK_POLICY)
REFUSED_WHOLE = [False, True]
IDS = ["the statement", "the whole batch"]
ANY = "any UPDATE"
_KNOWN_CLAUSE = re.compile(
    r'"\w+" (=|<|<=|>=) \?|"\w+" IS (NOT )?MISSING|"\w+" IN \[\?(, \?)*\]|contains\("waiting_on", \?\)'
)


def _statement(case: Case) -> str | None:
    statement = update_of(CODEC, case.transition).statement("Jobs", schema.JOB_ID, case.job.job_id)
    return None if statement is None else str(statement["Statement"])


STATED = [(case, text) for case in CASES if (text := _statement(case)) is not None]
# Whatever the shape is, the statement is replaced by the same call. So each shape is tried with some transitions, and
# each transition with the shape that all have.
OF_EACH_SHAPE = 4
HAVING = {
    shape: [case for case, text in STATED if has(text, CODEC.whole_item(case.job))]
    for shape, has in SHAPES.items()
}
SHAPED = [
    pytest.param(case, shape, id=f"{shape}-{case}")
    for shape, cases in HAVING.items()
    for case in (cases if shape == ANY else cases[:OF_EACH_SHAPE])
]
REPLACED = [pytest.param(case, id=str(case)) for case in HAVING[ANY]]


@pytest.fixture(scope="module")
def emulated() -> Iterator[tuple[Stores, AwsClients]]:
    """Makes stores on the emulator in this process, and clients of it for requests outside of the adapters."""
    with emulated_aws() as aws:
        yield aws_stores(aws.clients, aws.empty(NOW_MS), aws.make_queue("q")), emulated_clients()


@pytest.mark.parametrize("whole", REFUSED_WHOLE, ids=IDS)
@pytest.mark.parametrize(("case", "shape"), SHAPED)
def test_a_transition_whose_statement_is_not_understood_is_made_all_the_same(
    emulated: tuple[Stores, AwsClients], case: Case, shape: str, whole: bool
) -> None:
    stores, aside = emulated
    assert stores.clients is not None
    overwrite(stores, case.job)
    moved = case.transition.apply(case.job)
    with refusing(stores.clients.dynamodb, aside.dynamodb, SHAPES[shape], whole=whole) as refusals:
        assert in_company(stores, case.transition) == moved
    assert stores.jobs.get(case.job.job_id, consistent=True) == moved
    assert refusals.count > 0


@pytest.mark.parametrize("whole", REFUSED_WHOLE, ids=IDS)
@pytest.mark.parametrize("case", REPLACED)
def test_a_transition_whose_statement_is_not_understood_is_refused_as_the_domain_says(
    emulated: tuple[Stores, AwsClients], case: Case, whole: bool
) -> None:
    stores, aside = emulated
    assert stores.clients is not None
    with refusing(stores.clients.dynamodb, aside.dynamodb, SHAPES[ANY], whole=whole):
        for broken, job in case.refused.items():
            overwrite(stores, job)
            outcome = in_company(stores, case.transition)
            assert isinstance(outcome, TransitionRefused), broken
            assert outcome.job == job, broken
            assert stores.jobs.get(job.job_id, consistent=True) == job, broken
        stores.jobs.unstage([case.job.job_id])
        assert isinstance(in_company(stores, case.transition), NotFound)


def test_one_batch_that_is_refused_whole_costs_one_call_for_each_job(
    emulated: tuple[Stores, AwsClients],
) -> None:
    stores, aside = emulated
    assert stores.clients is not None
    transitions = [replace(COMPANION, candidate_id=f"S.{n}") for n in range(25)]
    overwrite(stores, *(replace(CASES[0].job, job_id=transition.job_id) for transition in transitions))
    before = stores.clients.meter.snapshot()
    with refusing(stores.clients.dynamodb, aside.dynamodb, SHAPES[ANY], whole=True):
        stores.jobs.apply_all(transitions)
    used = stores.clients.meter.snapshot() - before
    assert used.requests[("dynamodb", "UpdateItem")] == 25
    assert used.requests[("dynamodb", "BatchExecuteStatement")] == 1


@pytest.mark.parametrize("text", [text for _, text in STATED])
def test_conditions_use_few_kinds_of_clauses_and_no_or(text: str) -> None:
    """The refused shapes above cover these clauses, or a captured answer shows that AWS accepts them."""
    _, _, condition = text.removesuffix(" RETURNING ALL NEW *").partition('WHERE "job_id" = ? AND ')
    clauses = condition.replace("(contains", "contains").split(" AND ")
    for clause in clauses:
        bare = clause.strip("()") + (")" if "contains(" in clause else "")
        assert _KNOWN_CLAUSE.fullmatch(bare), clause


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_call_is_refused_as_the_domain_says_though_no_item_comes_back(
    emulated: tuple[Stores, AwsClients], case: Case
) -> None:
    stores, _ = emulated
    assert stores.clients is not None
    with bringing_no_item(stores.clients.dynamodb) as refusals:
        for broken, job in case.refused.items():
            overwrite(stores, job)
            with pytest.raises(TransitionRefused) as refused:
                stores.jobs.apply(case.transition)
            assert refused.value.job == job, broken
        assert refusals.count >= len(case.refused)
        stores.jobs.unstage([case.job.job_id])
        with pytest.raises(NotFound):
            stores.jobs.apply(case.transition)


def test_every_shape_is_one_that_is_sent() -> None:
    assert all(HAVING.values())


@pytest.mark.parametrize("waiting", [1, 9, 250])
def test_a_job_that_waits_on_any_number_is_released_by_a_statement(waiting: int) -> None:
    condition = waiting_only_on(frozenset(range(waiting)))
    assert condition.statement == '"waiting_on" = ?'
