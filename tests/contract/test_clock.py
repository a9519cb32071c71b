"""The clock of a process stays steady through steps of the machine's clock, and follows the time that AWS gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from tests.harness.contract.stores import session_of
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.time import AwsTime, sign_by
from tidegate.adapters.system import SystemClock
from tidegate.bootstrap import connect_system

NOW_MS = 1_700_000_000_000


@dataclass
class Machine:
    """A machine whose clock can be set. `true_ms` is the time that AWS gives."""

    true_ms: int = NOW_MS
    off_ms: int = 0

    def wall_ms(self) -> int:
        return self.true_ms + self.off_ms

    def steady_ms(self) -> int:
        return self.true_ms - NOW_MS + 5_000_000

    def clock(self) -> SystemClock:
        return SystemClock(self.wall_ms, self.steady_ms)

    def said_ms(self) -> int:
        return self.true_ms // 1_000 * 1_000


@pytest.mark.parametrize("step_ms", [600_000, -120_000, 86_400_000])
def test_a_step_does_not_show_in_a_clock_that_is_held(step_ms: int) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.hold()
    machine.off_ms = step_ms
    machine.true_ms += 7
    assert clock.now_ms() == machine.true_ms
    clock.learn(machine.said_ms(), took_ms=20)
    assert clock.now_ms() == machine.true_ms, "the held clock was right, so an answer changes nothing"
    assert abs(clock.off_ms - step_ms) <= 1_000, "but the machine's is off, and the process knows"
    machine.off_ms = 0
    clock.learn(machine.said_ms(), took_ms=20)
    assert clock.off_ms == 0


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("off_ms", [45_000, -3_600_000])
def test_a_clock_that_was_wrong_from_the_start_is_right_after_the_first_answer(
    off_ms: int, held: bool
) -> None:
    machine = Machine(true_ms=NOW_MS + 123, off_ms=off_ms)
    clock = machine.clock()
    if held:
        clock.hold()
    assert clock.now_ms() == machine.true_ms + off_ms
    clock.learn(machine.said_ms(), took_ms=300)
    assert abs(clock.now_ms() - machine.true_ms) <= 1_000
    if not held:
        clock.hold()
    machine.true_ms += 60_000
    assert abs(clock.now_ms() - machine.true_ms) <= 1_000


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("lie_ms", [-86_400_000, -45_000, 45_000, 5 * 3_600_000])
def test_one_answer_that_lies_changes_nothing_and_two_that_agree_do(lie_ms: int, held: bool) -> None:
    machine = Machine(true_ms=NOW_MS + 123)
    clock = machine.clock()
    if held:
        clock.hold()
    clock.learn(machine.said_ms(), took_ms=20)
    for _ in range(3):
        clock.learn(machine.said_ms() + lie_ms, took_ms=20)
        assert (clock.now_ms(), clock.off_ms) == (machine.true_ms, 0)
        machine.true_ms += 5_000
        clock.learn(machine.said_ms(), took_ms=20)
    clock.learn(machine.said_ms() + lie_ms, took_ms=20)
    clock.learn(machine.said_ms() + 3 * lie_ms, took_ms=20)
    assert clock.now_ms() == machine.true_ms, "two that do not agree are two lies"
    clock.learn(machine.said_ms() + 3 * lie_ms, took_ms=20)
    assert abs(clock.now_ms() - machine.true_ms - 3 * lie_ms) <= 1_000, "nobody can tell two from the truth"
    clock.learn(machine.said_ms(), took_ms=20)
    assert abs(clock.now_ms() - machine.true_ms) <= 1_000, "the next true one is believed at once"


@pytest.mark.parametrize("held", [False, True])
def test_a_lie_behind_a_small_correction_changes_nothing(held: bool) -> None:
    machine = Machine(off_ms=4_000)
    clock = machine.clock()
    if held:
        clock.hold()
    clock.learn(machine.said_ms(), took_ms=20)
    clock.learn(machine.said_ms() + 3_600_000, took_ms=20)
    assert abs(clock.now_ms() - machine.true_ms) <= 1_000


@pytest.mark.parametrize("held", [False, True])
def test_a_first_answer_that_lies_is_mended_by_the_second(held: bool) -> None:
    machine = Machine()
    clock = machine.clock()
    if held:
        clock.hold()
    clock.learn(machine.said_ms() + 7_200_000, took_ms=20)
    clock.learn(machine.said_ms(), took_ms=20)
    assert abs(clock.now_ms() - machine.true_ms) <= 1_000


@pytest.mark.parametrize("step_ms", [600_000, -120_000])
def test_a_clock_that_is_not_held_is_right_after_the_first_answer_behind_each_step(step_ms: int) -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(3):
        clock.learn(machine.said_ms(), took_ms=20)
        clock.learn(machine.said_ms(), took_ms=20)
        machine.off_ms += step_ms
        machine.true_ms += 5_000
        assert abs(clock.now_ms() - machine.true_ms - step_ms) <= 1_000
        clock.learn(machine.said_ms(), took_ms=20)
        assert abs(clock.now_ms() - machine.true_ms) <= 1_000


@pytest.mark.parametrize("held", [False, True])
def test_a_clock_that_a_sleeping_machine_left_behind_is_right_after_the_second_answer(held: bool) -> None:
    machine = Machine()
    asleep_ms = 0
    clock = SystemClock(lambda: machine.wall_ms() - asleep_ms, lambda: machine.steady_ms() - asleep_ms)
    if held:
        clock.hold()
    clock.learn(machine.said_ms(), took_ms=20)
    asleep_ms = 3_600_000
    machine.true_ms += asleep_ms
    for _ in range(2):
        clock.learn(machine.said_ms(), took_ms=20)
    assert abs(clock.now_ms() - machine.true_ms) <= 1_000


@pytest.mark.parametrize("year", ["0001", "1970", "9999"])
def test_a_date_that_can_t_be_one_is_none(year: str) -> None:
    machine = Machine()
    clock = machine.clock()
    heard, context = AwsTime(clock), dict[str, Any]()
    heard._sent(context=context)
    for text in (f"Fri, 31 Dec {year} 23:59:59 GMT", f"Fri, 31 Dec {year} 23:59:59 -2359"):
        heard._answered(parsed={"ResponseMetadata": {"HTTPHeaders": {"date": text}}}, context=context)
    assert (clock.now_ms(), clock.off_ms) == (machine.true_ms, 0)


@pytest.mark.parametrize("off_ms", [-900, 0, 900])
def test_what_a_date_can_t_show_is_left_alone(off_ms: int) -> None:
    """A Date has whole seconds only, so the machine's own milliseconds are better where both may be true."""
    machine = Machine(true_ms=NOW_MS + 500, off_ms=off_ms)
    clock = machine.clock()
    clock.learn(machine.said_ms(), took_ms=20)
    assert (clock.off_ms, clock.now_ms()) == (0, machine.wall_ms())


def test_a_function_that_was_frozen_takes_up_the_machine_s_clock_with_what_it_has_learned() -> None:
    machine = Machine(off_ms=30_000)
    clock = machine.clock()
    clock.hold()
    clock.learn(machine.said_ms(), took_ms=0)
    machine.off_ms += 3_600_000  # as if the steady clock had stopped for an hour
    clock.hold()
    assert abs(clock.now_ms() - (machine.true_ms + 3_600_000)) <= 1_000


@pytest.mark.parametrize(
    "date", ["Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:20 -0000"], ids=["GMT", "no zone"]
)
def test_the_date_of_an_answer_is_read_once_a_second(date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[tuple[int, int]] = []

    class Learner(SystemClock):
        def learn(self, said_ms: int, took_ms: int) -> None:
            learned.append((said_ms, took_ms))

    heard = AwsTime(Learner())
    for _ in range(2):
        context: dict[str, Any] = {}
        heard._sent(context=context)
        heard._answered(parsed={"ResponseMetadata": {"HTTPHeaders": {"date": date}}}, context=context)
        monkeypatch.setattr(
            "tidegate.adapters.aws.time.parsedate_to_datetime", lambda _date: pytest.fail("read twice")
        )
    assert [said_ms for said_ms, _ in learned] == [NOW_MS, NOW_MS]
    assert all(0 <= took_ms < 5_000 for _, took_ms in learned)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"date": "yesterday"},
        {"date": ""},
        {"date": "Tue, 14 Nov 2023 22:13:20 GMT, Tue, 14 Nov 2023 22:13:20 GMT"},
        {"date": "Tue, 99999999999999999999 Nov 2023 22:13:20 GMT"},
        {"date": "Tue, 14 Nov 2023 22:13:20 +99999999999999999999"},
        {"date": "Tue, 14 Nov 99999999999999999999 22:13:20 GMT"},
        {"date": "2023-11-14T22:13:20Z"},
    ],
)
def test_an_answer_without_a_date_teaches_nothing(headers: dict[str, str]) -> None:
    clock = Machine().clock()
    context: dict[str, Any] = {}
    heard = AwsTime(clock)
    heard._sent(context=context)
    heard._answered(parsed={"ResponseMetadata": {"HTTPHeaders": headers}}, context=context)
    heard._answered(parsed={}, context=context)
    assert clock.off_ms == 0


def test_clients_learn_from_a_real_answer_and_sign_with_the_time_that_is_right(
    local_clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS refuses requests signed more than five minutes off: a worker with such a clock could not even beat."""
    for signing in (botocore.auth, sys.modules.get("botocore.crt.auth")):
        if signing is not None:  # restored afterwards
            names = vars(signing)
            monkeypatch.setitem(names, "get_current_datetime", names["get_current_datetime"])
    right = SystemClock()
    wrong = SystemClock(machine=lambda: right.now_ms() + 600_000)
    clients = connect_system(
        session=session_of(local_clients),
        endpoint_url=local_clients.dynamodb.meta.endpoint_url,
        clock=wrong,
    )
    signed: list[str] = []
    clients.dynamodb.meta.events.register(
        "before-send.dynamodb", lambda request, **_: signed.append(request.headers["X-Amz-Date"].decode())
    )
    sign_by(wrong)
    clients.dynamodb.list_tables()
    assert abs(wrong.off_ms - 600_000) <= 1_500
    assert abs(wrong.now_ms() - right.now_ms()) <= 1_500
    clients.dynamodb.list_tables()
    first, second = (_signed_ms(text) for text in signed)
    assert first - right.now_ms() > 500_000, "the first request could not know"
    assert abs(second - right.now_ms()) < 60_000


@pytest.mark.parametrize("learned_before", [False, True])
@pytest.mark.parametrize("off_ms", [3_600_000, -600_000])
def test_a_request_that_was_signed_at_a_wrong_time_is_repeated_at_the_right_one(
    off_ms: int, learned_before: bool, local_clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this, a process on a machine with a wrong clock would end at its first request, and start again."""
    names = vars(botocore.auth)
    monkeypatch.setitem(names, "get_current_datetime", names["get_current_datetime"])
    right, steps = SystemClock(), [0 if learned_before else off_ms]
    wrong = SystemClock(machine=lambda: right.now_ms() + steps[-1])
    clients = connect_system(
        session=session_of(local_clients),
        endpoint_url=local_clients.dynamodb.meta.endpoint_url,
        clock=wrong,
    )
    sign_by(wrong)
    refused: list[int] = []

    def refuse_skew(request: Any, **_: Any) -> Any:
        skew_ms = _signed_ms(request.headers["X-Amz-Date"].decode()) - right.now_ms()
        if abs(skew_ms) < 300_000:
            return None
        refused.append(skew_ms)
        return _refusal(request.url, right.now_ms())

    events: Any = clients.dynamodb.meta.events
    events.register("before-send.dynamodb", refuse_skew)
    if learned_before:
        clients.dynamodb.list_tables()
        wrong.hold()
        wrong._ahead_of_steady_ms = (wrong._ahead_of_steady_ms or 0) + off_ms
        wrong._agreed_ms = wrong._ahead_of_steady_ms  # as if it had believed a lie
    clients.dynamodb.list_tables()
    assert len(refused) == 1
    assert abs(wrong.now_ms() - right.now_ms()) <= 1_500
    clients.dynamodb.list_tables()
    assert len(refused) == 1


def test_a_bad_signature_is_not_repeated_where_the_clock_is_right(local_clients: AwsClients) -> None:
    clients = connect_system(
        session=session_of(local_clients), endpoint_url=local_clients.dynamodb.meta.endpoint_url
    )
    sent: list[str] = []

    def refuse(request: Any, **_: Any) -> Any:
        sent.append(request.url)
        return _refusal(request.url, SystemClock().now_ms())

    events: Any = clients.dynamodb.meta.events
    events.register("before-send.dynamodb", refuse)
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        clients.dynamodb.list_tables()
    assert len(sent) == 1


def _refusal(url: str, now_ms: int) -> Any:
    headers: Any = {"date": format_datetime(datetime.fromtimestamp(now_ms // 1_000, UTC), usegmt=True)}
    return AWSResponse(url, 400, headers, _Body())


class _Body:
    """Answers as AWS answers a request that was signed at a wrong time."""

    def stream(self) -> Iterator[bytes]:
        yield b'{"__type": "com.amazon.coral.service#InvalidSignatureException", "message": "Signature expired"}'


def _signed_ms(text: str) -> int:
    at = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(at.timestamp() * 1_000)
