"""The emulator of the benchmark: the local stack's own, with a counter inside and a few addresses to read it from.

Run it by path, not as a module: the emulator's process does not have the benchmark's packages on its path.

Every request must be signed, as all requests to a local stack are.

GET /_bench/usage                              all counts so far
GET /_bench/name?key=AKIA...&name=celery       from now on this access key's calls are counted under that name
GET /_bench/marks?table=Jobs&event=SUCCEEDED   how often items were created or reached a state, and when last;
                                               an item's hash key as the event asks for its creation
GET /_bench/wait?table=...&event=...&count=9&seconds=60   the same, as soon as it happened that often
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

import ministack.app

from dev.benchmarks.peers.usage import REQUESTS, Tally
from dev.benchmarks.peers.wire_counter import WireCounter
from tidegate_devstack import emulator_process

_LOOK_SECONDS = 0.005
_API = "/_aws/execute-api/"
PATHS = "/_bench/"


async def answer(counter: WireCounter, path: str, query: dict[str, list[str]]) -> Any:
    """Returns the answer of one of the benchmark's own addresses, as plain values."""
    tally = counter.tally
    if path == "/_bench/usage":
        return tally.usage().to_json()
    if path == "/_bench/name":
        counter.names[query["key"][0]] = query["name"][0]
        return {}
    table, events = query["table"][0], query["event"]
    deadline_s = time.monotonic() + float(query.get("seconds", ["0"])[0])
    count, at_s = tally.marks(table, events)
    while count < int(query.get("count", ["0"])[0]) and time.monotonic() < deadline_s:
        await asyncio.sleep(_LOOK_SECONDS)
        count, at_s = tally.marks(table, events)
    return {"count": count, "at_seconds": at_s}


def run() -> None:
    """Runs the emulator with its counter until it is told to stop."""
    counter = WireCounter(Tally())
    counter.install()
    inner = ministack.app.app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if not path.startswith(PATHS):
            if path.startswith(_API):
                counter.tally.add(REQUESTS, "client", f"apigateway.{scope['method']}")
            await inner(scope, receive, send)
            return
        values = await answer(counter, path, parse_qs(scope["query_string"].decode()))
        body = json.dumps(values).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    ministack.app.app = app
    emulator_process.run(also_open=(PATHS,))


if __name__ == "__main__":
    run()
