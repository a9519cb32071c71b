"""A worker's fault is not the job's: the worker leaves such jobs to others, reports why, and ends in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness.waiting import becomes_true
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import CLOCK, POOL, GateExecutor, job_of, queued_job
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain import limits
from tidegate.domain.states import State
from tidegate.domain.type_facts import TypeFacts
from tidegate.domain.workers import Worker
from tidegate.ports import UNKNOWN_TYPE, Assignment, Begun, Heartbeat, Message, Outcome, OutcomeKind, unheard
from tidegate.usecases.pools.capacity import pool_ability, pool_capacity
from tidegate_worker import faults
from tidegate_worker.faults import FAULTS_ALLOWED, PROBES, Faults
from tidegate_worker.process import EXIT_UNABLE

UNABLE = Outcome(OutcomeKind.UNABLE, code="process-not-started", message="no memory")
LACKING = Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE)
DONE = Outcome(OutcomeKind.SUCCEEDED)
SLOTS = 2


class UnableExecutor(GateExecutor):
    """An executor that begins nothing until it is `mended`, and lacks the types in `lacking`."""

    def __init__(self, *lacking: str, mended: bool = False) -> None:
        super().__init__()
        self.lacking = lacking
        self.mended = mended
        self.probes = 0

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        self.started.append(assignment.job_id)
        if assignment.type in self.lacking:
            return LACKING
        return DONE if self.mended else UNABLE

    def probe(self) -> str:
        self.probes += 1
        return "" if self.mended else "no memory"


class SomeTypes:
    """A registry that lacks some types, for workers of an older version."""

    def __init__(self, types: Sequence[str]) -> None:
        self._types = types

    def types(self) -> Sequence[str]:
        return self._types

    def violations(self, job_type: str, parameters: object) -> Sequence[tuple[str, str]]:
        return ()

    def reads_upstreams(self, job_type: str) -> bool:
        return False

    def may_run_twice(self, job_type: str) -> bool | None:
        return False if job_type in self.types() else None

    def facts(self, job_type: str) -> TypeFacts | None:
        return TypeFacts() if job_type in self.types() else None

    @property
    def homes(self) -> Mapping[str, str]:
        return {}

    def faults(self) -> Sequence[str]:
        return ()


@pytest.fixture
def fixture(monkeypatch: pytest.MonkeyPatch) -> Fixture:
    monkeypatch.setattr(faults, "_FIRST_PROBE_SECONDS", 0.01)
    return Fixture()


def entry_of(fixture: Fixture) -> Worker:
    worker = fixture.services.workers.get(POOL, "worker-1")
    assert worker is not None
    return worker


def states_of(fixture: Fixture, messages: Sequence[Message]) -> set[State]:
    return {job_of(fixture.services, message).state for message in messages}


def test_a_worker_that_can_begin_nothing_fails_no_job_says_why_and_leaves(fixture: Fixture) -> None:
    messages = [queued_job(fixture.services) for _ in range(30)]
    executor = UnableExecutor()
    with fixture.running(slots=SLOTS, executor=executor) as worker:
        assert becomes_true(lambda: bool(entry_of(fixture).fault))
        now_ms = CLOCK.now_ms()
        pool = fixture.services.settings.pools[POOL]
        assert pool_capacity(fixture.services, pool, now_ms) == 0
        assert worker.ended() == EXIT_UNABLE
    assert states_of(fixture, messages) <= {State.QUEUED, State.READY}
    assert len(executor.started) <= SLOTS * FAULTS_ALLOWED, "it eats no queue"
    assert executor.probes == PROBES
    assert entry_of(fixture).fault == "process-not-started: no memory"
    handed_back = [job for job in (job_of(fixture.services, each) for each in messages) if job.attempt]
    assert {job.history[-1].reason for job in handed_back} == {"unbegun: process-not-started"}


def test_a_worker_that_is_mended_goes_on(fixture: Fixture) -> None:
    first = queued_job(fixture.services)
    executor = UnableExecutor()
    with fixture.running(slots=SLOTS, executor=executor):
        assert becomes_true(lambda: job_of(fixture.services, first).state is State.READY)
        executor.mended = True
        second = queued_job(fixture.services)
        assert becomes_true(lambda: job_of(fixture.services, second).state is State.SUCCEEDED)
        assert becomes_true(lambda: not entry_of(fixture).fault)
    assert executor.started == [first.job_id, second.job_id]


def test_a_worker_whose_probes_can_not_be_made_leaves(fixture: Fixture) -> None:
    class Broken(UnableExecutor):
        def probe(self) -> str:
            self.probes += 1
            raise MemoryError

    executor = Broken()
    queued_job(fixture.services)
    with fixture.running(slots=1, executor=executor) as worker:
        assert worker.ended() == EXIT_UNABLE
    assert executor.probes == PROBES


def test_a_worker_whose_probes_deceive_leaves_after_a_few_faults_on_end(fixture: Fixture) -> None:
    class Deceived(UnableExecutor):
        def probe(self) -> str:
            return ""

    executor = Deceived()
    messages = [queued_job(fixture.services) for _ in range(30)]
    with fixture.running(slots=1, executor=executor) as worker:
        assert worker.ended() == EXIT_UNABLE
    assert len(executor.started) <= 2 * FAULTS_ALLOWED
    assert states_of(fixture, messages) <= {State.QUEUED, State.READY}


def test_a_message_of_a_type_that_the_worker_lacks_is_passed_on_without_a_claim(fixture: Fixture) -> None:
    foreign, own = queued_job(fixture.services), queued_job(fixture.services, "sample.print")
    fixture.services = replace(fixture.services, registry=SomeTypes(["sample.print"]))
    with fixture.running(slots=SLOTS, executor=UnableExecutor(mended=True)):
        assert becomes_true(lambda: job_of(fixture.services, own).state is State.SUCCEEDED)
        assert becomes_true(lambda: entry_of(fixture).lacking == ("sample.describe",))
        pool = fixture.services.settings.pools[POOL]
        ability = pool_ability(fixture.services, pool, CLOCK.now_ms())
        assert (ability.slots, ability.limited) == (SLOTS, {"sample.describe": 0})
        assert fixture.queue.extended == [1]
    job = job_of(fixture.services, foreign)
    assert (job.state, job.attempt) == (State.QUEUED, 0)


def test_a_job_whose_type_turns_out_to_be_lacking_is_handed_back_once(fixture: Fixture) -> None:
    """Its message is of an earlier version, or job code changed under the worker."""
    first = queued_job(fixture.services, typed=False)
    executor = UnableExecutor("sample.describe", mended=True)
    with fixture.running(slots=SLOTS, executor=executor):
        assert becomes_true(lambda: job_of(fixture.services, first).state is State.READY)
        second = queued_job(fixture.services, typed=False)
        assert becomes_true(lambda: bool(fixture.queue.extended))
    assert executor.started == [first.job_id], "the second one is not claimed any more"
    assert job_of(fixture.services, second).state is State.QUEUED
    assert job_of(fixture.services, first).history[-1].reason == f"unbegun: {UNKNOWN_TYPE}"


def test_a_type_that_the_worker_did_not_know_at_its_start_never_runs_there(fixture: Fixture) -> None:
    """Job code was replaced while the worker ran. The worker can't know that the new code wants upstreams."""
    message = queued_job(fixture.services, typed=False)
    fixture.services = replace(fixture.services, registry=SomeTypes(["sample.print"]))
    executor = UnableExecutor(mended=True)
    with fixture.running(slots=SLOTS, executor=executor):
        assert becomes_true(lambda: job_of(fixture.services, message).state is State.READY)
        assert becomes_true(lambda: entry_of(fixture).lacking == ("sample.describe",))
    assert executor.started == []
    assert job_of(fixture.services, message).history[-1].reason == f"unbegun: {UNKNOWN_TYPE}"


def test_a_worker_that_is_given_nothing_but_what_it_lacks_leaves(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "PASSES_ALLOWED", 3)
    messages = [queued_job(fixture.services) for _ in range(3)]
    fixture.services = replace(fixture.services, registry=SomeTypes(["sample.print"]))
    with fixture.running(slots=SLOTS) as worker:
        assert worker.ended() == EXIT_UNABLE
    assert states_of(fixture, messages) == {State.QUEUED}


def test_a_worker_names_a_bounded_number_of_types() -> None:
    found = Faults(["known"])
    for number in range(limits.MAX_LACKING_TYPES):
        found.note(f"t{number}", LACKING)
    assert not found.why_leave
    found.note("one-more", LACKING)
    assert len(found.standing.lacking) == limits.MAX_LACKING_TYPES
    assert found.why_leave.startswith("more than 20 job types are lacking; it lacks t0, t1, ")


def test_a_job_that_began_ends_the_count_of_faults() -> None:
    found = Faults(["known"])
    for _ in range(faults.PASSES_ALLOWED - 1):
        found.note_passed_on("foreign")
    found.note("known", Outcome(OutcomeKind.FAILED, code="broken"))
    found.note_passed_on("foreign")
    assert not found.why_leave
    assert not found.lacks("known")
    assert not found.lacks("")


def test_a_type_that_comes_back_is_lacking_no_more(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module could not be loaded for a while, under a worker that had its types before."""
    monkeypatch.setattr(faults, "_LOOK_AGAIN_SECONDS", 0.05)

    looked: list[Exception] = []

    class Partly(UnableExecutor):
        def types_now(self) -> Sequence[str]:
            if not self.lacking:
                return ["sample.describe", "sample.print"]
            looked.append(OSError("not now") if len(looked) % 2 else RuntimeError("nor now"))
            raise looked[-1]

    first = queued_job(fixture.services)
    executor = Partly("sample.describe", mended=True)
    with fixture.running(slots=SLOTS, executor=executor):
        assert becomes_true(lambda: entry_of(fixture).lacking == ("sample.describe",))
        assert becomes_true(lambda: job_of(fixture.services, first).state is State.READY)
        assert becomes_true(lambda: len(looked) >= 2), "each kind of failure is looked past"
        executor.lacking = ()
        assert becomes_true(lambda: entry_of(fixture).lacking == ())
        second = queued_job(fixture.services)
        assert becomes_true(lambda: job_of(fixture.services, second).state is State.SUCCEEDED)


def test_a_type_that_was_never_there_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_LOOK_AGAIN_SECONDS", 0.0)
    executor = UnableExecutor()
    monkeypatch.setattr(executor, "types_now", lambda: pytest.fail("a process was started for nothing"))
    found = Faults(["known"])
    found.start(executor)
    found.note_passed_on("foreign")
    found.close()
    assert found.standing.lacking == ("foreign",)


PACKAGE = """
from pathlib import Path
if Path(__file__).with_name('gone').exists():
    raise RuntimeError('the model is gone')
__path__ = []
"""


def test_a_package_that_no_longer_imports_fails_no_job(
    fixture: Fixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this, thirty of thirty jobs FAILED in seconds."""
    (tmp_path / "replaced.py").write_text(PACKAGE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    executor = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=15,
        cancel_grace_seconds=1,
        packages=("replaced",),
        scratch=tmp_path,
        reuse_processes=False,
    )
    fixture.services = replace(fixture.services, registry=executor.job_types())
    (tmp_path / "gone").touch()
    messages = [queued_job(fixture.services, "tidegate.noop") for _ in range(30)]
    with fixture.running(slots=SLOTS, executor=executor) as worker:
        assert worker.ended() == EXIT_UNABLE
    assert states_of(fixture, messages) <= {State.QUEUED, State.READY}
    assert "RuntimeError: the model is gone" in entry_of(fixture).fault
