"""A worker process in an ECS task protects the task while a stop would lose a job, and not for ever."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.harness.waiting import becomes_true
from tests.harness.worker.fake_agent import FAILED, REFUSED, FakeAgent, fake_agent
from tests.harness.worker.running import Fixture
from tests.harness.worker.world import job_of, queued_job
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.states import State
from tidegate_worker.process import EXIT_DRAINED
from tidegate_worker.protection import (
    EXPIRES_MINUTES,
    LONGEST_PROTECTED_SECONDS,
    OPEN_SECONDS,
    PROTECT_AFTER_SECONDS,
    RENEW_AFTER_SECONDS,
    RETRY_AFTER_SECONDS,
    EcsAgent,
    TaskGuard,
    agent_of,
)

LONG = PROTECT_AFTER_SECONDS
ON = {"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MINUTES}
OFF = {"ProtectionEnabled": False}


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    with fake_agent() as running:
        yield running


class Guarded:
    """A guard over an agent, on a clock that a test advances."""

    def __init__(self, agent: FakeAgent) -> None:
        self.now_s = 1_000.0
        self.agent = agent
        self.guard = TaskGuard(EcsAgent(agent.uri), lambda: self.now_s)

    def after(self, seconds: float, *, longest: float) -> list[dict[str, object]]:
        """Returns the agent's requests from a look `seconds` later, while the oldest job has run for `longest`."""
        self.now_s += seconds
        before = len(self.agent.asked)
        self.guard.look(longest)
        return self.agent.asked[before:]


@pytest.fixture
def guarded(agent: FakeAgent) -> Guarded:
    return Guarded(agent)


def test_the_agent_is_asked_as_ecs_says(agent: FakeAgent) -> None:
    EcsAgent(agent.uri).protect(60)
    EcsAgent(agent.uri).unprotect()
    assert agent.asked == [{"ProtectionEnabled": True, "ExpiresInMinutes": 60}, {"ProtectionEnabled": False}]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, REFUSED, "AccessDeniedException: not authorized"),
        (200, FAILED, "TASK_NOT_VALID"),
        (504, {"error": {"Code": "RequestCanceled", "Message": "Timed out"}}, "RequestCanceled: Timed out"),
        (200, {"protection": {"ProtectionEnabled": False}}, "answered 200"),
        (500, {}, "answered 500"),
    ],
)
def test_an_answer_that_is_no_protection_is_an_error_with_its_reason(
    agent: FakeAgent, status: int, body: dict[str, object], told: str
) -> None:
    agent.answers(status, body)
    with pytest.raises(ServiceUnavailable, match=told):
        EcsAgent(agent.uri).protect(10)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff\xfe"])
def test_an_answer_that_says_nothing_is_an_error(agent: FakeAgent, body: bytes) -> None:
    agent.answer = 200, body
    with pytest.raises(ServiceUnavailable, match="answered 200"):
        EcsAgent(agent.uri).protect(10)


def test_an_agent_that_is_not_there_or_does_not_answer_is_an_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}/api/x"
        with pytest.raises(ServiceUnavailable, match="ECS agent"):
            EcsAgent(uri).protect(10)
        silent.listen()
        with pytest.raises(ServiceUnavailable, match="ECS agent"):
            EcsAgent(uri, timeout_seconds=0.05).protect(10)


def test_only_a_container_of_a_task_has_an_agent(caplog: pytest.LogCaptureFixture) -> None:
    assert agent_of({}) is None
    assert agent_of({"ECS_AGENT_URI": ""}) is None
    assert isinstance(agent_of({"ECS_AGENT_URI": "http://169.254.170.2/api/0123"}), EcsAgent)
    assert not caplog.records
    for uri in ("file:///etc/passwd", "http:///api", "http://host:port/api"):
        assert agent_of({"ECS_AGENT_URI": uri}) is None
        assert uri in caplog.text


def test_short_jobs_ask_for_nothing(guarded: Guarded) -> None:
    for _ in range(100):
        assert guarded.after(1, longest=LONG - 0.1) == []


def test_a_long_job_is_protected_until_it_has_ended(guarded: Guarded) -> None:
    assert guarded.after(0, longest=LONG) == [ON]
    assert guarded.after(1, longest=LONG + 1) == []
    assert guarded.after(1, longest=0) == [OFF]
    assert guarded.after(1, longest=0) == []
    assert guarded.after(1, longest=LONG) == [ON]


def test_protection_is_renewed_before_it_expires(guarded: Guarded) -> None:
    asked = [len(guarded.after(1, longest=LONG)) for _ in range(3_600)]
    at = [second for second, calls in enumerate(asked) if calls]
    gaps = {later - earlier for earlier, later in pairwise(at)}
    assert gaps == {RENEW_AFTER_SECONDS}
    assert RENEW_AFTER_SECONDS + RETRY_AFTER_SECONDS * 5 < EXPIRES_MINUTES * 60
    assert guarded.agent.asked == [ON] * len(at)


def test_a_task_that_is_never_idle_can_be_stopped_now_and_then(guarded: Guarded) -> None:
    """Otherwise a deployment would wait for ever, and CloudFormation gives up after three hours."""
    states: list[bool] = []
    for _ in range(5 * 3_600):
        guarded.after(1, longest=LONG)
        states.append(bool(guarded.agent.asked[-1]["ProtectionEnabled"]))
    open_at = states.index(False)
    closed_again = states.index(True, open_at)
    assert open_at == LONGEST_PROTECTED_SECONDS
    assert closed_again - open_at == OPEN_SECONDS
    assert LONGEST_PROTECTED_SECONDS + OPEN_SECONDS < 3 * 3_600
    assert states[closed_again:].index(False) == LONGEST_PROTECTED_SECONDS


def test_a_break_starts_the_longest_protection_anew(guarded: Guarded) -> None:
    assert guarded.after(0, longest=LONG) == [ON]
    guarded.after(LONGEST_PROTECTED_SECONDS - 1, longest=LONG)
    assert guarded.after(0.5, longest=0) == [OFF]
    assert guarded.after(LONG, longest=LONG) == [ON]
    assert guarded.after(60, longest=LONG) == []


def test_a_refusal_is_said_and_asked_again_later(guarded: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    guarded.agent.answers(400, REFUSED)
    assert guarded.after(0, longest=LONG) == [ON]
    assert "AccessDeniedException" in caplog.text
    assert guarded.after(RETRY_AFTER_SECONDS - 1, longest=LONG) == []
    assert guarded.after(1, longest=LONG) == [ON]
    guarded.agent.answer = None
    assert guarded.after(RETRY_AFTER_SECONDS, longest=LONG) == [ON]
    assert guarded.after(RETRY_AFTER_SECONDS, longest=LONG) == []


def test_what_may_be_protected_all_the_same_is_taken_off(guarded: Guarded) -> None:
    """A request that timed out may have had its effect."""
    guarded.agent.answers(504, {"error": {"Code": "RequestCanceled", "Message": "Timed out"}})
    assert guarded.after(0, longest=LONG) == [ON]
    guarded.agent.answer = None
    assert guarded.after(RETRY_AFTER_SECONDS, longest=0) == [OFF]


def test_a_take_off_that_fails_is_tried_again_until_it_has_expired(guarded: Guarded) -> None:
    assert guarded.after(0, longest=LONG) == [ON]
    guarded.agent.answers(500, {})
    asked = sum(len(guarded.after(1, longest=0)) for _ in range(3_600))
    assert asked == EXPIRES_MINUTES * 60 / RETRY_AFTER_SECONDS
    assert guarded.agent.asked[1:] == [OFF] * asked


def test_a_worker_in_a_task_is_protected_while_its_job_runs(agent: FakeAgent) -> None:
    fixture = Fixture()
    message = queued_job(fixture.services)
    guard = TaskGuard(EcsAgent(agent.uri), protect_after_seconds=0.05)
    with fixture.running(guard=guard) as worker:
        assert becomes_true(lambda: agent.asked == [ON])
        fixture.executor.open(1)
        assert becomes_true(lambda: agent.asked == [ON, OFF])
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
    assert job_of(fixture.services, message).state is State.SUCCEEDED


def test_a_worker_whose_agent_refuses_works_on(agent: FakeAgent, caplog: pytest.LogCaptureFixture) -> None:
    agent.answers(400, REFUSED)
    fixture = Fixture()
    message = queued_job(fixture.services)
    guard = TaskGuard(EcsAgent(agent.uri), protect_after_seconds=0.05)
    with fixture.running(guard=guard) as worker:
        assert becomes_true(lambda: "AccessDeniedException" in caplog.text)
        fixture.executor.open(1)
        assert becomes_true(lambda: job_of(fixture.services, message).state is State.SUCCEEDED)
        worker.process.stop()
        assert worker.ended() == EXIT_DRAINED
