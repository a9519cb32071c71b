from __future__ import annotations

import json
import logging
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from dev.simulator.memory.world import MemoryWorld
from functions.worker import app
from tests.harness.jobs.executors import JOBCODE
from tests.harness.worker.world import CLOCK, POOL, job_of, make_services, queued_job
from tidegate import bootstrap
from tidegate.adapters.executors.inline import InlineExecutor
from tidegate.bootstrap import Meter, Usage, WorkerDeps
from tidegate.domain import limits
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.pools import PoolKind
from tidegate.domain.seats import Seat
from tidegate.domain.states import State
from tidegate.domain.workers import Ability
from tidegate.entry.worker import run_records, worker_name
from tidegate.jobs.loader import load_registry
from tidegate.jobs.registry import Registry
from tidegate.ports import UNKNOWN_TYPE, Outcome, OutcomeKind
from tidegate.usecases.pools.capacity import PAUSE_MS, pool_ability


class Fixture:
    def __init__(self) -> None:
        self.world = MemoryWorld()
        self.services = make_services(self.world)
        executor = InlineExecutor(load_registry(JOBCODE), CLOCK, heartbeat_seconds=15)
        self.deps = WorkerDeps(self.services, executor, CLOCK, Meter())

    def handle(self, *bodies: str) -> list[str]:
        """Returns the ids of the records that should come again. A record's id is its position."""
        event = {"Records": [_record(str(place), body) for place, body in enumerate(bodies)]}
        answer = run_records(event, self.deps, "lambda-1")
        return [str(failure["itemIdentifier"]) for failure in answer["batchItemFailures"]]


def _record(message_id: str, body: str) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795485600000"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{POOL}",
        "awsRegion": "eu-central-1",
    }


def _body(job_id: str, attempt: int = 0) -> str:
    return json.dumps({"job_id": job_id, "attempt": attempt})


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_each_record_runs_its_job(fixture: Fixture) -> None:
    good, bad = queued_job(fixture.services), queued_job(fixture.services, "sample.refuse")
    assert fixture.handle(_body(good.job_id), _body(bad.job_id)) == []
    assert job_of(fixture.services, good).state is State.SUCCEEDED
    failed = job_of(fixture.services, bad)
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert failed.failure.message == "the input is gone"


def test_a_doubled_message_runs_nothing_twice(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    assert fixture.handle(_body(message.job_id), _body(message.job_id)) == []
    assert job_of(fixture.services, message).attempt == 1


def test_a_message_whose_job_is_gone_is_done_with(fixture: Fixture) -> None:
    assert fixture.handle(_body("01JD0000000000000000000000")) == []


@pytest.mark.parametrize(
    "body", ["", "[]", '{"attempt": 0}', '{"job_id": "", "attempt": 0}', '{"job_id": "a", "attempt": -1}']
)
def test_a_body_that_is_no_message_of_ours_comes_again_and_holds_nothing_up(
    fixture: Fixture, body: str
) -> None:
    message = queued_job(fixture.services)
    assert fixture.handle(body, _body(message.job_id)) == ["0"]
    assert job_of(fixture.services, message).state is State.SUCCEEDED


def test_a_message_whose_type_can_not_be_read_runs_its_job(fixture: Fixture) -> None:
    message = queued_job(fixture.services)
    assert fixture.handle(json.dumps({"job_id": message.job_id, "attempt": 0, "type": 7})) == []
    assert job_of(fixture.services, message).state is State.SUCCEEDED


def test_a_record_comes_again_when_a_service_does_not_answer(fixture: Fixture) -> None:
    message = queued_job(fixture.services)

    def refuse(request: str) -> None:
        if request in ("apply", "apply_all"):
            raise ServiceUnavailable("the table does not answer")

    fixture.world.on_request = refuse
    assert fixture.handle(_body(message.job_id)) == ["0"]
    assert job_of(fixture.services, message).state is State.QUEUED


def _usage_lines(caplog: pytest.LogCaptureFixture) -> list[object]:
    return [vars(record)["usage"] for record in caplog.records if record.getMessage() == "usage"]


def test_one_usage_line_is_logged_and_no_parameters_are(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    message = queued_job(fixture.services, "sample.crash", rows=424_242)
    with caplog.at_level(logging.INFO):
        fixture.handle(_body(message.job_id))
    assert _usage_lines(caplog) == [{"requests": {}, "write_units": 0, "read_units": 0.0}]
    logged = "".join(str(vars(record)) for record in caplog.records)
    assert message.job_id in logged
    assert "424242" not in logged


def test_usage_counts_this_invocation_only(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    class TwoSnapshots:
        def __init__(self) -> None:
            self._taken = 0

        def snapshot(self) -> Usage:
            self._taken += 1
            return Usage({("dynamodb", "UpdateItem"): 5 * self._taken}, read_units=1.0)

    with caplog.at_level(logging.INFO):
        fixture.deps = replace(fixture.deps, meter=cast(Meter, TwoSnapshots()))
        fixture.handle(_body("01JD0000000000000000000000"))
    assert _usage_lines(caplog) == [
        {"requests": {"dynamodb.UpdateItem": 5}, "write_units": 0, "read_units": 0.0}
    ]


def test_a_worker_is_named_after_its_environment() -> None:
    context = SimpleNamespace(log_stream_name="2026/11/24/[$LATEST]0123456789abcdef")
    assert worker_name(cast(LambdaContext, context)) == "lambda-01234567"


def _typed(job_id: str, job_type: str, attempt: int = 0) -> str:
    return json.dumps({"job_id": job_id, "attempt": attempt, "type": job_type})


@pytest.fixture
def served_by_function(fixture: Fixture) -> Fixture:
    pool = replace(fixture.services.settings.pools[POOL], kind=PoolKind.FUNCTION, capacity=4)
    settings = replace(fixture.services.settings, pools={POOL: pool})
    fixture.services = replace(fixture.services, settings=settings)
    fixture.deps = replace(fixture.deps, services=fixture.services)
    return fixture


def _ability(fixture: Fixture, after_ms: int = 0) -> Ability:
    pool = fixture.services.settings.pools[POOL]
    return pool_ability(fixture.services, pool, CLOCK.now_ms() + after_ms)


def test_a_type_that_the_function_lacks_fails_no_job_and_waits(served_by_function: Fixture) -> None:
    fixture = served_by_function
    named, unnamed = queued_job(fixture.services), queued_job(fixture.services)
    fixture.deps = replace(
        fixture.deps,
        services=replace(fixture.services, registry=load_registry("none")),
        executor=InlineExecutor(Registry(), CLOCK, heartbeat_seconds=15),
    )
    assert fixture.handle(_typed(named.job_id, "of.a.later.version"), _body(unnamed.job_id)) == []
    assert [job_of(fixture.services, each).state for each in (named, unnamed)] == [State.READY] * 2
    assert job_of(fixture.services, named).attempt == 0
    assert _ability(fixture).limited == {"sample.describe": 0}
    assert _ability(fixture).slots == 4, "other types go on"
    assert _ability(fixture, PAUSE_MS).limited == {"sample.describe": 1}, "one at a time is tried"
    assert _ability(fixture, 2 * PAUSE_MS + 1_000).limited == {}


def test_a_function_that_lacks_more_types_than_its_entry_names_takes_no_more(
    served_by_function: Fixture,
) -> None:
    """Otherwise jobs of a type that it did not name would be dispatched and taken back without end."""
    fixture = served_by_function
    job = job_of(fixture.services, queued_job(fixture.services))
    lacking = Outcome(OutcomeKind.UNABLE, code=UNKNOWN_TYPE)
    for number in range(limits.MAX_LACKING_TYPES + 1):
        assert (_ability(fixture).slots, len(_ability(fixture).limited)) == (4, number)
        of_a_type = replace(job, type=f"lacking.t{number}")
        fixture.deps.faults.note(fixture.services, of_a_type, lacking, CLOCK.now_ms())
    assert (_ability(fixture).slots, _ability(fixture).fault) == (0, "more than 20 job types are lacking")
    assert _ability(fixture, PAUSE_MS).slots == 1


def test_a_module_that_failed_once_is_loaded_again_with_the_next_invocation(
    served_by_function: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture = served_by_function
    broken = Registry()
    broken.note_fault("m", "module m failed to import")
    bad = replace(fixture.deps, services=replace(fixture.services, registry=broken))
    made = iter([bad, fixture.deps])
    monkeypatch.setattr(bootstrap, "worker_function", lambda: next(made))
    app._deployed.cache_clear()
    context = cast(LambdaContext, SimpleNamespace(log_stream_name="x", aws_request_id="r"))
    messages = [queued_job(fixture.services) for _ in range(2)]
    for message in messages:
        body = _typed(message.job_id, "sample.describe")
        app.lambda_handler({"Records": [_record("0", body)]}, context)
    app._deployed.cache_clear()
    assert [job_of(fixture.services, each).state for each in messages] == [State.READY, State.SUCCEEDED]


def test_a_message_of_a_job_that_went_on_is_done_with_whatever_the_function_lacks(
    served_by_function: Fixture,
) -> None:
    fixture = served_by_function
    message = queued_job(fixture.services)
    fixture.handle(_body(message.job_id))
    fixture.deps = replace(fixture.deps, services=replace(fixture.services, registry=Registry()))
    lacking = "sample.describe"
    bodies = [_typed(message.job_id, lacking), _typed("01JD0000000000000000000000", lacking)]
    assert fixture.handle(*bodies) == []
    assert job_of(fixture.services, message).state is State.SUCCEEDED
    assert _ability(fixture).slots == 4


def test_a_job_keeps_where_it_ran(fixture: Fixture) -> None:
    seat = Seat("tidegate-worker", "2026/12/01/[$LATEST]58419525dade4d17a495dceeeed44708")
    fixture.deps = replace(fixture.deps, services=replace(fixture.services, seat=seat))
    queued = queued_job(fixture.services)
    assert fixture.handle(_body(queued.job_id)) == []
    job = job_of(fixture.services, queued)
    assert (job.worker_id, job.worker_name, job.worker_host) == ("lambda-1", seat.name, seat.host)
