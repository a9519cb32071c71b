"""Runs every test that uses `stores` over memory, over moto, and over the local stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from moto import mock_aws

from tests.harness.contract.raw_requests import ITEM
from tests.harness.contract.script import Script
from tests.harness.contract.stores import Stores, aws_clients, aws_stores, make_queue, memory_stores
from tests.harness.moto_statements import answer_statements
from tests.harness.moto_strict import make_strict
from tests.harness.tables import create_tables, delete_tables, named_as_in_template
from tidegate.adapters.aws.clients import AwsClients
from tidegate_devstack import emulator
from tidegate_devstack.places import Places
from tidegate_devstack.root_key import root_session

_numbers = count(1)


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsClients]:
    """Starts an emulator for the session with nothing deployed to it, and ends it by its process id."""
    home = tmp_path_factory.mktemp("contract-stack")
    places = Places(project=Path(__file__).resolve().parents[2], home=home)
    running = emulator.start(places, lambda _line: None)
    try:
        yield aws_clients(running.endpoint_url, session=root_session(places))
    finally:
        emulator.stop(places)


@pytest.fixture(scope="session")
def local_clients(local_aws: AwsClients) -> AwsClients:
    return local_aws


@pytest.fixture(scope="session")
def moto_clients() -> AwsClients:
    """Makes clients of moto once, because making a client takes a third of a second. Moto's data is new in every test.

    The clients serve one thread: moto's tables are plain dictionaries, which two calls at once can break.
    """
    clients = aws_clients(None, threads=1)
    answer_statements(clients.dynamodb)
    make_strict(clients.dynamodb)
    return clients


STORES = ["memory", "moto", "local"]


@contextmanager
def _made(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes fresh, empty stores of the implementation that the fixture's parameter names."""
    if request.param == "memory":
        yield memory_stores()
    elif request.param == "moto":
        clients: AwsClients = request.getfixturevalue("moto_clients")
        with mock_aws():
            tables = create_tables(clients.dynamodb, "moto")
            yield aws_stores(clients, tables, make_queue(clients, "moto-queue"))
    else:
        with _on_the_emulator(request.getfixturevalue("local_clients")) as stores:
            yield stores


@contextmanager
def _on_the_emulator(clients: AwsClients) -> Iterator[Stores]:
    name = f"test{next(_numbers)}"
    tables = create_tables(clients.dynamodb, name)
    queue_url = make_queue(clients, name)
    yield aws_stores(clients, tables, queue_url)
    delete_tables(clients.dynamodb, tables)
    clients.sqs.delete_queue(QueueUrl=queue_url)


@pytest.fixture(params=STORES)
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes fresh, empty stores of one implementation."""
    with _made(request) as made:
        yield made


@pytest.fixture(params=STORES, scope="module")
def kept_stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes stores of one implementation for all tests of a file, which overwrite each other's jobs.

    Such a file asks for no `stores`: moto forgets all its tables where new ones are made.
    """
    with _made(request) as made:
        yield made


@pytest.fixture
def raw(stores: Stores) -> Stores:
    """Makes stores on a double, with one job's item in them."""
    assert stores.clients is not None
    assert stores.tables is not None
    stores.clients.dynamodb.put_item(TableName=stores.tables.jobs, Item=dict(ITEM))
    return stores


@pytest.fixture
def local_stores(local_clients: AwsClients) -> Iterator[Stores]:
    """Makes new tables and a new queue in the session's emulator."""
    with _on_the_emulator(local_clients) as made:
        yield made


@pytest.fixture(scope="session")
def unconnected() -> AwsClients:
    """Makes clients of a port where nothing listens."""
    return aws_clients("http://127.0.0.1:9")


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def scripted(unconnected: AwsClients, script: Script) -> Iterator[Stores]:
    """Makes AWS stores whose every call the script answers. No request leaves the process."""
    clients = unconnected
    for client in (clients.dynamodb, clients.sqs, clients.eventbridge):
        client.meta.events.register("before-call", script)  # type: ignore[arg-type]  # it may answer
    tables = named_as_in_template()
    yield aws_stores(clients, tables, "http://127.0.0.1:9/queue")
    for client in (clients.dynamodb, clients.sqs, clients.eventbridge):
        client.meta.events.unregister("before-call", script)  # type: ignore[arg-type]  # as above
