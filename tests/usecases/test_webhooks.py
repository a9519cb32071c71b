"""The delivery of events to webhooks: fan-out, retries through a day, and the end of a webhook that always fails."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest

from dev.simulator.memory.seeded import function_pool, make_services, make_settings
from dev.simulator.memory.webhooks import MemoryDeliveryQueue
from dev.simulator.memory.world import MemoryWorld
from tests.harness.domain.webhook_samples import OTHER_ID, WEBHOOK_ID, on_the_bus, webhook
from tests.harness.outside.staged import FINE, StagedCaller
from tidegate.domain.addresses import Reach
from tidegate.domain.audit import Outcome as ActOutcome
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.events import EventType
from tidegate.domain.outside_calls import Answer, CallFailed, Fault
from tidegate.domain.webhooks import ATTEMPTS, NOTED_SUCCESS_MS, Filter, Outcome
from tidegate.ports import WebhookMessage
from tidegate.usecases.services import Services
from tidegate.usecases.webhooks.attempt import Tools
from tidegate.usecases.webhooks.deliver import Done, Received, take

DOWN = CallFailed(Fault.TIMED_OUT, "no answer")
DAY_MS = 86_400_000
BROKEN = Answer(500)


@dataclass(slots=True)
class Clock:
    """A clock that tests set, and a stopwatch with it."""

    at_ms: int = 0

    def now_ms(self) -> int:
        return self.at_ms


@dataclass(slots=True)
class Sender:
    """The sender of webhooks in memory."""

    services: Services
    world: MemoryWorld
    caller: StagedCaller
    clock: Clock
    queue: MemoryDeliveryQueue
    receipts: int = field(default=0)
    rests: dict[str, int] = field(default_factory=dict)

    def take(self, message: WebhookMessage, number: int = 1, sent_at_ms: int | None = None) -> Done:
        """Hands a message over for the `number`th time."""
        self.receipts += 1
        sent = self.clock.at_ms if sent_at_ms is None else sent_at_ms
        tools = Tools(self.caller, self.clock, self.clock, self.rests)
        return take(self.services, self.queue, tools, Received(message, f"r{self.receipts}", number, sent))

    def outcomes(self, webhook_id: str = WEBHOOK_ID) -> list[Outcome]:
        """Returns the logged outcomes, the first attempt first."""
        found = self.services.webhooks.attempts(webhook_id, limit=100)
        return [each.outcome for each in reversed(found)]

    def standing(self, webhook_id: str = WEBHOOK_ID) -> object:
        """Returns why the webhook is disabled, None while it is enabled."""
        found = self.services.webhooks.get(webhook_id)
        assert found is not None
        return found.disabled_reason


@pytest.fixture
def sender() -> Sender:
    settings = replace(make_settings(function_pool("lambda", 1)), webhook_reach=Reach.PUBLIC)
    services, world = make_services(settings, seed=1)
    services.webhooks.insert(webhook())
    clock = Clock(webhook().changed_at_ms + DAY_MS)
    return Sender(services, world, StagedCaller(), clock, MemoryDeliveryQueue(world))


def event(name: str = "job-ended") -> WebhookMessage:
    """Returns an event as the bus handed it over."""
    seen = on_the_bus(name)
    return WebhookMessage("", seen["detail-type"], seen["detail"])


def delivery(webhook_id: str = WEBHOOK_ID) -> WebhookMessage:
    return replace(event(), webhook_id=webhook_id)


def test_an_event_becomes_a_delivery_for_each_enabled_webhook_that_wants_it(sender: Sender) -> None:
    store = sender.services.webhooks
    store.insert(webhook(OTHER_ID))
    store.insert(webhook("01A", disabled_reason="x"))
    store.insert(webhook("01B", filter=Filter(events=frozenset({EventType.WORKER_LOST}))))
    assert sender.take(event()) is Done.FANNED_OUT
    assert sender.queue.sent == [delivery(), delivery(OTHER_ID)]
    assert sender.caller.calls == []


def test_an_event_that_nobody_wants_costs_one_read(sender: Sender) -> None:
    sender.services.webhooks.remove(WEBHOOK_ID)
    before = sender.world.requests.total()
    assert sender.take(event()) is Done.FANNED_OUT
    assert sender.world.requests.total() - before == 1
    assert sender.queue.sent == []


def test_a_delivery_is_signed_sent_logged_and_forgotten(sender: Sender) -> None:
    assert sender.take(delivery()) is Done.DELIVERED
    ((url, headers, body),) = sender.caller.calls
    assert url == webhook().url
    assert headers["webhook-id"] == on_the_bus()["detail"]["id"]
    assert headers["webhook-signature"].startswith("v1,")
    assert json.loads(body)["type"] == "job.ended"
    assert sender.outcomes() == [Outcome.DELIVERED]
    assert sender.queue.postponed == []


def test_every_attempt_sends_the_same_id_and_bytes(sender: Sender) -> None:
    sender.caller.says = [BROKEN, DOWN, FINE]
    for number in (1, 2, 3):
        sender.take(delivery(), number)
        sender.clock.at_ms += 60_000
    assert len({(headers["webhook-id"], body) for _, headers, body in sender.caller.calls}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in sender.caller.calls}) == 3
    assert sender.outcomes() == [Outcome.RETRIED, Outcome.RETRIED, Outcome.DELIVERED]


@pytest.mark.parametrize("said", [DOWN, BROKEN, Answer(302), Answer(404)])
def test_a_delivery_that_failed_is_postponed(sender: Sender, said: Answer | CallFailed) -> None:
    sender.caller.says = [said]
    assert sender.take(delivery(), 4) is Done.POSTPONED
    ((_, seconds),) = sender.queue.postponed
    assert 900 <= seconds <= 990
    (logged,) = sender.services.webhooks.attempts(WEBHOOK_ID, limit=10)
    assert (logged.number, logged.outcome) == (4, Outcome.RETRIED)
    assert (logged.status, logged.fault) == (
        (None, "timed-out") if said is DOWN else (getattr(said, "status", None), None)
    )


def _day_of_failures(sender: Sender) -> None:
    sent_at_ms = sender.clock.at_ms
    for number in range(1, ATTEMPTS + 1):
        sender.clock.at_ms += 1
        done = sender.take(delivery(), number, sent_at_ms)
        assert done is (Done.GIVEN_UP if number == ATTEMPTS else Done.POSTPONED)
        sender.clock.at_ms += sender.queue.postponed[-1][1] * 1_000


def test_a_receiver_that_does_not_answer_takes_no_time_from_others_while_it_rests(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.services.webhooks.insert(webhook(OTHER_ID, url="https://well.example.com/"))
    called: list[str] = []

    def post(url: str) -> Answer:
        called.append(url)
        if url == webhook().url:
            sender.clock.at_ms += 15_000
            raise DOWN
        return FINE

    monkeypatch.setattr(StagedCaller, "post", lambda _self, url, *_: post(url))
    began_ms = sender.clock.at_ms
    for _ in range(10):  # as a backlog comes
        assert sender.take(delivery()) is Done.POSTPONED
        assert sender.take(delivery(OTHER_ID)) is Done.DELIVERED
    assert sender.clock.at_ms - began_ms == 15_000, "one call that was not answered, not ten"
    assert called.count(webhook().url) == 1
    sender.clock.at_ms += 60_000
    sender.take(delivery(), 2)
    assert called.count(webhook().url) == 2, "it is tried again after its rest"
    sender.take(delivery(), ATTEMPTS)
    assert called.count(webhook().url) == 3, "the last attempt is always made"


def test_a_success_ends_the_rest_of_a_webhook(sender: Sender) -> None:
    sender.rests[WEBHOOK_ID] = sender.clock.at_ms + 60_000
    assert sender.take(delivery(), ATTEMPTS) is Done.DELIVERED
    assert sender.take(delivery()) is Done.DELIVERED


def test_after_a_day_of_failures_the_webhook_is_disabled_and_that_is_recorded(sender: Sender) -> None:
    sender.caller.says = [BROKEN]
    began_ms = sender.clock.at_ms
    _day_of_failures(sender)
    assert 0.9 * DAY_MS < sender.clock.at_ms - began_ms < 1.1 * DAY_MS
    assert sender.standing() == "no delivery succeeded for a day; the last attempt ended with status 500"
    assert sender.outcomes() == [Outcome.RETRIED] * (ATTEMPTS - 1) + [Outcome.GIVEN_UP]
    (act,) = sender.world.acts.values()
    assert (act.act, act.subject, act.outcome) == (
        "webhook.disable",
        f"webhook#{WEBHOOK_ID}",
        ActOutcome.DONE,
    )
    assert act.after["enabled"] is False
    assert act.caller.display == "the sender of webhooks"


def test_a_webhook_that_takes_other_events_stays_enabled(sender: Sender) -> None:
    sender.caller.says = [BROKEN]
    sent_at_ms = sender.clock.at_ms
    sender.clock.at_ms += DAY_MS // 2
    sender.services.webhooks.note_success(WEBHOOK_ID, sender.clock.at_ms)
    assert sender.take(delivery(), ATTEMPTS, sent_at_ms) is Done.GIVEN_UP
    assert sender.standing() is None
    assert sender.world.acts == {}


def test_a_webhook_that_an_operator_changed_meanwhile_stays_enabled(sender: Sender) -> None:
    sender.caller.says = [BROKEN]
    sent_at_ms = sender.clock.at_ms
    sender.services.webhooks.save_if_unchanged(
        webhook(url="https://new.example.com/", changed_at_ms=sent_at_ms + 5)
    )
    sender.take(delivery(), ATTEMPTS, sent_at_ms)
    assert sender.standing() is None


def test_deliveries_of_a_disabled_webhook_wait_and_go_out_if_it_is_enabled_in_time(sender: Sender) -> None:
    store = sender.services.webhooks
    store.save_if_unchanged(webhook(disabled_reason="an operator disabled it"))
    assert sender.take(delivery(), 3) is Done.POSTPONED
    assert sender.caller.calls == []
    store.save_if_unchanged(webhook(version=2))
    assert sender.take(delivery(), 4) is Done.DELIVERED


def test_deliveries_of_a_disabled_webhook_end_in_the_dead_letters(sender: Sender) -> None:
    sender.services.webhooks.save_if_unchanged(webhook(disabled_reason="x"))
    done = sender.take(delivery(), ATTEMPTS)
    assert (done, done.is_finished) == (Done.GIVEN_UP, False)
    assert sender.queue.postponed == [("r1", 0)]


def test_a_delivery_of_a_removed_webhook_is_dropped(sender: Sender) -> None:
    sender.services.webhooks.remove(WEBHOOK_ID)
    done = sender.take(delivery())
    assert (done, done.is_finished) == (Done.DROPPED, True)
    assert sender.caller.calls == []


def test_a_receiver_that_is_gone_is_told_no_more(sender: Sender) -> None:
    sender.caller.says = [Answer(410)]
    assert sender.take(delivery()) is Done.DROPPED
    assert sender.standing() == "its receiver answered 410 Gone"
    assert sender.outcomes() == [Outcome.GIVEN_UP]


def test_a_delivery_is_kept_if_the_address_changed_while_the_old_one_said_that_it_is_gone(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(url: str, headers: object, body: bytes) -> Answer:
        del headers, body
        if url != webhook().url:
            return FINE
        moved = webhook(url="https://new.example.com/", changed_at_ms=sender.clock.at_ms + 1)
        assert sender.services.webhooks.save_if_unchanged(moved)
        return Answer(410)

    monkeypatch.setattr(StagedCaller, "post", lambda _self, *given: post(*given))
    assert sender.take(delivery()) is Done.POSTPONED
    assert sender.standing() is None
    sender.clock.at_ms += 10_000
    assert sender.take(delivery(), 2) is Done.DELIVERED


def test_a_success_is_noted_at_most_once_in_ten_minutes(sender: Sender) -> None:
    began_ms = sender.clock.at_ms
    for _ in range(3):
        sender.take(delivery())
        sender.clock.at_ms += NOTED_SUCCESS_MS // 2
    assert sender.world.requests["note_webhook"] == 2
    found = sender.services.webhooks.get(WEBHOOK_ID)
    assert found is not None
    assert found.last_success_at_ms == began_ms + NOTED_SUCCESS_MS


def test_an_event_that_tidegate_did_not_put_is_refused_before_any_read(sender: Sender) -> None:
    before = sender.world.requests.total()
    with pytest.raises(ValueError, match=r"job\.began"):
        sender.take(replace(event(), detail_type="job.began"))
    assert sender.world.requests.total() == before


# --- a failure at every call ------------------------------------------------------------------------------
def _failing_at(sender: Sender, place: int) -> list[str]:
    """Lets the request of this place, counted from 0, fail; returns the list of all requests to come."""
    seen: list[str] = []

    def on_request(name: str) -> None:
        seen.append(name)
        if len(seen) == place + 1:
            raise ServiceUnavailable(name)

    sender.world.on_request = on_request
    return seen


@pytest.mark.parametrize("number", [1, ATTEMPTS])
@pytest.mark.parametrize("said", [FINE, BROKEN, Answer(410)])
@pytest.mark.parametrize("place", range(8))
def test_whatever_fails_a_delivery_is_kept_until_it_was_sent(
    sender: Sender, said: Answer, number: int, place: int
) -> None:
    sender.caller.says = [said]
    _failing_at(sender, place)
    try:
        done = sender.take(delivery(), number)
    except ServiceUnavailable:
        done = Done.POSTPONED
    if done.is_finished:
        assert sender.caller.calls
        assert said in (FINE, Answer(410))
    if said is FINE and sender.caller.calls:
        assert done is Done.DELIVERED, (
            "a delivery that succeeded must not be repeated for what is noted of it"
        )


@pytest.mark.parametrize("place", range(3))
def test_whatever_fails_an_event_is_kept_until_its_deliveries_are_queued(sender: Sender, place: int) -> None:
    _failing_at(sender, place)
    try:
        done = sender.take(event())
    except ServiceUnavailable:
        assert sender.queue.sent == []
        assert sender.queue.postponed or place == 1
        return
    assert done is Done.FANNED_OUT
    assert sender.queue.sent == [delivery()]


def test_a_failure_of_the_stores_postpones_the_message(sender: Sender) -> None:
    _failing_at(sender, 0)
    with pytest.raises(ServiceUnavailable):
        sender.take(delivery(), 2)
    ((_, seconds),) = sender.queue.postponed
    assert 60 <= seconds <= 66
