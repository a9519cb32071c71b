"""The template's tables and one queue on a local AWS of the benchmark's own, without any function."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cfnlint.decode import decode

from dev.benchmarks.driver import Driver
from tidegate.bootstrap import aws_services, connect_system
from tidegate.domain.pools import Pool, PoolKind
from tidegate.jobs.loader import load_registry
from tidegate.settings import Settings, Tables
from tidegate_devstack import Places, emulator
from tidegate_devstack.root_key import root_session

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
POOL = "bench"
THREADS = 16
_CREATE_TABLE = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


def table_definitions() -> Mapping[str, Mapping[str, Any]]:
    """Returns the arguments of CreateTable for each table of the template, by its name there."""
    template, problems = decode(str(TEMPLATE))
    if template is None:
        raise ValueError(f"template.yaml can't be read: {problems}")
    return {
        name: {
            key: _always(resource["Properties"][key])
            for key in _CREATE_TABLE
            if key in resource["Properties"]
        }
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::DynamoDB::Table"
    }


def _always(value: Any) -> Any:
    """Returns a property without the members of a list that are there under a condition alone."""
    return [each for each in value if "Fn::If" not in each] if isinstance(value, list) else value


@contextmanager
def local_world(slots: int) -> Iterator[Callable[..., Driver]]:
    """Starts a local AWS with the template's tables, and yields a maker of drivers, each on fresh tables.

    `slots` is how many jobs a driver runs at once. A maker takes the number of `threads` that call AWS, and for how
    many seconds a dispatcher holds its lease (0 for a single dispatcher, which needs no lease). The emulator is ended
    afterwards by its process id.
    """
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        places = Places(project=TEMPLATE.parent, home=Path(folder))
        running = emulator.start(places, lambda _line: None)
        try:
            session = root_session(places)
            sqs = session.client("sqs", endpoint_url=running.endpoint_url)
            dynamodb = session.client("dynamodb", endpoint_url=running.endpoint_url)
            made = 0

            def make_driver(threads: int = THREADS, lease_seconds: int = 0) -> Driver:
                nonlocal made
                made += 1
                names = {}
                for name, definition in table_definitions().items():
                    names[snake_case(name)] = f"bench{made}-{name}"
                    dynamodb.create_table(TableName=f"bench{made}-{name}", **definition)
                queue_url = sqs.create_queue(QueueName=f"bench{made}")["QueueUrl"]
                pool = Pool(POOL, queue_url, PoolKind.FUNCTION, max_timeout_seconds=43_200, capacity=slots)
                settings = Settings(
                    pools={POOL: pool}, default_pool=POOL, dispatch_lease_seconds=lease_seconds
                )
                clients = connect_system(session=session, endpoint_url=running.endpoint_url, threads=threads)
                services = aws_services(settings, Tables(**names), clients, load_registry())
                return Driver(services, clients.meter, POOL, slots)

            yield make_driver
        finally:
            emulator.stop(places)


def snake_case(name: str) -> str:
    """Returns the name of a table in the settings: submission_plans for SubmissionPlans."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
