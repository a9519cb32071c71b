"""Runs a peer: its worker process and its client, both in the peers' environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dev.benchmarks.peers.contestants import Peer
from dev.benchmarks.peers.counted_stack import CountedStack, Credentials
from dev.benchmarks.peers.measure import Times

JOBS = Path(__file__).with_name("jobs")
PEERS_PYTHON = Path(__file__).resolve().parents[3] / ".venv-peers" / "bin" / "python"
REGION = "us-east-1"
_PATIENCE_SECONDS = 300.0
_STOP_SECONDS = 15.0


@dataclass(slots=True)
class DrivenPeer:
    """A peer whose worker runs.

    On the local AWS the emulator sees the results arrive, elsewhere the client looks for them.
    """

    name: str
    to_driver: IO[str]
    from_driver: IO[str]
    stack: CountedStack | None = None
    table: str = ""

    def burst(self, count: int) -> Times:
        """Runs jobs with one call each: no peer enqueues many jobs at once."""
        return self._run("burst", count)

    def single_calls(self, count: int) -> Times:
        """Runs jobs with one call each."""
        return self._run("burst", count)

    def chain(self, count: int) -> Times:
        """Runs a chain, by the peer's nearest feature."""
        return self._run("chain", count)

    def join(self, count: int) -> Times:
        """Runs a join, by the peer's nearest feature."""
        return self._run("join", count)

    def _run(self, workload: str, count: int) -> Times:
        before = self.stack.marks(self.table, ["created"]) if self.stack else 0
        self.to_driver.write(json.dumps({"workload": workload, "count": count}) + "\n")
        self.to_driver.flush()
        answer = self._answer()
        ended = float(answer["ended"])
        if self.stack is not None:
            # Without a key the count decides: a burst stores one result for each job and nothing else.
            last = str(answer["last"])
            event, wanted = (last, 1) if last else ("created", before + count)
            ended = self.stack.wait_for(self.table, [event], wanted, seconds=_PATIENCE_SECONDS)
        return Times(float(answer["began"]), float(answer["enqueued"]), ended)

    def _answer(self) -> dict[str, Any]:
        line = self.from_driver.readline()
        if not line:
            raise RuntimeError(f"{self.name}: the client has ended; its errors are above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def peer_on_redis(peer: Peer, slots: int, url: str, log: Path) -> Iterator[DrivenPeer]:
    """Runs a peer on Redis while the block runs."""
    variables = {"BENCH_BROKER": url, "BENCH_BACKEND": url, "BENCH_QUEUE": "bench"}
    with _driven(peer, slots, url, variables, log) as (to_driver, from_driver):
        yield DrivenPeer(peer.name, to_driver, from_driver)


@contextmanager
def peer_on_aws(
    peer: Peer, slots: int, stack: CountedStack, credentials: Credentials, log: Path
) -> Iterator[DrivenPeer]:
    """Runs Celery on the stack's SQS and DynamoDB while the block runs, on a queue and a table of its own."""
    name = log.stem
    queues = stack.client("sqs")
    attributes = {"VisibilityTimeout": "3600", "ReceiveMessageWaitTimeSeconds": "20"}
    queue_url = queues.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    tables = stack.client("dynamodb")
    tables.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    variables = {
        "AWS_ENDPOINT_URL": stack.info.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": credentials.key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret,
        "BENCH_BROKER": "sqs://",
        "BENCH_BACKEND": f"dynamodb://@{REGION}/{name}",
        "BENCH_QUEUE": name,
        "BENCH_QUEUE_URL": queue_url,
    }
    try:
        with _driven(peer, slots, "", variables, log) as (to_driver, from_driver):
            yield DrivenPeer(peer.name, to_driver, from_driver, stack, name)
    finally:
        queues.delete_queue(QueueUrl=queue_url)
        tables.delete_table(TableName=name)


@contextmanager
def _driven(
    peer: Peer, slots: int, url: str, variables: Mapping[str, str], log: Path
) -> Iterator[tuple[IO[str], IO[str]]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**own, **variables, "BENCH_SLOTS": str(slots), "PYTHONPATH": str(JOBS)}
    with (
        _worker(peer.worker(slots, url), environment, log),
        _driver(peer, environment, log.parent) as driver,
    ):
        assert driver.stdin is not None  # the driver was started with a pipe  # nosec B101
        assert driver.stdout is not None  # the driver was started with a pipe  # nosec B101
        if driver.stdout.readline() != "ready\n":
            raise RuntimeError(f"{peer.name}: the client does not start; its errors are above")
        yield driver.stdin, driver.stdout


@contextmanager
def _worker(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as sink:
        # The worker gets a process group of its own, so that it ends with all its children.
        worker = subprocess.Popen(
            [str(PEERS_PYTHON), *command],
            cwd=log.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        _end_group(worker)


@contextmanager
def _driver(peer: Peer, environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    driver = subprocess.Popen(
        [str(PEERS_PYTHON), str(JOBS / "driver.py"), peer.module],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield driver
    finally:
        driver.terminate()
        driver.wait(_STOP_SECONDS)


def _end_group(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait(_STOP_SECONDS)
    try:
        os.killpg(worker.pid, signal.SIGKILL)  # ends children that it left behind
    except ProcessLookupError:
        return
