"""The one table of tidegate's CloudWatch metrics, and the lines in a function's log from which CloudWatch makes them.

`docs/reference/metrics.md` has the same table, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "Tidegate"
_STACK, _POOL, _FUNCTION = "Stack", "Pool", "Function"


class Unit(StrEnum):
    """The units of the metrics, as CloudWatch spells them."""

    COUNT = "Count"
    SECONDS = "Seconds"


class Publisher(StrEnum):
    """The functions that publish metrics, by their value of the dimension Function."""

    API = "api"
    DISPATCHER = "dispatcher"
    RECORDER = "recorder"
    REAPER = "reaper"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric. No dimension names a job, a type or a caller, because each value of a dimension is billed by the month.

    `is_load` marks the loads that scale pools. They are published where the deployment wants the metrics of pools; the
    others only where it wants every metric.
    """

    name: str
    unit: Unit
    dimensions: tuple[str, ...]
    publishers: tuple[Publisher, ...]
    is_load: bool = False


def _load(name: str) -> Metric:
    return Metric(name, Unit.COUNT, (_STACK, _POOL), (Publisher.REAPER,), is_load=True)


def _of_pools(name: str, publisher: Publisher = Publisher.DISPATCHER) -> Metric:
    return Metric(name, Unit.COUNT, (_STACK, _POOL), (publisher,))


_RUNS = (Publisher.DISPATCHER, Publisher.RECORDER, Publisher.REAPER)


READY_JOBS = _load("ReadyJobs")
ACTIVE_JOBS = _load("ActiveJobs")
CAPACITY = _load("Capacity")
WORKERS = _load("Workers")
OLDEST_READY = Metric("OldestReadySeconds", Unit.SECONDS, (_STACK, _POOL), (Publisher.REAPER,))
JOBS_SUBMITTED = _of_pools("JobsSubmitted", Publisher.API)
JOBS_DISPATCHED = _of_pools("JobsDispatched")
JOBS_SUCCEEDED = _of_pools("JobsSucceeded")
JOBS_FAILED = _of_pools("JobsFailed")
LAG = Metric("LagSeconds", Unit.SECONDS, (_STACK, _FUNCTION), (Publisher.DISPATCHER, Publisher.RECORDER))
WRITE_UNITS = Metric("WriteUnits", Unit.COUNT, (_STACK, _FUNCTION), _RUNS)
READ_UNITS = Metric("ReadUnits", Unit.COUNT, (_STACK, _FUNCTION), _RUNS)
WORKERS_LOST = Metric("WorkersLost", Unit.COUNT, (_STACK,), (Publisher.REAPER,))
DEAD_LETTERS = Metric("DeadLetters", Unit.COUNT, (_STACK,), (Publisher.REAPER,))

METRICS = (
    READY_JOBS,
    ACTIVE_JOBS,
    CAPACITY,
    WORKERS,
    OLDEST_READY,
    JOBS_SUBMITTED,
    JOBS_DISPATCHED,
    JOBS_SUCCEEDED,
    JOBS_FAILED,
    LAG,
    WRITE_UNITS,
    READ_UNITS,
    WORKERS_LOST,
    DEAD_LETTERS,
)


def publish(values: Mapping[Metric, float], *dimensions: str) -> None:
    """Prints one line of CloudWatch's embedded metric format, from which CloudWatch makes metrics.

    The metrics have the same dimensions, and `dimensions` are their values in the metrics' order.
    """
    # Most deployments want no metrics, and the import would lengthen each cold start.
    from aws_lambda_powertools.metrics import EphemeralMetrics

    (names,) = {metric.dimensions for metric in values}
    line = EphemeralMetrics(namespace=NAMESPACE, service="")  # no dimension but those below
    for name, value in zip(names, dimensions, strict=True):
        line.add_dimension(name, value)
    for metric, amount in values.items():
        line.add_metric(metric.name, metric.unit.value, amount)
    line.flush_metrics()
