"""Runs of a scenario in which one call of AWS fails, and what must hold at their end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.harness.faults.branches import Branches
from tests.harness.faults.checks import bring_to_rest, check_all
from tests.harness.faults.deployment import Deployment
from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.injection import Call, Fault, Injector, Kind, Part, kinds_of
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


def run(
    aws: EmulatedAws, injector: Injector, case: Case, fault: Fault | None = None, *, part: Part | None = None
) -> Rest:
    """Runs a scenario with at most one failure, goes on until all is at rest, and checks every invariant."""
    deployment = Deployment(aws, **(case.settings or {}))
    injector.arm(fault, part=part)
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
    plain, failures = _run_in_branches(aws, injector, case)
    assert plain.rounds == 0, "it needs the schedule although nothing fails"
    rounds: Counter[int] = Counter()
    for fault, rest in failures:
        try:
            check_against(plain, rest, case, fault)
        except AssertionError as error:
            error.add_note(_told(fault, plain.calls))
            raise
        rounds[rest.rounds] += 1
    assert len(failures) == sum(len(kinds_of(call.operation)) for call in plain.calls)
    note(
        f"{name}: {len(plain.calls)} calls, {len(failures)} failures, at rest after "
        f"{', '.join(f'{times}: {count}' for times, count in sorted(rounds.items()))} rounds, "
        f"{time.perf_counter() - began:.1f} s"
    )


def _run_in_branches(
    aws: EmulatedAws, injector: Injector, case: Case
) -> tuple[Rest, Sequence[tuple[Fault, Rest]]]:
    """Runs a scenario without a failure, and from each call on with each failure of it."""
    branches = Branches()
    try:
        rest = run(aws, injector, case, part=branches.part)
    except BaseException as error:
        if branches.is_branch:
            error.add_note(_told(branches.fault, injector.calls))
            branches.fail(error)
        raise
    if branches.is_branch:
        branches.answer(rest)
    return rest, branches.ends


def _told(fault: Fault, calls: Sequence[Call]) -> str:
    return f"{fault.kind} at call {fault.number} of {len(calls)}: {calls[fault.number].site}"


def check_against(plain: Rest, rest: Rest, case: Case, fault: Fault) -> None:
    """Checks that the failure was where it should be, and that it made no difference in the end."""
    assert rest.calls[fault.number] == plain.calls[fault.number]
    if fault.kind in REPEATED:
        assert (rest.rounds, rest.messages) == (plain.rounds, plain.messages)
    assert rest.states.keys() == plain.states.keys() or (case.refusable and not rest.states)
    for key, state in rest.states.items():
        assert state is plain.states[key] or state in case.otherwise, key
