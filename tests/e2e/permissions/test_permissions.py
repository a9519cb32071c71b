"""No function may do more than it must: without any single grant of its role, something that it does fails.

The test reads the policy of every role of the deployed template. Probes run each role's work in this process under the
role's own credentials, and show the permissions they need. A permission that no probe needs is too much. The test then
takes each needed grant away, one action on one resource after the other. The probe that needs it must fail, by a
refusal of exactly that grant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.harness.e2e.permissions.api_callers import (
    CLIENT_CALLS,
    CLIENT_CHANGES,
    OPERATOR_CALLS,
    VIEWER_CALLS,
    is_about,
    may_call,
)
from tests.harness.e2e.permissions.api_probes import API_PROBES
from tests.harness.e2e.permissions.dispatcher_probes import DISPATCHER_PROBES
from tests.harness.e2e.permissions.grants import Grant, Use, grants_of
from tests.harness.e2e.permissions.reaper_probes import REAPER_PROBES
from tests.harness.e2e.permissions.recorder_probes import RECORDER_PROBES
from tests.harness.e2e.permissions.webhook_probes import WEBHOOK_PROBES
from tests.harness.e2e.permissions.worker_probes import PROCESS_PROBES, WORKER_PROBES
from tests.harness.e2e.permissions.world import PARAMETERS, Caller, World, caller, now_ms
from tests.harness.functions.api_calls import read_event
from tests.harness.unasked import UNASKED
from tidegate.adapters.dynamodb import schema
from tidegate.bootstrap import Services
from tidegate.domain.audit import Act
from tidegate.domain.callers import NOBODY
from tidegate.domain.ids import first_ulid
from tidegate_devstack import down, up

Probe = Callable[[World, Services], None]


@pytest.fixture(scope="module")
def world(stack_home: Path) -> Iterator[World]:
    """Starts a stack of its own, because the session's stack runs functions by itself, which would interfere."""
    home = stack_home.with_name(f"{stack_home.name}-permissions")
    down(lambda _: None, home=home, wipe=True)
    try:
        found = World(up(lambda _: None, home=home, parameters=PARAMETERS))
        found.rest()
        yield found
    finally:
        down(lambda _: None, home=home, wipe=True)


def function_role(world: World, name: str) -> Caller:
    """Acts under the real role of a function of the stack."""
    function = world.stack.outputs[f"{name}FunctionName"]
    arn = world.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    role, iam = arn.rpartition("/")[2], world.client("iam")
    assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return caller(world, role, policy, document)


def policy_role(world: World, output: str) -> Caller:
    """Acts under a role with a managed policy of the stack, for roles that are made outside the template."""
    iam, arn = world.client("iam"), world.stack.outputs[output]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": ["ecs-tasks.amazonaws.com"]},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName=output, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    iam.put_role_policy(RoleName=output, PolicyName="probed", PolicyDocument=json.dumps(document))
    return caller(world, output, "probed", document)


@pytest.mark.parametrize(
    ("name", "probes"),
    [
        ("Api", API_PROBES),
        ("Dispatcher", DISPATCHER_PROBES),
        ("Reaper", REAPER_PROBES),
        ("Recorder", RECORDER_PROBES),
        ("Webhooks", WEBHOOK_PROBES),
        ("Worker", WORKER_PROBES),
    ],
    ids=("api", "dispatcher", "reaper", "recorder", "webhooks", "worker"),
)
def test_each_permission_of_a_function_is_needed(world: World, name: str, probes: Sequence[Probe]) -> None:
    unasked = {each.sid for each in UNASKED[f"{name}Role"]}
    check(function_role(world, name), probes, unasked)


def test_each_permission_of_a_worker_process_is_needed(world: World) -> None:
    check(policy_role(world, "WorkerProcessPolicyArn"), PROCESS_PROBES)


@pytest.mark.parametrize("name", ["Api", "Dispatcher", "Reaper", "Webhooks", "Worker"])
def test_no_function_can_change_or_remove_what_the_audit_trail_holds(world: World, name: str) -> None:
    """The API puts entries, so it knows their keys; even so every way to touch one is refused."""
    world.clear()
    table, act = world.tables.audit, an_act()
    world.admin.audit.ask(act)
    (standing,) = world.clients.dynamodb.scan(TableName=table)["Items"]
    key = {part: standing[part] for part in ("subject", "entry")}
    dynamodb = function_role(world, name).session.client(
        "dynamodb", endpoint_url=world.stack.endpoint_url, region_name=world.stack.region
    )
    where = f"WHERE subject = '{act.subject}' AND entry = '{key['entry']['S']}'"
    attempts: list[Callable[[], Any]] = [
        lambda: dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET act = :act",
            ExpressionAttributeValues={":act": {"S": "x"}},
        ),
        lambda: dynamodb.delete_item(TableName=table, Key=key),
        lambda: dynamodb.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": key}}]}),
        lambda: dynamodb.execute_statement(Statement=f"UPDATE \"{table}\" SET act = 'x' {where}"),  # noqa: S608 - the key is the test's own
        lambda: dynamodb.execute_statement(Statement=f'DELETE FROM "{table}" {where}'),  # noqa: S608 - as above
    ]
    for attempt in attempts:
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    assert world.clients.dynamodb.scan(TableName=table)["Items"] == [standing]


@pytest.mark.parametrize("name", ["Api", "Dispatcher", "Reaper", "Worker"])
def test_no_function_can_write_what_worker_processes_announce(world: World, name: str) -> None:
    """Job code in the worker function has its role, and a type that it announced would change what callers may send."""
    world.clear()
    table = world.tables.lanes
    key = {schema.POOL: {"S": schema.ANNOUNCED_TYPES}, schema.LANE: {"S": "forged.type"}}
    world.clients.dynamodb.put_item(TableName=table, Item={**key, schema.DIGEST: {"S": "true"}})
    dynamodb = function_role(world, name).session.client(
        "dynamodb", endpoint_url=world.stack.endpoint_url, region_name=world.stack.region
    )
    where = f"WHERE pool = '{schema.ANNOUNCED_TYPES}' AND lane = 'forged.type'"
    update: dict[str, Any] = {
        "Key": key,
        "UpdateExpression": "SET digest = :digest",
        "ExpressionAttributeValues": {":digest": {"S": "forged"}},
    }
    together: list[Any] = [{"Update": {"TableName": table} | update}]
    attempts: list[Callable[[], Any]] = [
        lambda: dynamodb.put_item(TableName=table, Item={**key, schema.DIGEST: {"S": "forged"}}),
        lambda: dynamodb.update_item(TableName=table, **update),
        lambda: dynamodb.delete_item(TableName=table, Key=key),
        lambda: dynamodb.transact_write_items(TransactItems=together),
        lambda: dynamodb.execute_statement(Statement=f"UPDATE \"{table}\" SET digest = 'x' {where}"),  # noqa: S608 - the key is the test's own
    ]
    for attempt in attempts:
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    (standing,) = world.clients.dynamodb.scan(TableName=table)["Items"]
    assert standing == {**key, schema.DIGEST: {"S": "true"}}


def an_act() -> Act:
    at_ms = now_ms()
    return Act(
        act_id=f"{first_ulid(at_ms)}{'0' * 16}",
        at_ms=at_ms,
        subject="pool#ecs",
        act="pool.pause",
        route="POST /v1/pools/{pool}/pause",
        caller=NOBODY,
    )


FUNCTION_PROBES: Mapping[str, tuple[str, str, Callable[[Any], bool]]] = {
    "Api": ("dynamodb:GetItem", "api-get-job", lambda answer: answer["statusCode"] == 404),
    "Dispatcher": ("dynamodb:Query", "dispatcher-schedule", lambda answer: answer == {"dispatched": 0}),
    "Reaper": ("dynamodb:Query", "reaper-schedule", lambda answer: answer.get("jobs_reclaimed") == 0),
    "Worker": ("dynamodb:UpdateItem", "worker-sqs", lambda answer: answer == {"batchItemFailures": []}),
}
"""By function: an action on the table of jobs or its index, an event for which it is needed, and when all is well."""


@pytest.mark.parametrize("name", FUNCTION_PROBES)
def test_the_deployed_function_is_held_to_its_role(world: World, name: str) -> None:
    action, event, is_well = FUNCTION_PROBES[name]
    acting = function_role(world, name)
    (grant,) = (
        grant
        for grant in grants_of(acting.document)
        if grant.sid in ("Jobs", "JobIndex") and grant.action == action
    )

    def call() -> Any:
        function = world.stack.outputs[f"{name}FunctionName"]
        answer = world.client("lambda").invoke(FunctionName=function, Payload=json.dumps(read_event(event)))
        return json.loads(answer["Payload"].read())

    world.clear()
    assert is_well(call())
    with acting.lacking(grant):
        assert not is_well(call())
    assert is_well(call())


@pytest.mark.parametrize(
    ("output", "calls", "others"),
    [
        ("ViewerPolicyArn", VIEWER_CALLS, {**CLIENT_CHANGES, **OPERATOR_CALLS}),
        ("ClientPolicyArn", CLIENT_CALLS, OPERATOR_CALLS),
        ("OperatorPolicyArn", OPERATOR_CALLS, CLIENT_CALLS),
    ],
    ids=("viewer", "client", "operator"),
)
def test_each_permission_of_an_api_caller_is_needed(
    world: World, output: str, calls: Mapping[str, Any], others: Mapping[str, Any]
) -> None:
    acting = policy_role(world, output)
    assert [may_call(acting, *call) for call in calls.items()] == [True] * len(calls)
    assert [may_call(acting, *call) for call in others.items()] == [False] * len(others)
    for grant in grants_of(acting.document):
        (needing,) = (route for route in calls if is_about(grant.resource, route))
        with acting.lacking(grant):
            assert not may_call(acting, needing, calls[needing]), grant


@pytest.mark.parametrize(
    ("name", "call", "key"),
    [
        ("Api", "get_item", "permit#key:a"),
        ("Api", "update_item", "sweep#lambda#ACTIVE#0"),
        ("Dispatcher", "update_item", "rules"),
        ("Dispatcher", "get_item", "sweep#lambda#ACTIVE#0"),
        ("Reaper", "put_item", "rules"),
        ("Reaper", "delete_item", "permit#key:a"),
        ("Reaper", "get_item", "dispatch#lambda"),
    ],
)
def test_what_shares_a_table_is_not_shared_by_roles(world: World, name: str, call: str, key: str) -> None:
    dynamodb = function_role(world, name).session.client("dynamodb", endpoint_url=world.stack.endpoint_url)
    part = "Item" if call == "put_item" else "Key"
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(dynamodb, call)(TableName=world.tables.control, **{part: {"name": {"S": key}}})


def check(acting: Caller, probes: Sequence[Probe], unasked: Set[str] = frozenset()) -> None:
    needed = {probe: needs(acting, probe) for probe in probes}
    grants = [grant for grant in grants_of(acting.document) if grant.sid not in unasked]
    assert len(grants) > len(unasked)
    problems = []
    for grant in grants:
        probe = next((probe for probe in probes if any(map(grant.covers, needed[probe]))), None)
        problems.append(f"nothing needs {grant}" if probe is None else goes_on_without(acting, probe, grant))
    assert not "\n".join(filter(None, problems))
    for probe in probes:
        needs(acting, probe)  # the grant is restored


def needs(acting: Caller, probe: Probe) -> set[Use]:
    """Returns the permissions that a probe uses when it has its whole role."""
    acting.world.clear()
    acting.wire.forget(acting.world.denied.set)
    probe(acting.world, acting.services)
    assert not acting.wire.denied
    return acting.wire.uses


def goes_on_without(acting: Caller, probe: Probe, grant: Grant) -> str:
    """Returns "" if the probe fails without the grant, as it should, or else a description of the problem."""
    acting.world.clear()
    acting.wire.forget(acting.world.denied.set)
    with acting.lacking(grant):
        try:
            probe(acting.world, acting.services)
        except Exception as error:  # noqa: BLE001 - any failure counts, if its cause is the missing grant
            if any(map(grant.covers, acting.wire.denied)):
                return ""
            return f"{probe.__name__} fails without {grant}, but not for that: {error!r}"
    return f"{probe.__name__} goes on without {grant}; denied was {acting.wire.denied}"
