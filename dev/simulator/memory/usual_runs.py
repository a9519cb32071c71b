"""Statistics in memory by which jobs of the simulated type have a usual run."""

from __future__ import annotations

from collections.abc import Sequence

from dev.simulator.memory.seeded import JOB_TYPE, START_MS
from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import histogram_of
from tidegate.domain.statistics.rollup import Rollup
from tidegate.domain.statistics.spans import DAY_MS, Counted, Span, floor_to
from tidegate.usecases.services import Services

_KEPT_SECONDS = 86_400 * 14


def note_usual_runs(services: Services, runs_ms: Sequence[int]) -> None:
    """Puts statistics by which jobs of the simulated type ran for these times, in milliseconds, in every pool."""
    from_ms = floor_to(START_MS, DAY_MS) - 2 * DAY_MS  # long before anything that the run itself counts
    figures = Figures(succeeded=len(runs_ms), run=histogram_of(runs_ms))
    counted = Counted(from_ms, from_ms + DAY_MS, Rollup({JOB_TYPE: figures}))
    for pool in services.settings.pools:
        services.statistics.put(pool, Span.DAY, counted, expires_at_s=START_MS // 1_000 + _KEPT_SECONDS)
