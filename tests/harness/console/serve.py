"""Serves an API in memory, with jobs in every state, for work on the console.

Run: python -m tests.harness.console.serve [--port 8899] [--history 24] [--chain 10000 | --still]. Its clock keeps up
with the real one, so jobs start and end while one looks. Nothing is signed, so it listens on loopback alone. The
console of `npm run dev` asks it.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from tests.harness.examples.world import Deployment

JOBS = 40
HOUR_MS = 3_600_000
MOST_BODY_BYTES = 6_000_000


def filled(chain: int, *, still: bool = False, history: int = 0) -> Deployment:
    """Returns a deployment with workflows that ran, that run and that failed; `chain` jobs are in a large one.

    In a still one nothing runs, waits or will. Jobs ended in each of `history` hours before, for statistics.
    """
    deployment = Deployment(slots=6)
    begin_ms = int(time.time() * 1_000) - 600_000 - history * HOUR_MS
    deployment.simulator.stand_still(begin_ms - deployment.world.now_ms)
    _live_through(deployment, history)
    flow: list[dict[str, Any]] = [
        {"key": f"extract-{place}", "type": "tidegate.sleep", "parameters": {"seconds": 1 + place % 7}}
        for place in range(JOBS)
    ]
    flow += [
        {
            "key": f"check-{place}",
            "type": "demo.broken" if place == 7 else "tidegate.noop",
            "max_retries": 0,
            "depends_on": [{"key": f"extract-{place}"}],
        }
        for place in range(JOBS)
    ]
    flow.append(
        {"key": "report", "type": "tidegate.noop", "depends_on": [{"key": f"check-{p}"} for p in range(JOBS)]}
    )
    for name in ("nightly", "hourly"):
        _submit(deployment, {"name": name, "tags": {"team": "data"}, "jobs": flow})
    for _ in range(60):
        deployment.pass_time()
    if still:
        deployment.run_all()
        return deployment
    slow: list[dict[str, Any]] = [
        {"key": f"slow-{place}", "type": "tidegate.sleep", "parameters": {"seconds": 600}}
        for place in range(9)
    ]
    slow.append({"key": "after", "type": "tidegate.noop", "depends_on": [{"key": "slow-0"}]})
    _submit(deployment, {"name": "slow", "jobs": slow})
    if chain:
        jobs = [
            {
                "key": f"step-{place}",
                "type": ("tidegate.sleep", "tidegate.noop")[place % 2],
                "parameters": {"seconds": 3} if place % 2 == 0 else {},
                **({"depends_on": [{"key": f"step-{place // 7}"}]} if place else {}),
            }
            for place in range(chain)
        ]
        _submit(deployment, {"name": "large", "jobs": jobs})
    return deployment


def _live_through(deployment: Deployment, hours: int) -> None:
    """Submits more and fewer jobs in each hour, of which some fail and some wait for others, and passes the hours."""
    for hour in range(hours):
        jobs: list[dict[str, Any]] = [
            {
                "key": f"job-{place}",
                "type": ("tidegate.sleep", "tidegate.noop", "demo.broken")[0 if place % 9 else place % 2 + 1],
                "max_retries": 0,
                "parameters": {"seconds": 1 + (hour * 7 + place * place) % 90} if place % 9 else {},
            }
            for place in range(5 + 30 * (hour % 6))
        ]
        _submit(deployment, {"name": f"hour-{hour}", "jobs": jobs})
        deployment.simulator.interrupt(HOUR_MS)


def _submit(deployment: Deployment, body: dict[str, object]) -> None:
    answer = deployment.call("POST", "/v1/workflows", body)
    assert answer.status == 201, answer.body


def serve(deployment: Deployment, port: int) -> HTTPServer:
    """Returns a server on loopback that answers as the API does; the caller runs and closes it."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = min(int(self.headers.get("content-length") or 0), MOST_BODY_BYTES)
            body = self.rfile.read(length).decode()
            with lock:
                answer = deployment.answer(self.command, self.path, dict(self.headers.items()), body)
                ahead_ms = int(time.time() * 1_000) - deployment.simulator.now_ms
                if ahead_ms > 0:
                    deployment.simulator.interrupt(ahead_ms)
            content = b"" if answer.status == 304 else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - as the base class wants them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Says nothing of each call."""

    return HTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve an API in memory, for work on the console.")
    parser.add_argument("--port", type=int, default=8899)
    parser.add_argument("--chain", type=int, default=0, help="jobs of one large workflow, at most 10,000")
    parser.add_argument("--still", action="store_true", help="nothing runs any more, and nothing waits")
    parser.add_argument("--history", type=int, default=0, help="hours in which jobs ended before")
    options = parser.parse_args()
    deployment = filled(options.chain, still=options.still, history=options.history)
    with serve(deployment, options.port) as server:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
