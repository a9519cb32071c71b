"""The ground of the tests beside this one: each call of AWS is in a scenario, and a failure of it is noticed.

They let every call fail, before and after its effect, in whole and in part: no job is lost, and none runs twice. They
are several files because each file runs in one process.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable

import pytest

from tests.harness.faults.deployment import POOL, Deployment
from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.injection import Fault, Injector, Kind, kinds_of
from tests.harness.faults.runs import LOOSE, SITES, run
from tests.harness.faults.scenarios import CASES
from tests.harness.faults.sites import Finder, find_use_cases
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.transitions import DispatchIfReady, Stamp
from tidegate.ports import Message
from tidegate.usecases.reap import reap
from tidegate.usecases.reap.reap_active import ActiveCounts

pytestmark = pytest.mark.usefixtures("small_pages")


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
