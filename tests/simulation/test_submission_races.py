"""Interrupted submissions, and a reaper that stops in the middle and goes on later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from dev.simulator.checks.invariants import check_all
from dev.simulator.memory.seeded import START_MS, function_pool, make_services, make_settings
from dev.simulator.people.clients import Client
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Simulator
from dev.simulator.workflows.graphs import job, workflow
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate.domain.submission import Phase

REQUEST = workflow([job("root"), *(job(f"leaf-{place}", "root") for place in range(40))])


def run(cut_off_at: str, again_at_ms: int, on_request: Callable[[Simulator, str, int], None]) -> Simulator:
    """Fails a submission at a request, and repeats it later. `on_request` is called with the number of each request."""
    services, world = make_services(make_settings(function_pool("lambda", 4)), seed=1)
    simulator = Simulator(services, world, lambda _assignment: succeeds(1_000))
    client = Client(simulator, REQUEST, patient=False)
    seen: Counter[str] = Counter()

    def watch(request: str) -> None:
        seen[request] += 1
        if request == cut_off_at and seen[request] == 1:
            raise ServiceUnavailable(f"{request} was refused")
        on_request(simulator, request, seen[request])

    world.on_request = watch
    simulator.plan(0, client.submit)
    simulator.plan(again_at_ms, client.submit)
    simulator.run()
    check_all(simulator)
    return simulator


def test_a_slow_reaper_does_not_remove_what_was_accepted_meanwhile() -> None:
    def stop_while_removing(simulator: Simulator, request: str, number: int) -> None:
        if request == "unstage" and number == 1:
            simulator.interrupt(100_000)

    # The first reaper stops at 161 s. The second has removed everything by 221 s. The client comes again after that.
    simulator = run("save_plan", 230_000, stop_while_removing)
    phases = sorted(submission.phase for submission in simulator.world.submissions.values())
    assert phases == [Phase.COMPLETE, Phase.REMOVED]
    assert Counter(each.state for each in simulator.world.jobs.values()) == {State.SUCCEEDED: 41}


def test_a_client_need_not_wait_until_its_earlier_try_is_removed() -> None:
    def stop_while_removing(simulator: Simulator, request: str, number: int) -> None:
        if request == "unstage" and number == 1:
            simulator.interrupt(20_000)

    simulator = run("save_plan", 165_000, stop_while_removing)
    ended = [each.finished_at_ms or 0 for each in simulator.world.jobs.values()]
    assert len(ended) == 41
    assert max(ended) < START_MS + 165_000 + 20_000


def test_a_root_written_while_the_reaper_looks_is_not_taken_for_gone() -> None:
    def stop_before_the_phase_is_read(simulator: Simulator, request: str, number: int) -> None:
        if request == "get_submission" and number == 2:  # the first read comes before the upstreams are read
            simulator.interrupt(600)

    # The reaper finds no root at 101 s and stops. The client comes again and the root is written.
    simulator = run("insert_if_absent", 101_500, stop_before_the_phase_is_read)
    assert Counter(each.state for each in simulator.world.jobs.values()) == {State.SUCCEEDED: 41}
