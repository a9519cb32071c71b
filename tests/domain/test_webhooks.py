"""Webhooks: filters, signatures, secrets that rotate, and the schedule of attempts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness.domain.webhook_samples import AT_MS, SECRET, WEBHOOK_ID, on_the_bus, webhook
from tidegate.domain.events import EventType
from tidegate.domain.webhooks import (
    ATTEMPTS,
    DELAYS_SECONDS,
    Filter,
    Secret,
    SeenEvent,
    body_of,
    delay_seconds,
    headers_of,
    new_secret,
    read_event,
    signature,
)

DAY_SECONDS = 86_400
SAMPLES = ("job-ended", "workflow-ended", "deadline-at-risk", "worker-lost")


def seen(name: str) -> SeenEvent:
    event = on_the_bus(name)
    return read_event(event["detail-type"], event["detail"])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_webhook_without_filters_wants_every_event(name: str) -> None:
    assert Filter().fits(seen(name))


def test_a_webhook_wants_the_types_of_events_that_it_names() -> None:
    wanted = Filter(events=frozenset({EventType.JOB_ENDED, EventType.WORKER_LOST}))
    assert [wanted.fits(seen(name)) for name in SAMPLES] == [True, False, False, True]


@pytest.mark.parametrize("field", ["types", "pools", "states"])
def test_each_filter_holds_for_its_own_value_alone(field: str) -> None:
    job = seen("job-ended")
    value = job.subject[{"types": "type", "pools": "pool", "states": "state"}[field]]
    both: Any = {field: frozenset({value, "another"})}
    other: Any = {field: frozenset({"another"})}
    assert Filter(**both).fits(job)
    assert not Filter(**other).fits(job)


def test_an_event_without_the_field_of_a_filter_does_not_fit() -> None:
    for name in ("workflow-ended", "deadline-at-risk", "worker-lost"):
        assert not Filter(types=frozenset({"text.count"})).fits(seen(name))
    assert not Filter(pools=frozenset({"lambda"})).fits(seen("workflow-ended"))


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (Filter(events=frozenset({EventType.WORKER_LOST}), types=frozenset({"text.count"})), "types"),
        (Filter(events=frozenset({EventType.WORKFLOW_ENDED}), pools=frozenset({"ecs"})), "pools"),
        (Filter(events=frozenset({EventType.JOB_ENDED}), states=frozenset({"RUNNING"})), "states"),
        (Filter(events=frozenset({EventType.WORKFLOW_ENDED}), states=frozenset({"TIMED_OUT"})), "states"),
        (Filter(states=frozenset({"ACTIVE"})), "states"),
        (Filter(types=frozenset({"text.count"}), states=frozenset({"LOST"})), "states"),
        (Filter(pools=frozenset({"ecs"}), states=frozenset({"HELD"})), "states"),
    ],
)
def test_filters_that_no_event_can_pass_are_told_by_name(wanted: Filter, name: str) -> None:
    assert wanted.fits_none() == name


@pytest.mark.parametrize("sample", SAMPLES)
def test_filters_that_an_event_passes_are_never_taken_for_empty(sample: str) -> None:
    event = seen(sample)
    values = {"types": "type", "pools": "pool", "states": "state"}
    own: Any = {
        name: frozenset({event.subject[field]})
        for name, field in values.items()
        if event.subject.get(field) is not None
    }
    wanted = Filter(events=frozenset({event.type}), **own)
    assert wanted.fits(event)
    assert wanted.fits_none() is None


def test_every_tag_must_hold() -> None:
    job = seen("job-ended")
    tags = dict(job.subject["tags"])
    assert tags
    assert Filter(tags=tags).fits(job)
    assert not Filter(tags={**tags, "other": "x"}).fits(job)
    assert not Filter(tags={**tags, next(iter(tags)): "x"}).fits(job)
    assert not Filter(tags=tags).fits(SeenEvent("1", EventType.JOB_ENDED, "", {"job": {"tags": "text"}}))


def test_filters_combine() -> None:
    job = seen("job-ended")
    pool = frozenset({job.subject["pool"]})
    assert Filter(pools=pool, states=frozenset({job.subject["state"]})).fits(job)
    assert not Filter(pools=pool, states=frozenset({"SKIPPED"})).fits(job)


def test_a_signature_is_that_of_the_specifications_example() -> None:
    secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_verify_the_headers_with_the_standard_library() -> None:
    body = body_of(seen("job-ended"))
    headers = headers_of(webhook(), "evt_1", body, AT_MS)
    key = base64.b64decode(SECRET.text.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"].split() == [f"v1,{expected}"]
    assert headers["webhook-timestamp"] == str(AT_MS // 1_000)


def test_the_body_names_type_and_time_and_holds_the_facts_without_the_id() -> None:
    event = on_the_bus("deadline-at-risk")
    told = json.loads(body_of(seen("deadline-at-risk")))
    facts = {name: event["detail"][name] for name in ("workflow", "deadline")}
    assert told == {"type": "deadline.at-risk", "timestamp": event["detail"]["at"], "data": facts}


def test_both_secrets_sign_for_a_day_after_a_rotation_and_no_third() -> None:
    first = webhook()
    second = first.rotated(Secret("whsec_Yg=="), AT_MS)
    third = second.rotated(Secret("whsec_Yw=="), AT_MS + 1)
    assert [each.text for each in second.signing(AT_MS)] == ["whsec_Yg==", SECRET.text]
    assert len(headers_of(second, "1", b"", AT_MS)["webhook-signature"].split()) == 2
    assert len(headers_of(second, "1", b"", AT_MS + DAY_SECONDS * 1_000)["webhook-signature"].split()) == 1
    assert [each.text for each in third.secrets] == ["whsec_Yw==", "whsec_Yg=="]
    assert third.secrets[0].until_ms is None


def test_a_secret_has_the_form_of_the_standard_and_is_never_printed() -> None:
    secret = new_secret(bytes(range(32)))
    assert base64.b64decode(secret.text.removeprefix("whsec_")) == bytes(range(32))
    assert "whsec_" not in repr(webhook(secrets=(secret,)))
    with pytest.raises(ValueError, match="32 bytes"):
        new_secret(b"short")


def _checked_as_the_guide_says() -> Any:
    guide = Path(__file__).resolve().parents[2] / "docs/guides/webhooks.md"
    code = guide.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  # the guide's own code
    return names["is_genuine"]


def test_the_check_of_the_guide_takes_what_is_sent_and_nothing_else() -> None:
    is_genuine = _checked_as_the_guide_says()
    now_ms = int(time.time() * 1_000)
    sent = headers_of(webhook(), "evt_1", b"{}", now_ms)
    assert is_genuine(SECRET.text, sent, b"{}")
    assert not is_genuine(SECRET.text, sent, b"{ }")
    assert not is_genuine(SECRET.text, headers_of(webhook(), "evt_1", b"{}", now_ms - 400_000), b"{}")
    for forged in (
        {**sent, "webhook-signature": "v1,\xe9"},
        {**sent, "webhook-signature": ""},
        {**sent, "webhook-timestamp": "soon"},
        {},
    ):
        assert not is_genuine(SECRET.text, forged, b"{}")


def test_attempts_are_spread_over_about_a_day() -> None:
    assert 0.95 * DAY_SECONDS <= sum(DELAYS_SECONDS) <= DAY_SECONDS
    assert sum(delay_seconds(n, 1.0) or 0 for n in range(1, ATTEMPTS)) <= 1.1 * DAY_SECONDS
    assert list(DELAYS_SECONDS) == sorted(DELAYS_SECONDS)
    assert max(delay_seconds(n, 1.0) or 0 for n in range(1, ATTEMPTS)) <= 43_200, (
        "SQS hides no message longer"
    )


def test_no_attempt_follows_the_last() -> None:
    assert delay_seconds(1, 0.0) == 10
    assert delay_seconds(ATTEMPTS - 1, 0.0) == 14_400
    assert delay_seconds(ATTEMPTS, 0.0) is None
    assert delay_seconds(ATTEMPTS + 5, 0.0) is None


@pytest.mark.parametrize(
    ("detail_type", "detail"),
    [
        ("job.ended", None),
        ("job.ended", {}),
        ("job.ended", {"id": 1, "at": "2026-12-01T08:00:00.000Z"}),
        ("job.ended", {"id": "evt\n1", "at": "2026-12-01T08:00:00.000Z"}),
        ("job.began", {"id": "evt_1", "at": "2026-12-01T08:00:00.000Z"}),
        (None, {"id": "evt_1", "at": "2026-12-01T08:00:00.000Z"}),
    ],
)
def test_an_event_that_tidegate_did_not_put_is_refused(detail_type: object, detail: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_event(detail_type, detail)


def test_an_event_without_a_subject_fits_no_filter_but_its_type() -> None:
    event = read_event("job.ended", {"id": "evt_1", "at": "x"})
    assert Filter().fits(event)
    assert not Filter(pools=frozenset({"lambda"})).fits(event)
    assert webhook().webhook_id == WEBHOOK_ID
