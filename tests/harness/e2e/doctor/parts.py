"""Breaks the parts of a living stack: schedules, event sources, functions, queues, tables, the stack itself."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.harness.e2e.doctor.deployed import Deployed, wait_for
from tests.harness.e2e.quiet import set_schedule
from tidegate_cli.doctor.facts import STREAMS

TWIN = "twin"
_SCHEDULE = (
    "Name",
    "GroupName",
    "ScheduleExpression",
    "FlexibleTimeWindow",
    "Target",
    "State",
    "Description",
)
_SOURCE = (
    *("EventSourceArn", "StartingPosition", "BatchSize", "MaximumBatchingWindowInSeconds", "FilterCriteria"),
    *("BisectBatchOnFunctionError", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds"),
    *("FunctionResponseTypes", "DestinationConfig"),
)
_FUNCTION = (
    *("FunctionName", "Runtime", "Role", "Handler", "Description", "Timeout", "MemorySize", "Environment"),
    *("TracingConfig", "PackageType", "Architectures", "EphemeralStorage", "LoggingConfig"),
)
_QUEUE = ("Policy", "MessageRetentionPeriod", "VisibilityTimeout", "SqsManagedSseEnabled")


# --- schedules -----------------------------------------------------------------------------------
@contextmanager
def schedule_off(on: Deployed, name: str) -> Iterator[None]:
    """Switches a schedule off."""
    set_schedule(on.stack, name, "DISABLED")
    try:
        yield
    finally:
        set_schedule(on.stack, name, "ENABLED")


@contextmanager
def schedule_gone(on: Deployed, name: str) -> Iterator[None]:
    """Deletes a schedule."""
    scheduler, found = on.client("scheduler"), _schedule(on, name)
    scheduler.delete_schedule(Name=name, GroupName=found["GroupName"])
    try:
        yield
    finally:
        scheduler.create_schedule(**found)


@contextmanager
def schedule_slow(on: Deployed, name: str) -> Iterator[None]:
    """Makes a schedule come once an hour."""
    scheduler, found = on.client("scheduler"), _schedule(on, name)
    scheduler.update_schedule(**{**found, "ScheduleExpression": "rate(1 hour)"})
    try:
        yield
    finally:
        scheduler.update_schedule(**found)


def _schedule(on: Deployed, name: str) -> dict[str, Any]:
    group = on.stack.outputs["ScheduleGroupName"]
    return _kept(on.client("scheduler").get_schedule(Name=name, GroupName=group), _SCHEDULE)


# --- event sources -------------------------------------------------------------------------------
@contextmanager
def source_off(on: Deployed, function: str, table: str) -> Iterator[None]:
    """Disables the event source by which a function reads the stream of a table."""
    uuid = _source(on, function, table)["UUID"]
    on.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        on.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)


@contextmanager
def source_gone(on: Deployed, function: str, table: str) -> Iterator[None]:
    """Deletes such an event source. The new one has another id."""
    functions, found = on.client("lambda"), _source(on, function, table)
    functions.delete_event_source_mapping(UUID=found["UUID"])
    try:
        yield
    finally:
        functions.create_event_source_mapping(FunctionName=on.function(function), **_kept(found, _SOURCE))


@contextmanager
def stream_off(on: Deployed, function: str, table: str) -> Iterator[None]:
    """Turns off the stream of a table, which one function alone reads. The stream that it has afterwards is another."""
    _set_stream(on, table, StreamEnabled=False)
    try:
        yield
    finally:
        _set_stream(on, table, StreamEnabled=True, StreamViewType=STREAMS[table][0])
        _read_latest(on, function, table)


@contextmanager
def stream_anew(on: Deployed, function: str, table: str) -> Iterator[None]:
    """Turns such a stream off and on, so that the function reads the earlier one."""
    _set_stream(on, table, StreamEnabled=False)
    _set_stream(on, table, StreamEnabled=True, StreamViewType=STREAMS[table][0])
    try:
        yield
    finally:
        _read_latest(on, function, table)


def _set_stream(on: Deployed, table: str, **wanted: Any) -> None:
    on.client("dynamodb").update_table(
        TableName=on.stack.outputs[f"{table}Table"], StreamSpecification=wanted
    )


def _read_latest(on: Deployed, function: str, table: str) -> None:
    """Makes the event source of a function again, for the stream that the table has now."""
    functions, found = on.client("lambda"), _source(on, function, table)
    described = on.client("dynamodb").describe_table(TableName=on.stack.outputs[f"{table}Table"])
    latest = {"EventSourceArn": described["Table"]["LatestStreamArn"]}
    functions.delete_event_source_mapping(UUID=found["UUID"])
    functions.create_event_source_mapping(
        FunctionName=on.function(function), **_kept(found, _SOURCE) | latest
    )


@contextmanager
def worker_bounded(on: Deployed, at_once: int) -> Iterator[None]:
    """Lets the worker run another number of jobs at once."""
    functions, found = on.client("lambda"), _source(on, "worker", "LambdaPoolQueue")
    functions.update_event_source_mapping(UUID=found["UUID"], ScalingConfig={"MaximumConcurrency": at_once})
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=found["UUID"], ScalingConfig=found["ScalingConfig"])


@contextmanager
def worker_failing(on: Deployed) -> Iterator[None]:
    """Gives the worker a setting that it can't read, and a message at which it fails."""
    with variable(on, "worker", "TIDEGATE_LEASE_SECONDS", "soon"):
        _deliver(on, "FAILED")
        yield
    _deliver(on, "OK - 0 records, 1 partial failures")


def _deliver(on: Deployed, result: str) -> None:
    """Puts a message that is none of tidegate's before the worker, and removes it once the delivery has its result."""
    queue = {"QueueUrl": on.stack.outputs["LambdaPoolQueueUrl"]}
    on.client("sqs").send_message(**queue, MessageBody="no message of tidegate's")
    wait_for(lambda: _source(on, "worker", "LambdaPoolQueue")["LastProcessingResult"], result)
    on.client("sqs").purge_queue(**queue)


def _source(on: Deployed, function: str, of: str) -> dict[str, Any]:
    listed = on.client("lambda").list_event_source_mappings(FunctionName=on.function(function))
    (found,) = (each for each in listed["EventSourceMappings"] if f"-{of}-" in each["EventSourceArn"])
    return dict(found)


# --- functions -----------------------------------------------------------------------------------
@contextmanager
def function_gone(on: Deployed, name: str) -> Iterator[None]:
    """Deletes a function that no policy of its own lets others call."""
    functions, cloud = on.client("lambda"), on.client("cloudformation")
    found = functions.get_function_configuration(FunctionName=on.function(name))
    body = cloud.get_template(StackName="tidegate", TemplateStage="Processed")["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    code = dict(template["Resources"][f"{name.capitalize()}Function"]["Properties"]["Code"])
    functions.delete_function(FunctionName=on.function(name))
    try:
        yield
    finally:
        layers = [each["Arn"] for each in found["Layers"]]
        functions.create_function(**_kept(found, _FUNCTION), Layers=layers, Code=code)
        functions.get_waiter("function_active_v2").wait(FunctionName=on.function(name))


def _configure(functions: Any, **wanted: Any) -> None:
    """Changes a function's configuration, and waits until that is in force: until then the function is Pending."""
    functions.update_function_configuration(**wanted)
    functions.get_waiter("function_active_v2").wait(FunctionName=wanted["FunctionName"])


@contextmanager
def variable(on: Deployed, function: str, name: str, value: str) -> Iterator[None]:
    """Sets a variable of a function to another value."""
    functions, named = on.client("lambda"), {"FunctionName": on.function(function)}
    found = functions.get_function_configuration(**named)["Environment"]["Variables"]
    _configure(functions, **named, Environment={"Variables": {**found, name: value}})
    try:
        yield
    finally:
        _configure(functions, **named, Environment={"Variables": found})


@contextmanager
def memory(on: Deployed, function: str, megabytes: int) -> Iterator[None]:
    """Gives a function another size of memory."""
    functions, named = on.client("lambda"), {"FunctionName": on.function(function)}
    found = functions.get_function_configuration(**named)["MemorySize"]
    _configure(functions, **named, MemorySize=megabytes)
    try:
        yield
    finally:
        _configure(functions, **named, MemorySize=found)


@contextmanager
def reserved(on: Deployed, function: str, executions: int) -> Iterator[None]:
    """Reserves executions for a function; 0 stops it."""
    functions, named = on.client("lambda"), {"FunctionName": on.function(function)}
    functions.put_function_concurrency(**named, ReservedConcurrentExecutions=executions)
    try:
        yield
    finally:
        functions.delete_function_concurrency(**named)


@contextmanager
def half_deployed(on: Deployed, function: str) -> Iterator[None]:
    """Gives one function another version of the core layer, as a deployment that ends half-way does.

    The layer holds nothing, so the function must be one that is not called meanwhile.
    """
    functions, named, packed = on.client("lambda"), {"FunctionName": on.function(function)}, io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("python/nothing.py", "")
    found = [each["Arn"] for each in functions.get_function_configuration(**named)["Layers"]]
    layer = functions.publish_layer_version(LayerName="CoreLayer", Content={"ZipFile": packed.getvalue()})
    _configure(functions, **named, Layers=[layer["LayerVersionArn"], *found[1:]])
    try:
        yield
    finally:
        _configure(functions, **named, Layers=found)
        functions.delete_layer_version(LayerName="CoreLayer", VersionNumber=layer["Version"])


# --- queues and tables ---------------------------------------------------------------------------
@contextmanager
def letter(on: Deployed, queue: str) -> Iterator[None]:
    """Puts a message into a queue of dead letters."""
    sqs, named = on.client("sqs"), {"QueueUrl": on.stack.outputs[f"{queue}Url"]}
    sqs.send_message(**named, MessageBody="{}")
    try:
        yield
    finally:
        sqs.purge_queue(**named)


@contextmanager
def queue_gone(on: Deployed, queue: str) -> Iterator[None]:
    """Deletes a queue."""
    sqs, url = on.client("sqs"), on.stack.outputs[f"{queue}Url"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    sqs.delete_queue(QueueUrl=url)
    try:
        yield
    finally:
        sqs.create_queue(QueueName=url.rpartition("/")[2], Attributes=_kept(found, _QUEUE))


@contextmanager
def policy_gone(on: Deployed, queue: str) -> Iterator[None]:
    """Takes its policy from a queue."""
    sqs, named = on.client("sqs"), {"QueueUrl": on.stack.outputs[f"{queue}Url"]}
    found = sqs.get_queue_attributes(**named, AttributeNames=["Policy"])["Attributes"]
    sqs.set_queue_attributes(**named, Attributes={"Policy": ""})
    try:
        yield
    finally:
        sqs.set_queue_attributes(**named, Attributes=found)


@contextmanager
def expiry(on: Deployed, table: str, **changes: Any) -> Iterator[None]:
    """Changes how the items of a table expire."""
    dynamodb, name = on.client("dynamodb"), on.stack.outputs[f"{table}Table"]
    whole = {"Enabled": True, "AttributeName": "expires_at"}
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={**whole, **changes})
    try:
        yield
    finally:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=whole)


# --- the stack -----------------------------------------------------------------------------------
@contextmanager
def twin(
    on: Deployed, *, without: str = "", rolled_back: bool = False, outputs: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Makes a stack that has the parameters and outputs of the stack, and one queue.

    It lacks the output `without`, its `outputs` differ, and with `rolled_back` an update of it has failed.
    """
    cloud = on.client("cloudformation")
    found = cloud.describe_stacks(StackName="tidegate")["Stacks"][0]
    of = {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]} | dict(outputs or {})
    of.pop(without, None)
    template: dict[str, Any] = {
        "Parameters": {
            each["ParameterKey"]: {"Type": "String", "Default": each["ParameterValue"]}
            for each in found["Parameters"]
        },
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in of.items()},
    }

    def status() -> str:
        return str(cloud.describe_stacks(StackName=TWIN)["Stacks"][0]["StackStatus"])

    cloud.create_stack(StackName=TWIN, TemplateBody=json.dumps(template))
    try:
        wait_for(status, "CREATE_COMPLETE")
        if rolled_back:
            named = {"QueueName": {"Fn::GetAtt": ["Queue", "Nothing"]}}
            template["Resources"]["Second"] = {"Type": "AWS::SQS::Queue", "Properties": named}
            cloud.update_stack(StackName=TWIN, TemplateBody=json.dumps(template))
            wait_for(status, "UPDATE_ROLLBACK_COMPLETE")
        yield
    finally:
        cloud.delete_stack(StackName=TWIN)
        cloud.get_waiter("stack_delete_complete").wait(StackName=TWIN, WaiterConfig={"Delay": 1})


def _kept(found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Returns those of `names` that have a value."""
    return {name: found[name] for name in names if found.get(name) is not None}
