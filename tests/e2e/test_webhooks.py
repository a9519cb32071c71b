"""An event of a job goes over the bus, the rule, the queue and the sender to a receiver, which checks who calls."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.looks import becomes
from tests.harness.outside.receiver import LOOPBACK, Receiver, answer, receiving
from tidegate_devstack import down, up

JOB = {"type": "tidegate.noop", "tags": {"team": "data"}}


@dataclass(frozen=True)
class Delivery:
    """A request that the receiver read."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """Returns what the body tells."""
        told: dict[str, Any] = json.loads(self.body)
        return told

    def is_signed_by(self, secret: str) -> bool:
        """Checks the signature as a receiver does; source: Standard Webhooks 1.0.0, "Signature scheme"."""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        return f"v1,{base64.b64encode(digest).decode()}" in self.headers["webhook-signature"].split()


@dataclass(frozen=True)
class Outside:
    """A receiver on loopback. `fails` holds the paths whose next request is answered with 503."""

    receiver: Receiver
    fails: set[str]

    def url(self, path: str) -> str:
        return f"https://{LOOPBACK}:{self.receiver.port}{path}"

    def got(self, path: str) -> list[Delivery]:
        """Returns the requests of a path, in the order in which they came."""
        return [each for each in map(_delivery, list(self.receiver.requests)) if each.path == path]

    def waits_for(self, path: str, number: int) -> list[Delivery]:
        """Returns the requests of a path, once so many came."""
        becomes(lambda: len(self.got(path)), number)
        return self.got(path)


def _delivery(request: bytes) -> Delivery:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Delivery(first.split()[1], headers, body)


@pytest.fixture(scope="module")
def home(stack_home: Path) -> Path:
    return stack_home.with_name(f"{stack_home.name}-webhooks")


@pytest.fixture(scope="module")
def outside(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Starts a receiver, then a stack whose functions trust the receiver's authority beside those of this machine."""
    folder = tmp_path_factory.mktemp("receiver")
    fails: set[str] = set()

    def act(stream: ssl.SSLSocket) -> None:
        path = _delivery(found.receiver.requests[-1]).path
        status = "503 Service Unavailable" if path in fails else "200 OK"
        fails.discard(path)
        answer(status, b"thanks")(stream)

    with receiving(folder, act) as receiver, pytest.MonkeyPatch.context() as variables:
        found = Outside(receiver, fails)
        trusted = folder / "trusted.pem"
        of_machine = ssl.get_default_verify_paths().cafile
        own = Path(of_machine).read_text(encoding="utf-8") if of_machine else ""
        trusted.write_text(f"{own}\n{receiver.authority}", encoding="utf-8")
        variables.setenv("SSL_CERT_FILE", str(trusted))
        down(lambda _: None, home=home, wipe=True)
        try:
            up(lambda _: None, home=home, parameters={"PublishEvents": "true", "Webhooks": "true"})
            yield found
        finally:
            down(lambda _: None, home=home, wipe=True)


def _create(home: Path, outside: Outside, path: str, *options: str) -> tuple[str, str]:
    """Returns a new webhook's id and its secret."""
    made = tidegate_json(home, "webhooks", "create", outside.url(path), *options)
    return str(made["webhook"]["id"]), str(made["secret"])


def _submit(home: Path) -> str:
    return str(tidegate_json(home, "submit", "-", stdin=json.dumps(JOB))["job_id"])


def _attempts(home: Path, webhook_id: str) -> list[tuple[str, int, int]]:
    """Returns outcome, number and status of each attempt in the log, first to last."""
    listed = tidegate_json(home, "webhooks", "deliveries", webhook_id)["deliveries"]
    return [(each["outcome"], each["attempt"], each["status"]) for each in reversed(listed)]


def test_a_receiver_is_told_of_the_end_of_a_job_under_a_signature(home: Path, outside: Outside) -> None:
    webhook_id, secret = _create(home, outside, "/data", "--event", "job.ended", "--tag", "team=data")
    other, _ = _create(home, outside, "/other", "--event", "job.ended", "--tag", "team=other")
    job_id = _submit(home)
    (delivery,) = outside.waits_for("/data", 1)
    assert delivery.is_signed_by(secret)
    assert not delivery.is_signed_by("whsec_" + base64.b64encode(bytes(32)).decode())
    told = delivery.told
    assert (told["type"], told["data"]["job"]["id"], told["data"]["job"]["state"]) == (
        "job.ended",
        job_id,
        "SUCCEEDED",
    )
    becomes(lambda: _attempts(home, webhook_id), [("delivered", 1, 200)])
    assert _attempts(home, other) == []
    assert outside.got("/other") == []


def test_a_delivery_that_fails_comes_again_under_the_same_id(home: Path, outside: Outside) -> None:
    outside.fails.add("/again")
    webhook_id, secret = _create(home, outside, "/again", "--event", "job.ended")
    _submit(home)
    first, second = outside.waits_for("/again", 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert second.is_signed_by(secret)
    becomes(lambda: _attempts(home, webhook_id), [("retried", 1, 503), ("delivered", 2, 200)])


def test_a_test_delivery_is_signed_by_both_secrets_while_they_rotate(home: Path, outside: Outside) -> None:
    webhook_id, old = _create(home, outside, "/test", "--event", "worker.lost")
    new = str(tidegate_json(home, "webhooks", "rotate", webhook_id)["secret"])
    tested = tidegate_json(home, "webhooks", "test", webhook_id)
    assert (tested["succeeded"], tested["delivery"]["status"], tested["answer"]) == (True, 200, "thanks")
    (delivery,) = outside.got("/test")
    assert delivery.told["type"] == "webhook.test"
    assert new != old
    assert delivery.is_signed_by(old)
    assert delivery.is_signed_by(new)
    assert secret_free(tidegate(home, "webhooks", "get", webhook_id).stdout, old, new)


def secret_free(text: str, *secrets: str) -> bool:
    """Tells whether a text shows none of the secrets."""
    return bool(text) and not any(secret in text for secret in secrets)
