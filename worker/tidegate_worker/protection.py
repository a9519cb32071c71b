"""Protects an ECS task from scale-in and deployments while a stop would lose the work of its jobs.

A stop leaves a worker process time to drain, and short jobs end within it. So a task asks for protection only once a
job has run for `PROTECT_AFTER_SECONDS`. ECS waits for a protected task, and CloudFormation waits three hours for ECS.
So a task that is never idle gives up its protection for `OPEN_SECONDS` after `LONGEST_PROTECTED_SECONDS` without a
break.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from tidegate.domain.errors import ServiceUnavailable

PROTECT_AFTER_SECONDS = 30.0
EXPIRES_MINUTES = 10  # if the process hangs, the task can be stopped this much later
RENEW_AFTER_SECONDS = 300.0
RETRY_AFTER_SECONDS = 30.0
LONGEST_PROTECTED_SECONDS = 7_200.0
OPEN_SECONDS = 300.0

_LOGGER = logging.getLogger("tidegate.worker")
_LOOK_SECONDS = 1.0
_AGENT_TIMEOUT_SECONDS = 5.0  # longer than the agent itself waits for ECS
_LONGEST_ANSWER_BYTES = 65_536


class TaskAgent(Protocol):
    """Sets and removes the protection of the task that this process runs in.

    Its methods raise ServiceUnavailable.
    """

    def protect(self, minutes: int) -> None:
        """Protects the task from now on for `minutes` (1-2,880), whatever its protection was before."""

    def unprotect(self) -> None:
        """Removes the protection."""


class EcsAgent:
    """The agent that ECS offers to every container at `uri`. It acts with the task's role.

    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html

    Raises ValueError for an address that does not begin with http:// and a host.
    """

    def __init__(self, uri: str, timeout_seconds: float = _AGENT_TIMEOUT_SECONDS) -> None:
        place = urlsplit(uri)
        if place.scheme != "http" or place.hostname is None:
            raise ValueError("an agent's address begins with http:// and a host")
        self._host, self._port = place.hostname, place.port or http.client.HTTP_PORT
        self._path = f"{place.path.rstrip('/')}/task-protection/v1/state"
        self._timeout_seconds = timeout_seconds

    def protect(self, minutes: int) -> None:
        """Protects the task for `minutes` (1-2,880).

        Raises ServiceUnavailable if the agent refuses or does not answer.
        """
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    def unprotect(self) -> None:
        """Removes the protection; raises ServiceUnavailable if the agent refuses or does not answer."""
        self._put({"ProtectionEnabled": False})

    def _put(self, state: Mapping[str, Any]) -> None:
        # This client ignores proxies, because the address exists only inside this container.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_seconds)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("PUT", self._path, json.dumps(state).encode(), headers)
            answer = connection.getresponse()
            body = _object_of(answer.read(_LONGEST_ANSWER_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise ServiceUnavailable(f"the ECS agent did not answer: {error!r}") from error
        finally:
            connection.close()
        protection = body.get("protection")
        if (
            not isinstance(protection, dict)
            or protection.get("ProtectionEnabled") is not state["ProtectionEnabled"]
        ):
            raise ServiceUnavailable(f"the ECS agent {_reason(answer.status, body)}")


def agent_of(environment: Mapping[str, str]) -> EcsAgent | None:
    """Returns the agent of the task that this process runs in.

    None if it runs in no task, or the address is malformed.
    """
    uri = environment.get("ECS_AGENT_URI", "")
    if not uri:
        return None
    try:
        return EcsAgent(uri)
    except ValueError as error:
        _LOGGER.warning("ECS_AGENT_URI %r is not used, so this task is not protected: %s", uri, error)
        return None


class TaskGuard:
    """Keeps a task protected while it should be. `monotonic` returns seconds; tests replace it.

    A refusal is logged, and the request is repeated later. It has no other effect: the worker goes on unprotected.
    """

    def __init__(
        self,
        agent: TaskAgent,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        protect_after_seconds: float = PROTECT_AFTER_SECONDS,
    ) -> None:
        self._agent = agent
        self._monotonic = monotonic
        self._protect_after_seconds = protect_after_seconds
        self._protected_since_s: float | None = None
        self._may_last_until_s = float("-inf")  # counts requests without an answer too
        self._renew_at_s = float("-inf")
        self._retry_at_s = float("-inf")
        self._open_until_s = float("-inf")
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, longest_running_seconds: Callable[[], float]) -> None:
        """Looks once a second from now on, in a thread of its own, so that no heartbeat waits for the agent."""

        def watch() -> None:
            while not self._ended.wait(min(_LOOK_SECONDS, self._protect_after_seconds)):
                self.look(longest_running_seconds())

        self._thread = threading.Thread(target=watch, name="protection")
        self._thread.start()

    def close(self) -> None:
        """Ends the thread. A remaining protection ends with the task."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def look(self, longest_running_seconds: float) -> None:
        """Asks for the protection that is needed now, or removes it.

        `longest_running_seconds` is the age of the oldest running job, 0 if none runs.
        """
        now_s = self._monotonic()
        since_s = self._protected_since_s
        if since_s is not None and now_s - since_s >= LONGEST_PROTECTED_SECONDS:
            _LOGGER.info("this task was protected for long enough; ECS may stop it for %g s", OPEN_SECONDS)
            self._protected_since_s = None
            self._open_until_s = now_s + OPEN_SECONDS
        if longest_running_seconds >= self._protect_after_seconds and now_s >= self._open_until_s:
            self._keep(now_s)
        else:
            self._take_off(now_s)

    def _keep(self, now_s: float) -> None:
        if now_s < self._retry_at_s or (self._protected_since_s is not None and now_s < self._renew_at_s):
            return
        self._may_last_until_s = now_s + EXPIRES_MINUTES * 60
        if self._is_done(lambda: self._agent.protect(EXPIRES_MINUTES), now_s):
            self._renew_at_s = now_s + RENEW_AFTER_SECONDS
            if self._protected_since_s is None:
                self._protected_since_s = now_s

    def _take_off(self, now_s: float) -> None:
        self._protected_since_s = None
        if now_s < self._retry_at_s or now_s >= self._may_last_until_s:
            return
        if self._is_done(self._agent.unprotect, now_s):
            self._may_last_until_s = now_s

    def _is_done(self, ask: Callable[[], None], now_s: float) -> bool:
        try:
            ask()
        except ServiceUnavailable as error:
            self._retry_at_s = now_s + RETRY_AFTER_SECONDS
            _LOGGER.warning("the task's protection could not be changed; it is tried again soon: %s", error)
            return False
        return True


def _object_of(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _reason(status: int, body: Mapping[str, Any]) -> str:
    """Returns the agent's own reason.

    The answer holds an `error` with a code and a message, or a `failure` of the task with a reason.
    """
    for part, names in (("error", ("Code", "Message")), ("failure", ("Reason", "Detail"))):
        told = body.get(part)
        if isinstance(told, dict):
            return "refused: " + ": ".join(str(told[name]) for name in names if told.get(name))
    return f"answered {status} without the state of the protection"
