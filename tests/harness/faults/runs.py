"""Runs of a scenario in which one call of AWS fails, and what must hold at their end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.harness.faults.checks import bring_to_rest, check_all
from tests.harness.faults.deployment import Deployment
from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.injection import Call, Fault, Injector, Kind, kinds_of
from tests.harness.faults.scenarios import Case
from tests.harness.faults.sites import find_sites
from tidegate.domain.states import State

SITES, LOOSE = find_sites()
# The operation repeats left-over entries at once, so its caller notices nothing.
REPEATED = (Kind.TWICE, Kind.PART, Kind.DENIED)


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


def let_each_call_fail(
    name: str, case: Case, aws: EmulatedAws, injector: Injector, note: Callable[[str], None]
) -> None:
    """Runs a scenario once for each of its calls and each way in which that call can fail.

    Every job must end as in the run without a failure, or in another state that the case allows.
    """
    began = time.perf_counter()
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
