"""No function may do more than it must: whatever single thing is taken from a role, something it does fails.

Every role of the deployed template is asked for its policy. Probes do what the role is there for, in this process and
under the role's own credentials, and show what they need. What none needs is too much. What is needed is taken away,
one action on one resource after the other; then the probe that needs it must fail, by a refusal of just that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path

import pytest

from tests.e2e.permissions.api_probes import API_PROBES
from tests.e2e.permissions.dispatcher_probes import DISPATCHER_PROBES
from tests.e2e.permissions.grants import Grant, Use, grants_of
from tests.e2e.permissions.reaper_probes import REAPER_PROBES
from tests.e2e.permissions.worker_probes import PROCESS_PROBES, WORKER_PROBES
from tests.e2e.permissions.world import PARAMETERS, Caller, World, caller
from tests.support.unasked import UNASKED
from tidegate.bootstrap import Services
from tidegate_cli.local_stack import down, up

Probe = Callable[[World, Services], None]


@pytest.fixture(scope="module")
def world(stack_home: Path) -> Iterator[World]:
    """A stack of its own: whatever works by itself on the session's would take part."""
    home = stack_home.with_name(f"{stack_home.name}-permissions")
    down(lambda _: None, home=home, wipe=True)
    try:
        found = World(up(lambda _: None, home=home, parameters=PARAMETERS))
        found.rest()
        yield found
    finally:
        down(lambda _: None, home=home, wipe=True)


def function_role(world: World, name: str) -> Caller:
    """Acts under the role that a function of the stack really has."""
    function = world.stack.outputs[f"{name}FunctionName"]
    arn = world.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    role, iam = arn.rpartition("/")[2], world.client("iam")
    assert not iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return caller(world, role, policy, document)


def policy_role(world: World, output: str) -> Caller:
    """Acts under a role that may do what a managed policy of the stack says, for roles made outside the template."""
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
        ("Worker", WORKER_PROBES),
    ],
    ids=("api", "dispatcher", "reaper", "worker"),
)
def test_each_permission_of_a_function_is_needed(world: World, name: str, probes: Sequence[Probe]) -> None:
    unasked = {each.sid for each in UNASKED[f"{name}Role"]}
    check(function_role(world, name), probes, unasked)


def test_each_permission_of_a_worker_process_is_needed(world: World) -> None:
    check(policy_role(world, "WorkerProcessPolicyArn"), PROCESS_PROBES)


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
        needs(acting, probe)  # what was taken away is back


def needs(acting: Caller, probe: Probe) -> set[Use]:
    """What a probe needs that has all its role may do."""
    acting.world.clear()
    acting.wire.forget(acting.world.denied.set)
    probe(acting.world, acting.services)
    assert not acting.wire.denied
    return acting.wire.uses


def goes_on_without(acting: Caller, probe: Probe, grant: Grant) -> str:
    """Empty where the probe fails without the grant, as it should; else what is wrong with that."""
    acting.world.clear()
    acting.wire.forget(acting.world.denied.set)
    with acting.lacking(grant):
        try:
            probe(acting.world, acting.services)
        except Exception as error:  # noqa: BLE001 - however it fails, it must be for what it lacks
            if any(map(grant.covers, acting.wire.denied)):
                return ""
            return f"{probe.__name__} fails without {grant}, but not for that: {error!r}"
    return f"{probe.__name__} goes on without {grant}; denied was {acting.wire.denied}"
