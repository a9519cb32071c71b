"""The client of a peer: reads from standard input, line by line, what to enqueue, and answers when it has ended.

Run it by path in the peers' environment: `python driver.py celery_jobs`. A line is {"workload": "burst", "count":
1000}. The answer has three times in seconds since the epoch: before the first call, after the last call, and when the
driver saw the end. It also has the key of the last job's result where the end shows by that key.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

_LOOK_SECONDS = 0.005
_LOOK_AT_ONE_SECONDS = 0.001  # a single job leaves the worker idle enough for frequent looks
_PATIENCE_SECONDS = 300.0


def run(jobs: Any, workload: str, count: int) -> dict[str, Any]:
    """Enqueues and waits for the end. Raises TimeoutError where the end does not come."""
    began_s = time.time()
    has_ended = getattr(jobs, workload)(count)
    enqueued_s = time.time()
    pause_s = _LOOK_AT_ONE_SECONDS if count == 1 else _LOOK_SECONDS
    while not has_ended():
        if time.time() > began_s + _PATIENCE_SECONDS:
            raise TimeoutError(f"{workload} of {count} did not end within {_PATIENCE_SECONDS:g} s")
        time.sleep(pause_s)
    return {"began": began_s, "enqueued": enqueued_s, "ended": time.time(), "last": jobs.last}


def main() -> None:
    """Serves until standard input ends."""
    jobs = importlib.import_module(sys.argv[1]).Jobs()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(run(jobs, asked["workload"], asked["count"])), flush=True)


if __name__ == "__main__":
    main()
