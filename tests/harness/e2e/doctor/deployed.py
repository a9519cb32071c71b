"""A living local stack that tests break and mend by direct calls, and the doctor that looks at it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from tidegate.bootstrap import aws_services, connect_system
from tidegate.settings import read_settings, read_tables
from tidegate.usecases.services import Services
from tidegate_cli.commands.root import app
from tidegate_devstack import StackInfo

EVENTS = Path(__file__).resolve().parents[4] / "events"
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Said:
    """The doctor's words about the checks that are not healthy, by their names.

    A line of `found` is like "error: what is wrong". `not_made` and `not_measured` hold the reasons.
    """

    exit_code: int
    found: Mapping[str, list[str]]
    not_made: Mapping[str, str]
    not_measured: Mapping[str, str]

    def is_exactly(self, patterns: Mapping[str, list[str]]) -> bool:
        """Says whether these are the findings of `patterns`, in which * stands for what no test can know."""
        if self.found.keys() != patterns.keys():
            return False
        return all(
            len(self.found[check]) == len(wanted)
            and all(fnmatchcase(*pair) for pair in zip(self.found[check], wanted, strict=True))
            for check, wanted in patterns.items()
        )


@dataclass(frozen=True, slots=True)
class Deployed:
    """A local stack in `home`, with its root key's rights."""

    stack: StackInfo
    home: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Returns boto3's client of a service of the stack."""
        if service not in self._clients:
            session = self.stack.session()
            self._clients[service] = session.client(service, endpoint_url=self.stack.endpoint_url)  # type: ignore[call-overload]  # any service
        return self._clients[service]

    def services(self) -> Services:
        """Connects the use cases' services to the stack's tables, as an administrator has them."""
        clients = connect_system(session=self.stack.session(), endpoint_url=self.stack.endpoint_url)
        return aws_services(
            read_settings(self.stack.environment), read_tables(self.stack.environment), clients
        )

    def function(self, name: str) -> str:
        """Returns the name in AWS of the function `name`, such as "api"."""
        return self.stack.outputs[f"{name.capitalize()}FunctionName"]

    def tick(self) -> None:
        """Runs the dispatcher and the reaper once, as their schedules do, so that both leave a pulse."""
        for name in ("dispatcher", "reaper"):
            event = (EVENTS / f"{name}-schedule.json").read_bytes()
            answer = self.client("lambda").invoke(FunctionName=self.function(name), Payload=event)
            assert "FunctionError" not in answer, answer["Payload"].read()

    def ask_doctor(self, *options: str, variables: Mapping[str, str] | None = None) -> Said:
        """Runs `tidegate doctor` in this process. `variables` are all that its environment says of AWS and tidegate."""
        others = [
            name for name in os.environ if name.startswith(("AWS_", "TIDEGATE_")) or "proxy" in name.lower()
        ]
        given = {"TIDEGATE_HOME": str(self.home)} if variables is None else variables
        ran = CliRunner().invoke(
            app, ["doctor", "--output", "json", *options], env={**dict.fromkeys(others), **given}
        )
        assert ran.exit_code in (0, 7), ran.stderr
        checks = json.loads(ran.stdout)["checks"]
        found = {
            each["check"]: [f"{one['severity']}: {one['what']}" for one in each["findings"]]
            for each in checks
            if each["findings"]
        }
        why = {
            outcome: {each["check"]: each["why"] for each in checks if each["outcome"] == outcome}
            for outcome in ("not made", "not measured")
        }
        wrong = [line for lines in found.values() for line in lines if not line.startswith("hint: ")]
        assert (ran.exit_code == 0) == (not wrong and not why["not made"])
        return Said(ran.exit_code, found, why["not made"], why["not measured"])


def wait_for(read: Callable[[], object], wanted: object) -> None:
    """Waits, with a time limit, until `read` returns the wanted value."""
    deadline_s = time.monotonic() + _PATIENCE_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline_s, found
        time.sleep(_LOOK_SECONDS)
