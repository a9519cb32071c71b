"""The surroundings of the use cases in the state machine: chance, queues, and drawn jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from dev.simulator.memory.seeded import JOB_TYPE, AnyParameters
from dev.simulator.people.callers import caller_named
from tests.harness.stateful.model_jobs import ON_FAILURE, ON_SUCCESS
from tests.harness.stateful.model_outside import JITTER
from tidegate.domain.dependency import DependencyType
from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.requests import DependencyRequest, JobRequest
from tidegate.domain.retry import RetryPolicy
from tidegate.ports import Delivery, Message, QueueDepth

PLACES = st.integers(0, 10**6)  # taken modulo the number of choices


APPROVER = "ann"


class AlsoApprovals(AnyParameters):
    """A registry that has the type of approvals too."""

    def types(self) -> Sequence[str]:
        return (*super().types(), APPROVAL_TYPE)


def mark_of(message: Message) -> tuple[str, int, int]:
    """Returns a message as the model knows it."""
    return message.job_id, message.attempt, message.reopened


class EvenEntropy:
    """Ids that count up, and a jitter that is always the same."""

    def __init__(self) -> None:
        self._issued = 0

    def new_ulid(self, now_ms: int) -> str:
        self._issued += 1
        return f"{self._issued:026d}"

    def secret(self) -> str:
        return f"{self._issued:032x}"

    def jitter(self) -> float:
        return JITTER

    def secret_bytes(self, count: int) -> bytes:
        return bytes(count)


class HeldQueue:
    """A queue whose messages wait until a rule delivers, doubles, loses or buries them."""

    def __init__(self) -> None:
        self.waiting: list[Message] = []
        self.dead: list[Message] = []

    def send(self, pool: str, messages: Sequence[Message]) -> tuple[Message, ...]:
        self.waiting.extend(messages)
        return ()

    def receive(self, pool: str, *, limit: int, wait_seconds: float) -> tuple[Delivery, ...]:
        raise AssertionError("rules deliver")

    def delete(self, pool: str, receipts: Sequence[str]) -> None:
        raise AssertionError("rules deliver")

    def receive_dead(self, pool: str, *, limit: int) -> tuple[Delivery, ...]:
        return tuple(Delivery(message, str(place)) for place, message in enumerate(self.dead[:limit]))

    def delete_dead(self, pool: str, receipts: Sequence[str]) -> None:
        taken = {int(receipt) for receipt in receipts}
        self.dead = [message for place, message in enumerate(self.dead) if place not in taken]

    def depth(self, pool: str) -> QueueDepth:
        return QueueDepth(visible=len(self.waiting), received=0)

    def extend(self, pool: str, receipt: str, *, seconds: int) -> None:
        raise AssertionError("rules deliver")


@dataclass(frozen=True)
class JobPlan:
    """A drawn job, whose edges name earlier jobs by a number. An approval is a job that a caller ends."""

    edges: tuple[tuple[int, DependencyType, bool], ...]
    max_retries: int
    is_approval: bool = False


PLANS = st.lists(
    st.builds(
        JobPlan,
        st.lists(st.tuples(PLACES, st.sampled_from(DependencyType), st.booleans()), max_size=3).map(tuple),
        st.integers(0, 2),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


def request_of(plan: JobPlan, keys: Sequence[str], place: int, earlier: Sequence[str]) -> JobRequest:
    """Makes the request of the job at a position of a workflow.

    The job may wait for those before it and for earlier jobs.
    """
    upstreams = [*keys[:place], *earlier]
    wanted = {upstreams[n % len(upstreams)]: (kind, flag) for n, kind, flag in plan.edges if upstreams}
    return JobRequest(
        type=APPROVAL_TYPE if plan.is_approval else JOB_TYPE,
        parameters={"approvers": [caller_named(APPROVER).subject]} if plan.is_approval else {},
        key=keys[place],
        priority=1 + (len(earlier) + place) * 37 % 1_000,
        depends_on=tuple(_edge(name, name in keys, *how) for name, how in wanted.items()),
        retry=RetryPolicy(plan.max_retries),
    )


def _edge(name: str, is_key: bool, kind: DependencyType, on_success: bool) -> DependencyRequest:
    condition = (ON_SUCCESS if on_success else ON_FAILURE) if kind is DependencyType.CONDITIONAL else None
    if is_key:
        return DependencyRequest(key=name, type=kind, condition=condition)
    return DependencyRequest(job_id=name, type=kind, condition=condition)
