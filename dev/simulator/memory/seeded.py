"""A world in memory whose random values are all drawn from one seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tidegate.domain.job import Json
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.type_facts import TypeFacts
from tidegate.settings import Settings
from tidegate.usecases.services import Services

START_MS = 1_800_000_000_000
JOB_TYPE = "simulated"
OTHER_TYPE = "simulated.other"


class SeededEntropy:
    """Ids that count up and jitter from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._issued = 0

    def new_ulid(self, now_ms: int) -> str:
        self._issued += 1
        return f"{now_ms:013d}{self._issued:013d}"

    def jitter(self) -> float:
        return self._random.random()


@dataclass(frozen=True, slots=True)
class AnyParameters:
    """A registry whose few types take any parameters. `twice` says that their jobs may have second attempts."""

    twice: bool = False

    def types(self) -> Sequence[str]:
        return (JOB_TYPE, OTHER_TYPE)

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        return ()

    def reads_upstreams(self, job_type: str) -> bool:
        return False

    def may_run_twice(self, job_type: str) -> bool | None:
        return self.twice if job_type in self.types() else None

    def facts(self, job_type: str) -> TypeFacts | None:
        return TypeFacts(self.twice) if job_type in self.types() else None

    @property
    def homes(self) -> Mapping[str, str]:
        return {}

    def faults(self) -> Sequence[str]:
        return ()


def function_pool(name: str, capacity: int) -> Pool:
    """Returns a pool of a function with `capacity` concurrent executions."""
    return Pool(name, f"memory:{name}", PoolKind.FUNCTION, max_timeout_seconds=3_600, capacity=capacity)


def process_pool(name: str) -> Pool:
    """Returns a pool of worker processes."""
    return Pool(name, f"memory:{name}", PoolKind.PROCESS, max_timeout_seconds=3_600)


def make_settings(*pools: Pool, window: float = 2.0, shards: int = 1) -> Settings:
    """Returns the settings of a deployment of `pools`."""
    return Settings(
        pools={pool.name: pool for pool in pools}, default_pool=pools[0].name, window=window, shards=shards
    )


def make_services(settings: Settings, seed: int, *, twice: bool = False) -> tuple[Services, MemoryWorld]:
    """Returns the use cases in memory and their world, with randomness of `seed`.

    `twice` says that jobs may have second attempts.
    """
    services, world = memory_services(settings, registry=AnyParameters(twice))
    world.now_ms = START_MS
    return replace(services, entropy=SeededEntropy(seed)), world
