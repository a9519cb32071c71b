"""The price of timetables, as the local stack bills it (docs/explanation/timetables.md)."""

from __future__ import annotations

from dataclasses import replace

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.contract.stores import NOW_MS, Stores
from tests.harness.functions.api_calls import SETTINGS
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.meter import Usage
from tidegate.domain.callers import NOBODY
from tidegate.domain.timetables.asked import AskedRecurrence, AskedTemplate, TimetableChange
from tidegate.domain.timetables.timetable import SubmissionKind
from tidegate.usecases.timetables.keep import create_timetable
from tidegate.usecases.timetables.run_due import run_due_timetables

MINUTE_MS = 60_000
RUNS = 5


def test_an_idle_minute_costs_half_a_read_unit_and_a_run_three_write_units(
    local_stores: Stores, local_clients: AwsClients
) -> None:
    """The jobs themselves stand in memory, so that only the timetable is billed."""
    services, _ = memory_services(SETTINGS, MemoryWorld(shards=1, now_ms=NOW_MS))
    services = replace(services, timetables=local_stores.timetables)

    def cost_at(now_ms: int, runs: int) -> Usage:
        before = local_clients.meter.snapshot()
        assert run_due_timetables(services, now_ms) == runs
        return local_clients.meter.snapshot() - before

    template = AskedTemplate(kind=SubmissionKind.JOB, body={"type": "tidegate.noop", "name": "n" * 200})
    for _ in range(RUNS):
        create_timetable(
            services,
            TimetableChange(
                recurrence=AskedRecurrence(every_seconds=3_600), template=template, name="n" * 200
            ),
            is_paused=False,
            idempotency_key=None,
            fingerprint="f" * 64,
            caller=NOBODY,
            now_ms=NOW_MS,
        )
    idle = cost_at(NOW_MS + MINUTE_MS, 0)
    assert (idle.read_units, idle.write_units_total) == (0.5, 0)
    busy = cost_at(NOW_MS + 60 * MINUTE_MS, RUNS)
    assert busy.write_units_total == 3 * RUNS
    assert busy.read_units <= 4 * RUNS
