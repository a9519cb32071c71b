"""Workers on the wire."""

from __future__ import annotations

from typing import Any

from tidegate.contracts.times import to_wire
from tidegate.domain.workers import Worker


def worker_out(worker: Worker, silent_since_ms: int) -> dict[str, Any]:
    """Returns a worker as clients read it.

    `live` is True where it is ACTIVE or DRAINING with a heartbeat since `silent_since_ms`, in milliseconds since the
    epoch.
    """
    spec, totals = worker.spec, worker.totals
    return {
        "worker_id": spec.worker_id,
        "pool": spec.pool,
        "session_id": worker.session_id,
        "name": spec.name,
        "host": spec.host,
        "state": worker.state,
        "live": worker.is_live(silent_since_ms),
        "slots": spec.slots,
        "running": worker.running,
        "claimed": totals.claimed,
        "succeeded": totals.succeeded,
        "failed": totals.failed,
        "handed_back": totals.handed_back,
        "lacking": list(worker.lacking),
        "fault": worker.fault or None,
        "capabilities": sorted(spec.capabilities),
        "tags": dict(spec.tags),
        "started_at": to_wire(worker.started_at_ms),
        "heartbeat_at": to_wire(worker.heartbeat_at_ms),
        "drain_requested_at": to_wire(worker.drain_requested_at_ms),
        "clock_off_seconds": worker.clock_off_ms / 1_000,
    }
