"""Settings read from an environment."""

from __future__ import annotations

import json

import pytest

from tests.harness.template import Transformed
from tidegate.settings import Settings, read_settings

ENVIRONMENT = {
    "TIDEGATE_POOLS": json.dumps(
        {"hosts": {"queue_url": "u", "kind": "process", "max_timeout_seconds": 60, "capabilities": ["gpu"]}}
    ),
    "TIDEGATE_DEFAULT_POOL": "hosts",
    "TIDEGATE_SHARDS": "4",
    "TIDEGATE_WINDOW": "2",
    "TIDEGATE_AGING_POINTS_PER_MINUTE": "1",
    "TIDEGATE_RETRY_PENALTY_POINTS": "10",
    "TIDEGATE_LEASE_SECONDS": "60",
    "TIDEGATE_HEARTBEAT_SECONDS": "15",
    "TIDEGATE_CANCEL_GRACE_SECONDS": "30",
    "TIDEGATE_CRITICAL_PATH_WEIGHT": "0",
    "TIDEGATE_RETENTION_DAYS": "30",
}


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, 60),
        ({"TIDEGATE_LEASE_SECONDS": "120"}, 120),
        ({"TIDEGATE_LEASE_SECONDS": "10", "TIDEGATE_HEARTBEAT_SECONDS": "15"}, 10),
        ({"TIDEGATE_LEASE_SECONDS": "120", "TIDEGATE_WORKER_SILENCE_SECONDS": "30"}, 30),
    ],
)
def test_a_worker_is_given_up_no_sooner_than_its_jobs_unless_said_otherwise(
    changes: dict[str, str], seconds: int
) -> None:
    settings = read_settings({**ENVIRONMENT, **changes})
    assert settings.worker_silence_seconds == seconds
    assert settings.worker_silent_since_ms(1_000_000) == 1_000_000 - seconds * 1_000


@pytest.mark.parametrize(
    ("lease", "heartbeat", "used"), [("60", "15", 15), ("60", "21", 20), ("10", "15", 3)]
)
def test_a_lease_outlives_two_lost_heartbeats_whatever_is_set(lease: str, heartbeat: str, used: int) -> None:
    changes = {"TIDEGATE_LEASE_SECONDS": lease, "TIDEGATE_HEARTBEAT_SECONDS": heartbeat}
    assert read_settings({**ENVIRONMENT, **changes}).heartbeat_seconds == used


@pytest.mark.parametrize(("lease", "turn"), [("0", 0), ("10", 10), ("3600", 60)])
def test_a_pool_never_waits_longer_than_a_minute_for_a_dispatcher_that_was_killed(
    lease: str, turn: int
) -> None:
    settings = read_settings({**ENVIRONMENT, "TIDEGATE_DISPATCH_LEASE_SECONDS": lease})
    assert settings.dispatch_lease_seconds == turn


def test_the_defaults_are_those_of_the_template() -> None:
    given = read_settings(ENVIRONMENT)
    assert given == Settings(pools=given.pools, default_pool="hosts", shards=4)


def test_the_head_start_is_given_in_minutes_and_the_first_pool_is_the_default() -> None:
    pools = json.dumps(
        {name: {"queue_url": "u", "kind": "process", "max_timeout_seconds": 60} for name in ("big", "a")}
    )
    given = {**ENVIRONMENT, "TIDEGATE_HEAD_START_MINUTES": "30", "TIDEGATE_POOLS": pools}
    del given["TIDEGATE_DEFAULT_POOL"]
    settings = read_settings(given)
    assert settings.rank_policy.head_start_ms == 1_800_000
    assert settings.default_pool == "big"


@pytest.mark.parametrize(("publishes", "bus"), [("true", "shop-events"), ("false", "")])
def test_the_event_bus_is_named_as_the_template_names_it(publishes: str, bus: str) -> None:
    environment = {**ENVIRONMENT, "TIDEGATE_STACK": "shop", "TIDEGATE_PUBLISH_EVENTS": publishes}
    assert read_settings(environment).event_bus == bus
    template = Transformed(PublishEvents=publishes)
    variables = template.properties("RecorderFunction")["Environment"]["Variables"]
    assert read_settings({**environment, **variables}).event_bus == (
        template.properties("EventBus")["Name"] if bus else ""
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TIDEGATE_SHARDS": "4.5"}, "TIDEGATE_SHARDS is 4.5; deploy with a whole number"),
        ({"TIDEGATE_HEAD_START_MINUTES": "0.5"}, "TIDEGATE_HEAD_START_MINUTES is 0.5"),
        ({"TIDEGATE_POOLS": "{}"}, "TIDEGATE_POOLS names no pool"),
    ],
)
def test_a_setting_that_can_not_be_read_is_named(changes: dict[str, str], message: str) -> None:
    assert read_settings({**ENVIRONMENT, "TIDEGATE_RETENTION_DAYS": "7.0"}).retention_days == 7
    with pytest.raises(ValueError, match=message):
        read_settings({**ENVIRONMENT, **changes})
