"""AWS services as targets call them, on the loopback interface. They keep the rules that AWS documents."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.harness.jobs.containers import STACK, Containers
from tidegate.adapters.executors.environment import JobEnvironment, job_environment

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


@dataclass
class Services:
    """The state of the services.

    `function` says what a function answers: a status, the kind of its error, and its text. `ends` are the descriptions
    of executions that end at once; an execution without one goes on. The first `lost` answers of StartExecution are
    lost on the way. The first `throttled` calls of DescribeExecution are refused. `denied` refuses every call.
    """

    address: str = ""
    containers: Containers = field(default_factory=Containers)
    function: tuple[int, str, str] = (200, "", "null")
    ends: dict[str, Mapping[str, str]] = field(default_factory=dict)
    lost: int = 0
    throttled: int = 0
    denied: bool = False
    hold: threading.Event | None = None
    invocations: list[dict[str, Any]] = field(default_factory=list)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    starts: int = 0
    began: threading.Event = field(default_factory=threading.Event)

    def environment(self) -> JobEnvironment:
        """Returns what a worker process with keys for these services passes on."""
        own = {
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self.address,
            "TIDEGATE_STACK": STACK,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        return job_environment(own, ())

    def invoke(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answers one call of a function."""
        context = json.loads(base64.b64decode(headers["X-Amz-Client-Context"]))
        self.invocations.append({"path": unquote(path), "event": json.loads(body), "context": context})
        self.began.set()
        if self.hold is not None:
            self.hold.wait(30)
        if self.denied:
            return 403, {"x-amzn-ErrorType": "AccessDeniedException"}, b"{}"
        status, failed, text = self.function
        named = (
            {"x-amzn-ErrorType": failed}
            if status != 200
            else {"X-Amz-Function-Error": failed}
            if failed
            else {}
        )
        return status, named, text.encode()

    def states(self, action: str, given: Mapping[str, str]) -> tuple[int, Mapping[str, Any]] | None:
        """Answers one call of Step Functions; None loses the answer."""
        if self.denied:
            return 400, {"__type": "AccessDeniedException"}
        if action == "StartExecution":
            return self._start(given)
        if action == "DescribeExecution" and self.throttled > 0:
            self.throttled -= 1
            return 400, {"__type": "ThrottlingException"}
        found = self.executions.get(given["executionArn"])
        if found is None:
            return 400, {"__type": "ExecutionDoesNotExist"}
        if action == "StopExecution" and found["status"] == "RUNNING":
            found.update(status="ABORTED", error=given.get("error", ""), cause=given.get("cause", ""))
        return 200, {"stopDate": 1} if action == "StopExecution" else found

    def _start(self, given: Mapping[str, str]) -> tuple[int, Mapping[str, Any]] | None:
        if not _NAME.fullmatch(given["name"]):
            return 400, {"__type": "InvalidName"}
        arn = given["stateMachineArn"].replace(":stateMachine:", ":execution:") + ":" + given["name"]
        found = self.executions.get(arn)
        if found is not None and (found["status"] != "RUNNING" or found["input"] != given["input"]):
            return 400, {"__type": "ExecutionAlreadyExists"}
        if found is None:
            self.starts += 1
            ended = self.ends.get(given["name"], self.ends.get("*", {"status": "RUNNING"}))
            self.executions[arn] = {"executionArn": arn, "input": given["input"], **ended}
            self.began.set()
        if self.lost > 0:
            self.lost -= 1
            return None
        return 200, {"executionArn": arn, "startDate": 1}


@contextmanager
def services() -> Iterator[Services]:
    """Serves the services until the block ends."""
    state = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers.get("X-Amz-Target", "")
            if target:
                service, _, action = target.partition(".")
                answer = (
                    state.states(action, json.loads(body))
                    if service == "AWSStepFunctions"
                    else state.containers.answer(action, json.loads(body))
                )
                if answer is None:
                    self.close_connection = True
                    return
                self._answer(answer[0], {}, json.dumps(answer[1]).encode())
            else:
                self._answer(*state.invoke(self.path, dict(self.headers), body))

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
