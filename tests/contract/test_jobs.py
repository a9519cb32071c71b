"""Every job store inserts, reads and removes jobs in the same way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.contract.jobs import full_job, new_job
from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.errors import NotFound, ServiceRefused
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.states import State
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import (
    NoteDependents,
    NoteJudgementIfOpen,
    ReleaseIfPending,
    RerunUnlessDispatched,
    Stamp,
)
from tidegate.domain.verdicts import FinishVerdict, Judgement

LARGE = {"text": "x" * 20_000}


def pending(job_id: str, **changes: object) -> Job:
    return new_job(job_id, depends_on=(Dependency("S.0"), Dependency("S.1")), **changes)


def test_a_job_reads_back_as_it_was_written(stores: Stores) -> None:
    for job in (full_job("S.2"), new_job("S"), pending("S.3")):
        assert stores.jobs.insert_if_absent([job]) == ()
        assert stores.jobs.get(job.job_id) == job
        assert stores.jobs.get(job.job_id, consistent=True) == job


def test_a_job_that_does_not_exist_is_none(stores: Stores) -> None:
    assert stores.jobs.get("S.9") is None
    assert stores.jobs.get("S.9", consistent=True) is None


@pytest.mark.parametrize("store", ["insert_if_absent", "stage"])
def test_a_job_is_written_once_in_a_call(stores: Stores, store: str) -> None:
    """AWS refuses a batch that names an item twice, whatever the batch does with it."""
    with pytest.raises(ServiceRefused):
        getattr(stores.jobs, store)([new_job("S.1"), new_job("S.2"), new_job("S.1")])
    assert stores.jobs.get_many(["S.1", "S.2"]) == {}


def test_a_job_is_removed_once_in_a_call(stores: Stores) -> None:
    stores.jobs.insert_if_absent([new_job("S.1")])
    with pytest.raises(ServiceRefused):
        stores.jobs.unstage(["S.1", "S.1"])
    assert stores.jobs.get("S.1") is not None


@pytest.mark.parametrize("number", [1, 2, 60])
def test_inserting_leaves_existing_jobs_untouched_and_names_them(stores: Stores, number: int) -> None:
    standing = [new_job(f"S.{n}", name="first") for n in range(0, number, 2)]
    stores.jobs.insert_if_absent(standing)
    again = stores.jobs.insert_if_absent([new_job(f"S.{n}", name="second") for n in range(number)])
    assert sorted(again) == sorted(job.job_id for job in standing)
    jobs = stores.jobs.get_many([f"S.{n}" for n in range(number)])
    names = [jobs[f"S.{n}"].name for n in range(number)]
    assert names == ["second" if n % 2 else "first" for n in range(number)]


def test_inserting_nothing_does_nothing(stores: Stores) -> None:
    assert stores.jobs.insert_if_absent([]) == ()


def test_get_many_finds_what_exists_whatever_the_number(stores: Stores) -> None:
    ids = [f"S.{n}" for n in range(230)]
    stores.jobs.insert_if_absent([new_job(job_id) for job_id in ids])
    found = stores.jobs.get_many([*ids, "S.0", "T.1"])
    assert sorted(found) == sorted(ids)
    assert found["S.7"] == new_job("S.7")
    assert stores.jobs.get_many([]) == {}


def test_large_input_overflows_and_loaded_when_asked_for(stores: Stores) -> None:
    large, small = pending("S.2", parameters=LARGE), new_job("S.3")
    stores.jobs.insert_if_absent([large, small])
    read = stores.jobs.get_many(["S.2", "S.3"])
    assert read["S.2"] == replace(large, input=None)
    assert stores.jobs.load_input(read["S.2"]) == large.input
    assert stores.jobs.load_inputs(list(read.values())) == {"S.2": large.input, "S.3": small.input}


def test_single_dependencies_are_loaded_from_the_job_and_from_the_overflow(stores: Stores) -> None:
    edges = (
        Dependency("S.0"),
        Dependency("S.1", DependencyType.CONDITIONAL, "upstream.result == 'a  b'"),
        Dependency("T.7", DependencyType.MUST_START),
    )
    stores.jobs.insert_if_absent(
        [new_job(f"S.{n}", depends_on=edges, parameters=LARGE if n % 2 else {}) for n in range(2, 62)]
    )
    read = stores.jobs.get_many([f"S.{n}" for n in range(2, 62)])
    assert {job.input is None for job in read.values()} == {True, False}
    wanted = [(job, place) for job in read.values() for place in (1, 2)]
    assert stores.jobs.load_dependencies(wanted) == {
        (job_id, place): edges[place] for job_id in read for place in (1, 2)
    }
    assert stores.jobs.load_dependencies([]) == {}
    with pytest.raises(NotFound):
        stores.jobs.load_dependencies([(replace(new_job("S.99", depends_on=edges), input=None), 0)])


def test_another_body_under_a_used_id_leaves_the_large_input_that_stands(stores: Stores) -> None:
    first = new_job("S", parameters={**LARGE, "n": 1}, fingerprint="1" * 64)
    second = new_job("S", parameters={**LARGE, "n": 2}, fingerprint="2" * 64)
    assert stores.jobs.insert_if_absent([first]) == ()
    assert stores.jobs.insert_if_absent([second]) == ("S",)
    standing = stores.jobs.get("S")
    assert standing is not None
    assert stores.jobs.load_input(standing) == first.input


def test_an_input_that_is_gone_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound):
        stores.jobs.load_input(replace(new_job("S.2"), input=None))


def test_a_small_result_sits_in_the_job_and_a_large_one_overflows_by_attempt(stores: Stores) -> None:
    job = new_job("S.2", attempt=1)
    assert stores.jobs.store_result_overflow(job, {"rows": 3}) is False
    assert stores.jobs.store_result_overflow(job, {**LARGE, "n": 1}) is True
    assert stores.jobs.store_result_overflow(replace(job, attempt=2), {**LARGE, "n": 2}) is True
    assert stores.jobs.load_result(replace(job, result_overflow=True)) == {**LARGE, "n": 1}
    assert stores.jobs.load_result(replace(job, result_overflow=True, attempt=2)) == {**LARGE, "n": 2}
    assert stores.jobs.load_result(replace(job, result={"rows": 3})) == {"rows": 3}
    assert stores.jobs.load_result(job) is None


@pytest.mark.parametrize("number", [1, 12, 9_000])
def test_dependents_are_listed_whether_they_are_few_or_many(stores: Stores, number: int) -> None:
    kinds = list(DependencyType)
    edges = tuple(Dependent(f"S.{n}", n % 3, kinds[n % 4]) for n in range(1, number + 1))
    stores.jobs.insert_if_absent([new_job("S.0", dependents=edges)])
    job = stores.jobs.get("S.0")
    assert job is not None
    assert sorted(stores.jobs.list_dependents(job), key=str) == sorted(edges, key=str)


@pytest.mark.parametrize(("number", "limit"), [(1, 5), (12, 5), (9_000, 1_000)])
def test_dependents_are_paged_each_once_wherever_they_are_stored(
    stores: Stores, number: int, limit: int
) -> None:
    edges = [Dependent(f"S.{n}", 0, DependencyType.MUST_START) for n in range(1, number + 1)]
    stores.jobs.insert_if_absent([new_job("S.0", dependents=tuple(edges))])
    later = [ExternalEdge("S.0", f"T.{n}", n % 2, DependencyType.MUST_COMPLETE) for n in range(7)]
    stores.jobs.add_edges(later)
    job = stores.jobs.apply(NoteDependents("S.0", watch_start=True))
    found: list[Dependent] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        page = stores.jobs.page_dependents(job, limit=limit, after=after)
        assert 1 <= len(page.edges) <= limit
        found += page.edges
        after, pages = page.next, pages + 1
    edges += [Dependent(edge.downstream_id, edge.ordinal, edge.type) for edge in later]
    assert sorted(found, key=str) == sorted(edges, key=str)
    assert pages == -(-len(edges) // limit)


def test_an_edge_to_an_earlier_job_is_listed_once_it_is_noted(stores: Stores) -> None:
    inline = Dependent("S.1", 0, DependencyType.MUST_SUCCEED)
    stores.jobs.insert_if_absent([new_job("S.0", dependents=(inline,))])
    edges = [
        ExternalEdge("S.0", "T.4", 0, DependencyType.MUST_START),
        ExternalEdge("S.0", "T.4", 1, DependencyType.MUST_COMPLETE),
        ExternalEdge("S.0", "U", 0, DependencyType.MUST_COMPLETE),
        ExternalEdge("S.9", "U", 1, DependencyType.MUST_COMPLETE),
    ]
    stores.jobs.add_edges([*edges, edges[0]])
    stores.jobs.add_edges(edges[:2])
    noted = stores.jobs.apply(NoteDependents("S.0", watch_start=True))
    assert noted.dependents_overflow
    assert noted.watch_start
    expected = [inline, *(Dependent(e.downstream_id, e.ordinal, e.type) for e in edges[:3])]
    assert sorted(stores.jobs.list_dependents(noted), key=str) == sorted(expected, key=str)
    alone = replace(noted, job_id="S.none", dependents=())
    many = stores.jobs.list_dependents_of([alone, noted])
    assert [sorted(each, key=str) for each in many] == [[], sorted(expected, key=str)]


def test_staging_writes_over_what_an_earlier_try_left(stores: Stores) -> None:
    stores.jobs.stage([pending(f"S.{n}", name="first") for n in range(2, 40, 2)])
    jobs = [pending(f"S.{n}", name="second") for n in range(2, 40)]
    stores.jobs.stage(jobs)
    assert stores.jobs.get_many([job.job_id for job in jobs]) == {job.job_id: job for job in jobs}


def test_staging_never_throws_back_a_job_that_has_gone_on(stores: Stores) -> None:
    stores.jobs.stage([pending("S.2"), pending("S.3")])
    released = stores.jobs.apply(ReleaseIfPending(pending("S.2"), {1}))
    later = [replace(pending(f"S.{n}"), created_at_ms=NOW_MS + 5) for n in (2, 3)]
    stores.jobs.stage(later)
    assert stores.jobs.get("S.2") == released
    assert stores.jobs.get("S.3") == later[1]


def test_staging_never_forgets_that_a_later_job_waits(stores: Stores) -> None:
    stores.jobs.stage([pending("S.2"), pending("S.3")])
    stores.jobs.apply(NoteDependents("S.2", watch_start=True))
    stores.jobs.stage([pending("S.2"), pending("S.3")])
    job = stores.jobs.get("S.2")
    assert job is not None
    assert job.dependents_overflow
    assert job.watch_start


def test_unstaging_removes_jobs_and_their_overflow(stores: Stores) -> None:
    edges = tuple(Dependent(f"S.{n}", 0, DependencyType.MUST_SUCCEED) for n in range(10, 900))
    job = pending("S.2", parameters=LARGE, dependents=edges)
    stores.jobs.stage([job, pending("S.3")])
    stores.jobs.unstage(["S.2", "S.3", "S.4"])
    stores.jobs.unstage(["S.2"])
    assert stores.jobs.get_many(["S.2", "S.3"]) == {}
    with pytest.raises(NotFound):
        stores.jobs.load_input(replace(job, input=None))
    assert list(stores.jobs.list_dependents(replace(job, dependents=(), dependents_overflow=True))) == []


@pytest.mark.parametrize("parameters", [{"path": "b"}, {"text": "x" * 9_000}, {}])
def test_the_input_of_a_rerun_stands_beside_the_job_s_own(
    stores: Stores, parameters: dict[str, Json]
) -> None:
    depends_on = (Dependency("R"), Dependency("T"))
    job = replace(new_job("S", depends_on=depends_on), state=State.SUCCEEDED)
    stores.jobs.insert_if_absent([job])
    old = stores.jobs.load_input(job)
    given = JobInput(parameters, depends_on)
    part = stores.jobs.store_input(job, given)
    other = stores.jobs.store_input(job, JobInput({"path": "c"}, depends_on))
    assert part != other == stores.jobs.store_input(job, JobInput({"path": "c"}, depends_on))
    rerun = stores.jobs.apply(RerunUnlessDispatched(job, Stamp(NOW_MS, "ann"), part))
    assert (rerun.input, rerun.input_part) == (None, part)
    assert stores.jobs.load_input(rerun) == stores.jobs.load_inputs([rerun])["S"] == given
    assert stores.jobs.load_dependencies([(rerun, 1)]) == {("S", 1): depends_on[1]}
    assert stores.jobs.load_input(job) == old


def test_a_new_life_has_no_judgement_that_was_noted_since_the_job_was_read(stores: Stores) -> None:
    job = replace(pending("S.2"), finish_by_ms=NOW_MS + 9)
    stores.jobs.insert_if_absent([job])
    stores.jobs.apply(NoteJudgementIfOpen(job, Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.25)))
    stores.jobs.apply(RerunUnlessDispatched(job, Stamp(NOW_MS, "ann")))
    kept = stores.jobs.get("S.2", consistent=True)
    assert kept is not None
    assert (kept.reopened, kept.judgements) == (1, ())
