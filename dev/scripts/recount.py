"""Counts the ended jobs of a pool anew, hour by hour, and puts the new roll-ups over the earlier ones.

`python -m dev.scripts.recount --stack tidegate --pool ecs --from 2026-12-01T08:00:00Z --to 2026-12-01T10:00:00Z` reads
the tables with your own credentials, and the settings of the stack's reaper. It may be cut off and started again.
docs/explanation/statistics.md says what a recount puts right.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dev.scripts.moments import moment
from tidegate import bootstrap
from tidegate.domain.errors import InvalidRequest, TidegateError
from tidegate.settings import read_settings, read_tables
from tidegate.usecases.statistics.recount import RecountedHour, recount

REAPER = "ReaperFunction"


def environment_of(cloudformation: Any, functions: Any, stack: str) -> Mapping[str, str]:
    """Returns the environment of a stack's reaper, which holds its settings and the names of its tables.

    `cloudformation` and `functions` are boto3's clients of CloudFormation and Lambda.
    """
    found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=REAPER)
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    variables: Mapping[str, str] = functions.get_function_configuration(FunctionName=name)["Environment"][
        "Variables"
    ]
    return variables


def recount_of_stack(
    environment: Mapping[str, str], pool: str, from_ms: int, to_ms: int
) -> Iterator[RecountedHour]:
    """Counts hours of the deployment that has this environment; see `recount`."""
    try:
        settings, tables = read_settings(environment), read_tables(environment)
    except (KeyError, ValueError) as error:
        raise InvalidRequest.of(
            "stack",
            f"has settings that this version can't read ({error}); use the script of the stack's version",
        ) from error
    clients = bootstrap.connect_system()
    services = bootstrap.aws_services(settings, tables, clients)
    return recount(services, pool, from_ms, to_ms, now_ms=clients.clock.now_ms())


def _ms(at: datetime) -> int:
    """Returns milliseconds since the epoch."""
    return int(at.timestamp() * 1_000)


def _shown(hour: RecountedHour) -> str:
    begin = datetime.fromtimestamp(hour.from_ms / 1_000, UTC)
    left = "" if hour.found == hour.after else f", of which {hour.found} are still there"
    return f"{begin:%Y-%m-%dT%H:%MZ}: {hour.after} ends, {hour.after - hour.before:+d}{left}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Counts a time anew and prints each hour. Returns 1 if that was refused."""
    parser = argparse.ArgumentParser(description="Count the ended jobs of a pool anew.")
    parser.add_argument("--stack", required=True, help="the stack")
    parser.add_argument("--pool", required=True, help="the pool")
    parser.add_argument(
        "--from", dest="begin", required=True, type=moment, help="in the first hour, as in 2026-12-01T08:00Z"
    )
    parser.add_argument("--to", required=True, type=moment, help="the end of the last hour")
    given = parser.parse_args(arguments)
    try:
        clients = (boto3.client("cloudformation"), boto3.client("lambda"))
        environment = environment_of(*clients, given.stack)
        for hour in recount_of_stack(environment, given.pool, _ms(given.begin), _ms(given.to)):
            sys.stdout.write(_shown(hour))
    except (TidegateError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
