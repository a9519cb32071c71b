"""Operations over many batches are bounded by time, and send fewer batches at once while AWS refuses for load."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.harness.contract.jobs import new_job
from tests.harness.contract.script import Script, error
from tests.harness.contract.stores import NOW_MS, POOL, RANK_POLICY, Stores, aws_clients, aws_stores
from tests.harness.determined import StandingClock, VirtualTimer
from tests.harness.tables import named_as_in_template
from tests.harness.young_table import YoungTable
from tidegate import bootstrap
from tidegate.adapters.aws.clients import connect
from tidegate.adapters.aws.effort import Allowance, Effort, Pace
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.adapters.dynamodb.jobs import DynamoJobStore
from tidegate.adapters.system import SystemEntropy
from tidegate.domain.described_types import DescribedTypes
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.submission import SubmissionPlan
from tidegate.settings import Tables

TABLES = named_as_in_template()


def environment(lease_seconds: int) -> dict[str, str]:
    pools = {"p": {"queue_url": "", "kind": "process", "max_timeout_seconds": 60}}
    ones = ("SHARDS", "WINDOW", "HEARTBEAT_SECONDS", "CANCEL_GRACE_SECONDS", "RETENTION_DAYS")
    zeros = ("AGING_POINTS_PER_MINUTE", "RETRY_PENALTY_POINTS", "CRITICAL_PATH_WEIGHT")
    return {
        "TIDEGATE_POOLS": json.dumps(pools),
        "TIDEGATE_DEFAULT_POOL": "p",
        "TIDEGATE_LEASE_SECONDS": str(lease_seconds),
        "AWS_DEFAULT_REGION": "eu-west-1",
        **{f"TIDEGATE_{name}": "1" for name in ones},
        **{f"TIDEGATE_{name}": "0" for name in zeros},
        **{f"TIDEGATE_TABLE_{name.upper()}": name for name in Tables.__dataclass_fields__},
    }


def test_a_young_table_takes_a_large_submission_at_its_own_speed() -> None:
    """The table takes 1,000 of the 2,500 writes a second, so a fixed count of eight tries for each batch is too low."""
    session = boto3.Session("test", "test", region_name="eu-west-1")
    clients = connect(
        StandingClock(NOW_MS), SystemEntropy(), session=session, endpoint_url="http://127.0.0.1:9"
    )
    table = YoungTable(units_per_second=1_000, burst_units=200)
    table.attach(clients.dynamodb)
    store = DynamoJobStore(clients, TABLES, JobCodec(4, RANK_POLICY), 30 * 86_400)
    store.stage([new_job(f"S.{number}") for number in range(2_500)])
    assert table.written == 2_500
    assert table.refused > 0


def test_a_batch_that_is_refused_whole_goes_on(scripted: Stores, script: Script) -> None:
    throttled = error("ProvisionedThroughputExceededException")
    script.answers(*[throttled] * 10, {"Responses": [{}, {}]})
    assert scripted.jobs.insert_if_absent([new_job("S.0"), new_job("S.1")]) == ()
    assert len(script.asked) == 11


@pytest.mark.parametrize(
    "call",
    [
        lambda stores: stores.jobs.insert_if_absent([new_job("S.0"), new_job("S.1")]),
        lambda stores: stores.jobs.get_many(["S.0"]),
        lambda stores: stores.queue.delete(POOL, ["r"]),
    ],
    ids=["statements", "reads", "receipts"],
)
def test_a_batch_that_is_refused_whole_is_not_repeated_by_the_client_too(
    call: Callable[[Stores], object],
) -> None:
    """The client's own retries wait up to 15 s for each call, beyond the end of any operation."""
    clients = aws_clients("http://127.0.0.1:9")
    sent: list[str] = []

    def throttle(request: Any, event_name: str, **_: Any) -> AWSResponse:
        sent.append(event_name)
        body = BytesIO(json.dumps({"__type": "x#ThrottlingException", "message": "slower"}).encode())
        body.stream = lambda: iter([body.read()])  # type: ignore[attr-defined]  # botocore reads an answer so
        return AWSResponse(request.url, 400, HTTPHeaders(), body)

    begun = []
    for client in (clients.dynamodb, clients.sqs):
        events: Any = client.meta.events
        events.register("before-send", throttle)
        events.register("before-call", lambda **_: begun.append(1))
    with clients.allowance.of(0.1), pytest.raises(ServiceUnavailable, match="refused for load"):
        call(aws_stores(clients, TABLES, "http://127.0.0.1:9/queue"))
    assert len(sent) == len(begun) > 1


def test_an_invocation_that_has_little_time_left_gives_up_within_it(scripted: Stores, script: Script) -> None:
    script.answers(error("ProvisionedThroughputExceededException"))
    assert scripted.clients is not None
    with (
        scripted.clients.allowance.of(1.0),
        pytest.raises(ServiceUnavailable, match="until its 1 s were over"),
    ):
        scripted.jobs.insert_if_absent([new_job("S.0"), new_job("S.1")])
    assert len(script.asked) < 12


def test_a_second_try_of_a_submission_goes_on_where_it_meets_what_the_first_wrote(
    scripted: Stores, script: Script
) -> None:
    """The first try was answered with 503 while the table was throttled, and the table may still be."""
    duplicate = {"Error": {"Code": "DuplicateItem", "Message": "in use"}}
    throttled = error("ThrottlingException")
    script.answers({"Responses": [duplicate, duplicate]}, *[throttled] * 10, {})
    scripted.jobs.stage([new_job("S.0"), new_job("S.1")])
    assert len(script.asked) == 1 + 10 + 2


def test_a_plan_is_saved_where_its_pages_are_throttled(scripted: Stores, script: Script) -> None:
    script.answers(*[error("ThrottlingException")] * 10, {})
    scripted.submissions.save_plan("W1", SubmissionPlan((), ()))
    assert len(script.asked) == 11


def test_no_batch_goes_out_after_the_end(scripted: Stores, script: Script) -> None:
    """A submission of 10,000 jobs has 400 batches. Batches that wait past the end must not be sent at all."""
    clients = scripted.clients
    assert clients is not None
    throttled = {"Error": {"Code": "ThrottlingError", "Message": "slower"}}
    script.answers({"Responses": [throttled] * 25})
    began_seconds = clients.timer.monotonic_seconds()
    asked_at_seconds: list[float] = []

    def note(**_: object) -> None:
        asked_at_seconds.append(clients.timer.monotonic_seconds() - began_seconds)

    clients.dynamodb.meta.events.register_first("before-call", note)
    try:
        with pytest.raises(ServiceUnavailable):
            scripted.jobs.insert_if_absent([new_job(f"S.{number}") for number in range(25 * 40)])
    finally:
        clients.dynamodb.meta.events.unregister("before-call", note)
    # Four threads may be in a request when the end comes.
    assert sum(seconds >= 20.0 for seconds in asked_at_seconds) < 4


@pytest.mark.parametrize("begin", ["dispatcher_function", "worker_function", "process_worker"])
@pytest.mark.parametrize(("lease_seconds", "effort_seconds"), [(10, 10 / 3), (60, 20.0), (3_600, 20.0)])
def test_who_works_under_a_lease_gives_an_operation_a_third_of_it(
    monkeypatch: pytest.MonkeyPatch, begin: str, lease_seconds: int, effort_seconds: float
) -> None:
    """A claimed job waits for the rest of its batch without a heartbeat."""
    for name, value in environment(lease_seconds).items():
        monkeypatch.setenv(name, value)
    executor = SimpleNamespace(job_types=DescribedTypes, close=lambda: None)
    monkeypatch.setattr(
        "tidegate.adapters.executors.process_executor.ProcessExecutor", lambda *_, **__: executor
    )
    jobs = getattr(bootstrap, begin)().services.jobs
    assert jobs.clients.effort().seconds == pytest.approx(effort_seconds)


def test_an_allowance_ends_with_its_invocation() -> None:
    allowance = Allowance(VirtualTimer())
    with allowance.of(3.0):
        assert allowance.bounded(20.0) == 3.0
        assert allowance.bounded(1.0) == 1.0
    assert allowance.bounded(20.0) == 20.0


def test_an_allowance_is_never_negative() -> None:
    allowance = Allowance(VirtualTimer())
    with allowance.of(-2.0):
        assert allowance.bounded(20.0) == 0.0


@pytest.mark.parametrize(
    ("round_number", "jitter", "waits_seconds"), [(0, 0.0, 0.025), (0, 1.0, 0.05), (50, 1.0, 2.0)]
)
def test_the_wait_before_a_try_grows_to_two_seconds(
    round_number: int, jitter: float, waits_seconds: float
) -> None:
    timer = VirtualTimer()
    Effort(timer, 20.0, Pace(4)).back_off(round_number, jitter)
    assert timer.monotonic_seconds() == pytest.approx(waits_seconds)


def test_no_wait_goes_beyond_the_end() -> None:
    timer = VirtualTimer()
    effort = Effort(timer, 0.01, Pace(4))
    effort.back_off(10, 1.0)
    assert timer.monotonic_seconds() == pytest.approx(0.01)
    assert effort.is_over()


def _turn(pace: Pace, *, refused: bool) -> None:
    with pace.turn() as turn:
        turn.was_refused = refused


def test_a_refusal_halves_the_width_down_to_one() -> None:
    pace = Pace(16)
    widths = []
    for _ in range(6):
        _turn(pace, refused=True)
        widths.append(pace.width)
    assert widths == [8, 4, 2, 1, 1, 1]


def test_what_went_out_before_a_cut_does_not_cut_again() -> None:
    pace = Pace(16)
    with pace.turn() as first, pace.turn() as second, pace.turn() as third:
        first.was_refused = second.was_refused = third.was_refused = True
    assert pace.width == 8


def test_the_width_grows_again_by_one_a_round() -> None:
    pace = Pace(4)
    _turn(pace, refused=True)
    assert pace.width == 2
    for _ in range(3):
        _turn(pace, refused=False)
    assert pace.width == 3
    for _ in range(50):
        _turn(pace, refused=False)
    assert pace.width == 4


def test_no_more_than_the_width_are_out_at_once() -> None:
    pace = Pace(8)
    for _ in range(2):
        _turn(pace, refused=True)
    out, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal out, most
        with pace.turn() as turn:
            turn.was_refused = True  # so that it never grows
            with lock:
                out += 1
                most = max(most, out)
            with lock:
                out -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert 1 <= most <= 2
