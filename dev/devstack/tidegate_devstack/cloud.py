"""Reads the deployed stack from the emulator, and repairs the settings that the emulator deploys wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from samtranslator.yaml_helper import yaml_parse

from tidegate_devstack import sign_in
from tidegate_devstack.emulator import Emulator
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import ACCESS_KEY_ID, CLIENT_CONFIG, REGION, STACK_NAME, StackInfo, make_session
from tidegate_devstack.sam import BUILD_TAG

USABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


@dataclass(frozen=True, slots=True)
class Deployment:
    """The stack as CloudFormation describes it. `digest` is that of the deployed content, None if unknown."""

    status: str
    digest: str | None
    outputs: dict[str, str]

    @property
    def is_usable(self) -> bool:
        """True if the stack is complete, so that it can serve requests or be updated."""
        return self.status in USABLE

    @property
    def was_updated(self) -> bool:
        """True if the last operation on the stack was an update. Only a stack that was complete can be updated."""
        return self.status.startswith("UPDATE_")


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turns botocore's errors within the block into LocalStackError, so that users never see a traceback."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(f"the local AWS failed: {error}") from error


def describe(endpoint_url: str, secret: str) -> Deployment | None:
    """Returns the deployed stack, or None if nothing is deployed. `secret` is that of the root key.

    Raises botocore's ClientError or BotoCoreError if the emulator fails.
    """
    client = make_session(secret).client("cloudformation", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
    try:
        stacks = client.describe_stacks(StackName=STACK_NAME)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # CloudFormation's code for: no such stack
            return None
        raise
    if not stacks:
        return None
    found = stacks[0]
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    # After a rolled back update some versions of the emulator keep the tags of the update that failed. So the digest
    # then counts as unknown, and the next `up` deploys again.
    digest = tags.get(BUILD_TAG) if found["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE" else None
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    return Deployment(status=found["StackStatus"], digest=digest, outputs=outputs)


def read_stack_info(emulator: Emulator, secret: str) -> StackInfo:
    """Returns all that clients need to know of the deployed stack. `secret` is that of the root key.

    Raises LocalStackError if the stack is not complete, and botocore's errors if the emulator fails.
    """
    deployment = describe(emulator.endpoint_url, secret)
    if deployment is None or not deployment.is_usable:
        state = "missing" if deployment is None else deployment.status
        raise LocalStackError(f"the stack was deployed, but is {state}")
    outputs = deployment.outputs
    functions = make_session(secret).client(
        "lambda", endpoint_url=emulator.endpoint_url, config=CLIENT_CONFIG
    )
    worker = functions.get_function_configuration(FunctionName=outputs["WorkerFunctionName"])
    variables = worker["Environment"]["Variables"]
    api_path = f"/_aws/execute-api/{outputs['ApiId']}/{outputs['StageName']}"
    return StackInfo(
        api_url=emulator.endpoint_url + api_path,
        endpoint_url=emulator.endpoint_url,
        region=REGION,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=secret,
        outputs=outputs,
        environment={name: value for name, value in variables.items() if name.startswith("TIDEGATE_")},
        port=emulator.port,
        pid=emulator.pid,
    )


def repair(endpoint_url: str, secret: str) -> None:
    """Corrects the settings that the emulator deploys otherwise than AWS does. Call it after each deployment.

    Raises botocore's errors if the emulator fails.
    """
    _limit_queues(endpoint_url, secret)
    deployment = describe(endpoint_url, secret)
    sign_in.lead_here(endpoint_url, secret, deployment.outputs if deployment is not None else {})
    _let_items_expire(endpoint_url, secret)


def _limit_queues(endpoint_url: str, secret: str) -> None:
    """Writes each queue's concurrency limit again, as a number.

    The emulator keeps a limit that came from a template parameter as text, and then its poller fails on it.
    """
    client = make_session(secret).client("lambda", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
    for page in client.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
            if limit is not None:
                client.update_event_source_mapping(
                    UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
                )


def _let_items_expire(endpoint_url: str, secret: str) -> None:
    """Turns on the time to live of each table whose template says so, because the emulator ignores that setting."""
    session = make_session(secret)
    stacks = session.client("cloudformation", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
    tables = session.client("dynamodb", endpoint_url=endpoint_url, config=CLIENT_CONFIG)
    body: Any = stacks.get_template(StackName=STACK_NAME)["TemplateBody"]
    resources = (yaml_parse(body) if isinstance(body, str) else body)["Resources"]
    for page in stacks.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME):
        for resource in page["StackResourceSummaries"]:
            properties = resources.get(resource["LogicalResourceId"], {}).get("Properties", {})
            if resource["ResourceType"] == "AWS::DynamoDB::Table" and "TimeToLiveSpecification" in properties:
                tables.update_time_to_live(
                    TableName=resource["PhysicalResourceId"],
                    TimeToLiveSpecification=properties["TimeToLiveSpecification"],
                )
