"""A whole deployment that a test of the doctor breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tests.harness.cli.fake_aws import API_URL, FakeAws
from tests.harness.domain.job_samples import RUNNING
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.statistics.spans import Reached
from tidegate.jobs.registry import Registry
from tidegate.settings import Settings
from tidegate_cli.doctor.examine import Sight, examine
from tidegate_cli.doctor.findings import Result
from tidegate_cli.doctor.reads import Deployment

NOW_MS = 1_800_000_000_000
SETTINGS = Settings(pools={"p": Pool("p", "", PoolKind.FUNCTION, 840, capacity=4)}, default_pool="p")


class World:
    """A healthy deployment that a test breaks: AWS, the API's status, the stores, the clock."""

    def __init__(self) -> None:
        self.aws = FakeAws()
        self.status: dict[str, Any] = {
            "version": "0.1.0",
            "schedules": [{"name": "dispatcher", "alive": True}, {"name": "reaper", "alive": True}],
            "streams": [{"name": "release", "alive": True}, {"name": "record", "alive": True}],
        }
        count = {"count": 0, "more": False}
        self.pools: list[dict[str, Any]] = [{"name": "p", "paused": False, "ready": count, "held": count}]
        self.services, self.stores = memory_services(SETTINGS, MemoryWorld(now_ms=NOW_MS), Registry())
        self.count_until(NOW_MS - 1_200_000)
        self.ahead_seconds = 0.4

    def run_job(self, **changes: Any) -> None:
        """Stores a RUNNING job."""
        self.stores.write(replace(RUNNING, **{"lease_expires_at_ms": NOW_MS + 1_000, **changes}))

    def count_until(self, at_ms: int) -> None:
        """Says that the ended jobs of the pool are counted before `at_ms` (milliseconds since the epoch)."""
        before = self.services.statistics.reached(["p"]).get("p")
        assert self.services.statistics.advance("p", before, Reached(0, at_ms, 0, 0))

    def results(
        self,
        *,
        with_aws: bool = True,
        is_local: bool = False,
        stack: str | None = None,
        api_url: str = API_URL,
    ) -> dict[str, Result]:
        """Makes every check, and returns the results by the checks' names."""
        make = self.aws.client if with_aws else None
        sight = Sight(
            Deployment(make, api_url, stack=stack, is_local=is_local),
            lambda: self.status,
            lambda: self.pools,
            lambda: self.ahead_seconds,
            lambda _: self.services,
            NOW_MS,
            "0.1.0",
        )
        return {result.check: result for result in examine(sight, lambda _: None)}
