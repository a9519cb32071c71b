"""Protection of an ECS task against scale-in and deployments while a stop would lose the work of its jobs.

A stop leaves a worker process time to drain, and short jobs end within it. So a task asks for protection only once a
job has run for `PROTECT_AFTER_SECONDS`. ECS waits for a protected task, and CloudFormation waits three hours for ECS:
a task that is never idle gives its protection up for `OPEN_SECONDS` after `LONGEST_PROTECTED_SECONDS` without a break.
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

from tidegate.domain.errors import DependencyUnavailable

PROTECT_AFTER_SECONDS = 30.0
EXPIRES_MINUTES = 10  # should the process hang, the task can be stopped this much later
RENEW_AFTER_SECONDS = 300.0
RETRY_AFTER_SECONDS = 30.0
LONGEST_PROTECTED_SECONDS = 7_200.0
OPEN_SECONDS = 300.0

_LOGGER = logging.getLogger("tidegate.worker")
_LOOK_SECONDS = 1.0
_AGENT_TIMEOUT_SECONDS = 5.0  # the agent itself gives up on ECS sooner
_LONGEST_ANSWER_BYTES = 65_536


class TaskAgent(Protocol):
    """Says of the task that this process runs in whether it may be stopped. Raises DependencyUnavailable."""

    def protect(self, minutes: int) -> None:
        """Protects the task from now on for `minutes` (1-2,880), however long it was protected for before."""

    def unprotect(self) -> None:
        """Takes the protection off."""


class EcsAgent:
    """The agent that ECS gives every container under `uri`. It acts with the task's role.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
    """

    def __init__(self, uri: str, timeout_seconds: float = _AGENT_TIMEOUT_SECONDS) -> None:
        place = urlsplit(uri)
        if place.scheme != "http" or place.hostname is None:
            raise ValueError("an agent's address begins with http:// and a host")
        self._host, self._port = place.hostname, place.port or http.client.HTTP_PORT
        self._path = f"{place.path.rstrip('/')}/task-protection/v1/state"
        self._timeout_seconds = timeout_seconds

    def protect(self, minutes: int) -> None:
        """Protects the task for `minutes`."""
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    def unprotect(self) -> None:
        """Takes the protection off."""
        self._put({"ProtectionEnabled": False})

    def _put(self, state: Mapping[str, Any]) -> None:
        # Not by a client that heeds proxies: the address exists in this container only.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_seconds)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("PUT", self._path, json.dumps(state).encode(), headers)
            answer = connection.getresponse()
            body = _object_of(answer.read(_LONGEST_ANSWER_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise DependencyUnavailable(f"the ECS agent did not answer: {error!r}") from error
        finally:
            connection.close()
        protection = body.get("protection")
        if (
            not isinstance(protection, dict)
            or protection.get("ProtectionEnabled") is not state["ProtectionEnabled"]
        ):
            raise DependencyUnavailable(f"the ECS agent {_reason(answer.status, body)}")


def agent_of(environment: Mapping[str, str]) -> EcsAgent | None:
    """The agent of the task that this process runs in; None where it runs in none, or the address is none."""
    uri = environment.get("ECS_AGENT_URI", "")
    if not uri:
        return None
    try:
        return EcsAgent(uri)
    except ValueError as error:
        _LOGGER.warning("ECS_AGENT_URI %r is not used, so this task is not protected: %s", uri, error)
        return None


class TaskGuard:
    """Keeps a task protected while it should be. `monotonic` gives seconds, for tests.

    A refusal is logged and asked again later, and changes nothing else: the worker goes on as it would elsewhere.
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
        self._may_last_until_s = float("-inf")  # also what a request without an answer may have brought about
        self._renew_at_s = float("-inf")
        self._retry_at_s = float("-inf")
        self._open_until_s = float("-inf")
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, longest_running_seconds: Callable[[], float]) -> None:
        """Looks once a second from now on, in a thread: no heartbeat waits for the agent."""

        def watch() -> None:
            while not self._ended.wait(min(_LOOK_SECONDS, self._protect_after_seconds)):
                self.look(longest_running_seconds())

        self._thread = threading.Thread(target=watch, name="protection")
        self._thread.start()

    def close(self) -> None:
        """Ends the looking. What protection is left ends with the task."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def look(self, longest_running_seconds: float) -> None:
        """Asks for what is needed now. `longest_running_seconds` is the age of the oldest running job, 0 for none."""
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
        except DependencyUnavailable as error:
            self._retry_at_s = now_s + RETRY_AFTER_SECONDS
            _LOGGER.warning("the task's protection could not be changed, tried again soon: %s", error)
            return False
        return True


def _object_of(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _reason(status: int, body: Mapping[str, Any]) -> str:
    """The agent's own words: an `error` with a code and a message, or a `failure` of the task with a reason."""
    for part, names in (("error", ("Code", "Message")), ("failure", ("Reason", "Detail"))):
        told = body.get(part)
        if isinstance(told, dict):
            return "refused: " + ": ".join(str(told[name]) for name in names if told.get(name))
    return f"answered {status} without saying what holds"
