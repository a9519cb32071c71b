"""Every call of AWS fails, before and after its effect, in whole and in part: no job is lost, and none runs twice."""

from __future__ import annotations

import ast
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from tests.harness.faults.checks import bring_to_rest, check_all
from tests.harness.faults.deployment import POOL, Deployment
from tests.harness.faults.emulated import EmulatedAws, emulated_aws
from tests.harness.faults.injection import Call, Fault, Injector, Kind, kinds_of
from tests.harness.faults.scenarios import CASES, Case
from tests.harness.faults.sites import Finder, find_sites, find_use_cases
from tidegate.domain import limits
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import Message
from tidegate.usecases.bounds import sweep
from tidegate.usecases.reap import reap
from tidegate.usecases.reap.reap_active import ActiveCounts

SITES, LOOSE = find_sites()
# The operation repeats left-over entries at once, so its caller notices nothing.
REPEATED = (Kind.TWICE, Kind.PART, Kind.DENIED)


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with emulated_aws() as emulated:
        yield emulated


@pytest.fixture(scope="module")
def injector(aws: EmulatedAws) -> Injector:
    return Injector(aws.clients, SITES)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the reaper's cursors advance although there are few jobs."""
    monkeypatch.setattr(sweep, "PAGE", 1)
    # One job is taken back and the next fails. A third would show nothing new.
    monkeypatch.setattr(limits, "MAX_DISPATCHES_GIVEN_UP", 2)


@dataclass(frozen=True, slots=True)
class Rest:
    """The result of a run: its calls, the ends of its jobs, the number of ticks until then, and the messages left."""

    calls: Sequence[Call]
    states: Mapping[str, State]
    rounds: int
    messages: int


def run(aws: EmulatedAws, injector: Injector, case: Case, fault: Fault | None = None) -> Rest:
    """Runs a scenario with one failure, goes on until all is at rest, and checks every invariant."""
    deployment = Deployment(aws, **(case.settings or {}))
    injector.arm(fault)
    try:
        case.run(deployment)
    finally:
        injector.disarm()
    rounds = bring_to_rest(deployment)
    check_all(deployment)
    return Rest(tuple(injector.calls), deployment.states, rounds, aws.messages())


@pytest.mark.parametrize("name", CASES)
def test_a_plain_run_needs_no_schedule(name: str, aws: EmulatedAws, injector: Injector) -> None:
    assert run(aws, injector, CASES[name]).rounds == 0


@pytest.mark.parametrize("kind", [Kind.BEFORE, Kind.AFTER, Kind.STUCK])
def test_who_asks_learns_that_it_failed(kind: Kind, aws: EmulatedAws, injector: Injector) -> None:
    """Operations repeat much by themselves.

    A fault that an operation repeats away would prove nothing about its callers.
    """
    deployment = Deployment(aws)
    transitions = [DispatchIfReady(name, POOL, Stamp(deployment.now_ms, "dispatcher")) for name in ("a", "b")]
    injector.arm(Fault(0, kind))
    try:
        outcomes = deployment.services.jobs.apply_all(transitions)
        injector.arm(Fault(0, kind))
        unsent = deployment.services.queue.send(POOL, [Message("a", 0), Message("b", 0)])
    finally:
        injector.disarm()
    assert any(isinstance(outcome, ServiceUnavailable) for outcome in outcomes)
    assert unsent


@pytest.mark.parametrize("name", CASES)
def test_whatever_fails_everything_ends(
    name: str, aws: EmulatedAws, injector: Injector, note: Callable[[str], None]
) -> None:
    case, began = CASES[name], time.perf_counter()
    plain = run(aws, injector, case)
    assert plain.rounds == 0, "it needs the schedule although nothing fails"
    rounds: Counter[int] = Counter()
    for number, call in enumerate(plain.calls):
        for kind in kinds_of(call.operation):
            try:
                rest = run(aws, injector, case, Fault(number, kind))
                check_against(plain, rest, case, number, kind)
            except Exception as error:
                error.add_note(f"{kind} at call {number} of {len(plain.calls)}: {call.site}")
                raise
            rounds[rest.rounds] += 1
    note(
        f"{name}: {len(plain.calls)} calls, {sum(rounds.values())} failures, at rest after "
        f"{', '.join(f'{times}: {count}' for times, count in sorted(rounds.items()))} rounds, "
        f"{time.perf_counter() - began:.1f} s"
    )


def check_against(plain: Rest, rest: Rest, case: Case, number: int, kind: Kind) -> None:
    """Checks that the failure was where it should be, and that it made no difference in the end."""
    assert rest.calls[number] == plain.calls[number]
    if kind in REPEATED:
        assert (rest.rounds, rest.messages) == (plain.rounds, plain.messages)
    assert rest.states.keys() == plain.states.keys() or (case.refusable and not rest.states)
    for key, state in rest.states.items():
        assert state is plain.states[key] or state in case.otherwise, key


def test_every_call_site_has_its_case(
    aws: EmulatedAws, injector: Injector, note: Callable[[str], None]
) -> None:
    reached: Counter[tuple[object, str]] = Counter()
    use_cases: set[str] = set()
    for case in CASES.values():
        for call in run(aws, injector, case).calls:
            use_cases |= call.use_cases
            reached.update((call.site, str(kind)) for kind in kinds_of(call.operation))
    for site in sorted(SITES):
        kinds = [f"{kind} {count}" for (of, kind), count in sorted(reached.items(), key=str) if of == site]
        note(f"{site}: {', '.join(kinds) or 'NO CASE'}")
    assert {site for site, _ in reached} == SITES, (
        "a call of AWS has no scenario; see tests/harness/faults/scenarios.py"
    )
    missing = find_use_cases() - use_cases
    assert not missing, f"no scenario has {sorted(missing)} call AWS; see tests/harness/faults/scenarios.py"


def test_a_message_that_nobody_sends_again_is_noticed(
    aws: EmulatedAws, injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES["one job"]
    calls = run(aws, injector, case).calls
    number = next(place for place, call in enumerate(calls) if call.operation == "SendMessageBatch")
    run(aws, injector, case, Fault(number, Kind.BEFORE))
    monkeypatch.setattr(reap, "reap_active", lambda _services, _now_ms, until: ActiveCounts())
    with pytest.raises(AssertionError, match="not at rest after 3 rounds"):
        run(aws, injector, case, Fault(number, Kind.BEFORE))


def test_a_new_call_is_found_wherever_it_stands() -> None:
    finder = Finder("module")
    finder.visit(
        ast.parse("class Store:\n def save(self):\n  def attempt():\n   self.clients.sqs.purge_queue()\n")
    )
    assert {str(site) for site in finder.sites} == {"module: Store.save.attempt -> purge_queue"}
    assert finder.uses == finder.called


@pytest.mark.parametrize(
    "text",
    ["queue = self.clients.sqs", "call(clients.dynamodb)", "boto3.client('s3')", "session.resource('sqs')"],
)
def test_a_call_that_could_be_hidden_is_found(text: str) -> None:
    finder = Finder("module")
    finder.visit(ast.parse(text))
    assert finder.uses - finder.called


def test_no_client_is_used_where_its_calls_cannot_be_told() -> None:
    assert not LOOSE
