"""A deployment in memory that runs Snakemake's rules, for the executor plugin: real targets, run as real processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from dev.simulator.memory.seeded import START_MS, make_settings, process_pool
from dev.simulator.memory.services import memory_services
from dev.simulator.system.scenario import Course
from dev.simulator.system.simulator import Options, ProcessClock, Simulator
from tests.harness.examples.world import Deployment, NoWaiting, TimedEntropy
from tests.harness.functions.api_calls import ANN, operators, read_event
from tidegate.adapters.executors.outcomes import outcome_of
from tidegate.bootstrap import ApiDeps, Meter, target_support
from tidegate.domain.errors import JobError
from tidegate.jobs.attempt import run_attempt
from tidegate.jobs.context import JobContext
from tidegate.jobs.loader import load_registry
from tidegate.jobs.registry import Registry
from tidegate.jobs.targets.file import register_targets
from tidegate.ports import Assignment, Signal

TYPE = "snakemake.rule"
StandIn = Callable[[Mapping[str, Any]], None]
"""Does the work of a rule in this process, from the job's parameters. Raises JobError."""


class SnakemakeDeployment(Deployment):
    """The API over a simulator with one pool of workers. `stand_in` replaces the command of the target."""

    def __init__(
        self, folder: Path, command: list[str], *, capabilities: frozenset[str] = frozenset()
    ) -> None:
        """Makes the deployment. `folder` gets a targets.yaml, whose only target runs `command`."""
        text = yaml.safe_dump({"version": 1, "targets": {TYPE: {"command": command}}})
        (folder / "targets.yaml").write_text(text, encoding="utf-8")
        registry = Registry()
        assert list(register_targets(folder, registry, target_support())) == []
        builtin = load_registry().find("tidegate.noop")
        assert builtin is not None
        registry.add(builtin)
        pool = replace(process_pool("ecs"), capabilities=capabilities, max_timeout_seconds=43_200)
        services, self.world = memory_services(make_settings(pool, window=1.0), registry=registry)
        self.world.now_ms = START_MS
        self.world.grants = operators(
            ANN, read_event("api-list-jobs")["requestContext"]["identity"]["userArn"]
        )
        self.services = replace(services, entropy=TimedEntropy(1))
        self.registry = registry
        self.stand_in: StandIn | None = None
        self.simulator = Simulator(self.services, self.world, self._run_rule, Options(slots=4))
        self.deps = ApiDeps(self.services, ProcessClock(self.simulator, "api"), Meter())
        self.calls = 0

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: str) -> Any:
        """Answers a request, and counts it."""
        self.calls += 1
        return super().answer(method, target, headers, body)

    def _run_rule(self, assignment: Assignment) -> Course:
        found = self.registry.find(assignment.type)
        assert found is not None
        stop = NoWaiting()
        if self.stand_in is not None:
            found = replace(found, function=self._stand_in_code)
        context = JobContext(
            job_id=assignment.job_id,
            attempt=assignment.attempt,
            key=assignment.key,
            upstreams=[],
            remaining_seconds=lambda: 600.0,
            report_progress=lambda _progress: None,
            stop=stop,
        )
        report = run_attempt(found, assignment.parameters, context)
        return Course(1_000, outcome_of(report, Signal.GO_ON))

    def _stand_in_code(self, parameters: Any, context: JobContext) -> None:
        assert self.stand_in is not None
        given = parameters if isinstance(parameters, dict) else json.loads(parameters.model_dump_json())
        self.stand_in(given)


def failed_rule(message: str) -> JobError:
    """Returns the error of a rule that fails as a command does."""
    return JobError(message, code="exit-code-1")
