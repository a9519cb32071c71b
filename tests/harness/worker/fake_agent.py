"""A small ECS agent on loopback. It answers PUTs of a task's protection like the real one, or as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TASK = "arn:aws:ecs:eu-central-1:123456789012:task/cluster/0123456789abcdef"
REFUSED = {"error": {"Arn": TASK, "Code": "AccessDeniedException", "Message": "not authorized"}}
"""Comes with status 400 where the task's role may not, or with the status of whatever went wrong."""
FAILED = {"failure": {"Arn": TASK, "Detail": None, "Reason": "TASK_NOT_VALID"}}
"""Comes with status 200: the agent got an answer, and the answer is that the task can't be protected."""


class FakeAgent:
    """The requests to the agent, and its present answer. An `answer` of None is the answer of a healthy agent."""

    def __init__(self) -> None:
        self.uri = ""
        self.asked: list[dict[str, Any]] = []
        self.answer: tuple[int, bytes] | None = None
        self.changed = threading.Condition()

    def answers(self, status: int, body: dict[str, Any]) -> None:
        self.answer = status, json.dumps(body).encode()

    def put(self, state: dict[str, Any]) -> tuple[int, bytes]:
        with self.changed:
            self.asked.append(state)
            self.changed.notify_all()
        protection = {
            "ExpirationDate": "2026-11-25T04:42:28Z",
            "ProtectionEnabled": state["ProtectionEnabled"],
            "TaskArn": TASK,
        }
        return self.answer or (200, json.dumps({"protection": protection}).encode())


@contextmanager
def fake_agent() -> Iterator[FakeAgent]:
    """Starts an agent. `uri` is the address that a container would find in ECS_AGENT_URI."""
    agent = FakeAgent()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            assert self.path == "/api/0123-container/task-protection/v1/state"
            assert self.headers["Content-Type"] == "application/json"
            state = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = agent.put(state)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    agent.uri = f"http://127.0.0.1:{server.server_address[1]}/api/0123-container"
    try:
        yield agent
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
