"""A fresh local stack that counts the requests it receives, and the questions that the benchmark asks it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from botocore.config import Config

from dev.benchmarks.own_stack import say
from dev.benchmarks.peers.usage import Usage
from tidegate_cli.target import local_target
from tidegate_devstack import Places, StackInfo, down, emulator, up
from tidegate_devstack.model import ACCESS_KEY_ID

PROGRAM = Path(__file__).with_name("counted_emulator.py")
WORKER_PROCESS = "worker process"
_SLACK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key of the local AWS."""

    key: str
    secret: str


# The settings suit jobs of milliseconds (docs/decisions/0011-worker-pipeline.md). The peers get their tuned settings
# too, and Celery dispatches all waiting jobs at once.
PARAMETERS = {"Window": "20"}


@dataclass(frozen=True, slots=True)
class CountedStack:
    """The stack and its counter. `home` is a folder that is removed with it."""

    info: StackInfo
    home: Path
    http: httpx.Client

    def usage(self) -> Usage:
        """Returns the counts so far."""
        return Usage.from_json(self._ask("usage"))

    def marks(self, table: str, events: Sequence[str]) -> int:
        """Returns how often items of `table` were "created", or reached one of these states."""
        return int(self._ask("marks", table=table, event=list(events))["count"])

    def wait_for(self, table: str, events: Sequence[str], count: int, *, seconds: float) -> float:
        """Returns when the count was reached, in seconds since the epoch. Raises TimeoutError after `seconds`."""
        answer = self._ask(
            "wait", seconds + _SLACK_SECONDS, table=table, event=list(events), count=count, seconds=seconds
        )
        if answer["count"] < count:
            raise TimeoutError(f"{answer['count']} of {count} in {table} after {seconds:g} s")
        return float(answer["at_seconds"])

    def client(self, service: Literal["dynamodb", "iam", "sqs"], *, threads: int = 1) -> Any:
        """Makes a boto3 client with the stack's own credentials, for this many threads at once."""
        make: Any = self.info.session().client
        config = Config(max_pool_connections=threads)
        return make(service, endpoint_url=self.info.endpoint_url, config=config)

    def add_user(self, name: str) -> Credentials:
        """Creates a user that may use SQS and DynamoDB. Its calls are counted under `name`."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": ["sqs:*", "dynamodb:*"], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=name, PolicyName="bench", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        self._ask("name", key=made["AccessKeyId"], name=name)
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"])

    def _ask(self, what: str, timeout_seconds: float = 10.0, **parameters: Any) -> Any:
        answer = self.http.get(f"/_bench/{what}", params=parameters, timeout=timeout_seconds)
        return answer.raise_for_status().json()


@contextmanager
def counted_stack() -> Iterator[CountedStack]:
    """Brings the real template up on a counted emulator, and ends it with all that it holds."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        home = Path(folder)
        try:
            emulator.start(Places.find(home), say, program=[str(PROGRAM)])
            info = up(say, home=home, parameters=PARAMETERS)
            signer = local_target(info).signer()
            with httpx.Client(base_url=info.endpoint_url, trust_env=False, auth=signer) as http:
                stack = CountedStack(info, home, http)
                stack._ask("name", key=ACCESS_KEY_ID, name=WORKER_PROCESS)
                yield stack
        finally:
            down(say, home=home, wipe=True)
