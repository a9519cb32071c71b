"""Reads the facts about a deployment from AWS, each with as few calls as there are. Every call only reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidegate_cli.doctor.facts import (
    LIVE,
    MISSING,
    READERS,
    SCHEDULES,
    TABLES,
    Concurrency,
    Expiry,
    Function,
    Lag,
    Letters,
    QueuePolicy,
    Schedule,
    Source,
    Stack,
    Stream,
)
from tidegate_cli.doctor.findings import Denied, NotMade, NotMeasured, Once

MakeClient = Callable[[str], Any]
"""Returns boto3's client of a service, by the name that boto3 has for it."""

LAG_LOOK_BACK_SECONDS = 900
_MAX_PAGES = 10
_API_HOST = re.compile(r"^https://([a-z0-9]+)\.execute-api\.")
_LOCAL_API = re.compile(r"^http://[^/]+/_aws/execute-api/([a-z0-9]+)/")
_ABSENT = frozenset(
    {"ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
)
"""The codes that say that a part does not exist. SQS has the last two, the older by its own name for it."""
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "UnauthorizedOperation",
        "AccessDeniedError",
    }
)


class Deployment:
    """A deployment as AWS describes it. Checks share the facts that were read once.

    `make_client` is None without AWS credentials, and `no_client` says why if that is known. `stack` names the stack;
    without it the stack is found by the API in `api_url`. `is_local` says that it is a local stack, which measures no
    metrics. Every read may raise Denied (AWS denied the call), NotMade (no answer, or no such stack) or NotMeasured.
    """

    def __init__(
        self,
        make_client: MakeClient | None,
        api_url: str,
        *,
        stack: str | None = None,
        is_local: bool = False,
        no_client: str = "",
    ) -> None:
        self._make_client = make_client
        self._no_client = no_client
        self._api_url = api_url
        self._named = stack
        self.is_local = is_local
        self._clients: dict[str, Any] = {}
        self._stack = Once(self._read_stack)
        self._functions = Once(lambda: tuple(self._function(name) for name in self.stack.functions))
        self._schedules = Once(lambda: tuple(self._schedule(name) for name in SCHEDULES))
        self._found_sources = Once(
            lambda: tuple(each for name in self.stack.sources for each in self._sources(name))
        )

    @property
    def stack(self) -> Stack:
        """The stack with its outputs and parameters."""
        return self._stack.get()

    @property
    def functions(self) -> tuple[Function, ...]:
        """The configurations of the functions that the stack has. One that does not exist is MISSING."""
        return self._functions.get()

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedules. One that does not exist has the state MISSING."""
        return self._schedules.get()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables of the reaper, or of another function where it is missing.

        Each knows every table that a look at jobs needs.
        """
        there = [each for each in self.functions if each.state != MISSING]
        if not there:
            raise NotMade("every function is missing, and so are the names of the tables")
        return next((each for each in there if each.name == "reaper"), there[0]).environment

    @property
    def api_id(self) -> str:
        """The id of the API in the address. Raises NotMeasured if the address names none."""
        found = _API_HOST.match(self._api_url) or _LOCAL_API.match(self._api_url)
        if found is None:
            raise NotMeasured(
                f"{self._api_url} has no id of an API, so it can't be compared with the stack's"
            )
        return found[1]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The event sources of the functions that have some."""
        return self._found_sources.get()

    def streams(self) -> tuple[Stream, ...]:
        """Returns the streams of the tables that should have one, without tables that do not exist."""
        found = []
        for table in self.stack.streams:
            answer = self._find(
                "dynamodb:DescribeTable",
                self._client("dynamodb").describe_table,
                TableName=self._output(f"{table}Table"),
            )
            if answer is not None:
                said = answer["Table"]
                view = said.get("StreamSpecification", {})
                is_on = view.get("StreamEnabled", False)
                arn = said.get("LatestStreamArn") if is_on else None
                found.append(Stream(table, said["TableArn"], arn, view.get("StreamViewType")))
        return tuple(found)

    def queue_policies(self) -> tuple[QueuePolicy, ...]:
        """Returns the policy of each queue."""
        found = []
        for queue in self.stack.queues:
            answer = self._find(
                "sqs:GetQueueAttributes",
                self._client("sqs").get_queue_attributes,
                QueueUrl=self._output(f"{queue}Url"),
                AttributeNames=["QueueArn", "Policy"],
            )
            said = {} if answer is None else answer["Attributes"]
            found.append(QueuePolicy(queue, said.get("QueueArn"), said.get("Policy", "")))
        return tuple(found)

    def letters(self) -> tuple[Letters, ...]:
        """Returns about how many messages each queue of dead letters holds, those in flight included.

        One that does not exist has no count.
        """
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = []
        for queue in self.stack.dead_letters:
            answer = self._find(
                "sqs:GetQueueAttributes",
                self._client("sqs").get_queue_attributes,
                QueueUrl=self._output(f"{queue}Url"),
                AttributeNames=names,
            )
            counts = None if answer is None else [int(answer["Attributes"].get(name, 0)) for name in names]
            found.append(Letters(queue, None if counts is None else sum(counts)))
        return tuple(found)

    def expiries(self) -> tuple[Expiry, ...]:
        """Returns how items of each table expire. A table that does not exist has the status MISSING."""
        found = []
        for table in TABLES:
            answer = self._find(
                "dynamodb:DescribeTimeToLive",
                self._client("dynamodb").describe_time_to_live,
                TableName=self._output(f"{table}Table"),
            )
            said = {"TimeToLiveStatus": MISSING} if answer is None else answer["TimeToLiveDescription"]
            found.append(Expiry(table, said["TimeToLiveStatus"], said.get("AttributeName", "")))
        return tuple(found)

    def lags(self, *, now_s: float) -> tuple[Lag, ...]:
        """Returns the longest lag of each reader in the last quarter of an hour before `now_s`."""
        if self.is_local:
            raise NotMeasured("the local stack has no metrics of Lambda's")
        found = []
        for function in READERS:
            answer = self._ask(
                "cloudwatch:GetMetricStatistics",
                self._client("cloudwatch").get_metric_statistics,
                Namespace="AWS/Lambda",
                MetricName="IteratorAge",
                Dimensions=[{"Name": "FunctionName", "Value": self._function_name(function)}],
                StartTime=now_s - LAG_LOOK_BACK_SECONDS,
                EndTime=now_s,
                Period=300,
                Statistics=["Maximum"],
            )
            found.append(Lag(function, max((each["Maximum"] for each in answer["Datapoints"]), default=None)))
        return tuple(found)

    def concurrency(self) -> Concurrency:
        """Returns the executions of the account and the reservations of the functions."""
        client = self._client("lambda")
        limit = self._ask("lambda:GetAccountSettings", client.get_account_settings)["AccountLimit"]
        reserved: dict[str, int | None] = {}
        for function in self.stack.functions:
            answer = self._find(
                "lambda:GetFunctionConcurrency",
                client.get_function_concurrency,
                FunctionName=self._function_name(function),
            )
            if answer is not None:
                reserved[function] = answer.get("ReservedConcurrentExecutions")
        return Concurrency(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"], reserved)

    def _read_stack(self) -> Stack:
        name = self._named or self._found_name()
        answer = self._ask(
            "cloudformation:DescribeStacks",
            self._client("cloudformation").describe_stacks,
            StackName=name,
        )
        found = answer["Stacks"][0]
        return Stack(
            found["StackName"],
            found["StackStatus"],
            {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())},
            {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())},
        )

    def _found_name(self) -> str:
        api = _API_HOST.match(self._api_url)
        if api is None:
            raise NotMade(f"{self._api_url} does not name an API of AWS: name the stack with --stack")
        answer = self._ask(
            "cloudformation:DescribeStackResources",
            self._client("cloudformation").describe_stack_resources,
            PhysicalResourceId=api[1],
        )
        return str(answer["StackResources"][0]["StackName"])

    def _function(self, name: str) -> Function:
        is_gradual = self.stack.parameters.get("GradualDeployment", "none") != "none"
        alias = {"Qualifier": LIVE} if name == "api" and is_gradual else {}
        found = self._find(
            "lambda:GetFunctionConfiguration",
            self._client("lambda").get_function_configuration,
            FunctionName=self._function_name(name),
            **alias,
        )
        if found is None:
            return Function(name, MISSING, f"it, or its alias {LIVE}" if alias else "")
        layers = found.get("Layers") or [{}]
        return Function(
            name,
            found.get("State", ""),
            found.get("StateReason") or "",
            found.get("LastUpdateStatus", ""),
            found["Runtime"],
            (found.get("Architectures") or ["x86_64"])[0],
            found["MemorySize"],
            found.get("Environment", {}).get("Variables", {}),
            layers[0].get("Arn"),
        )

    def _sources(self, function: str) -> list[Source]:
        client = self._client("lambda")
        asked = {"FunctionName": self._function_name(function)}
        found: list[Source] = []
        for _ in range(_MAX_PAGES):
            answer = self._find("lambda:ListEventSourceMappings", client.list_event_source_mappings, **asked)
            if answer is None:
                break
            found += [
                Source(
                    each["UUID"],
                    each.get("EventSourceArn", ""),
                    function,
                    each["State"],
                    each.get("LastProcessingResult") or "",
                    (each.get("ScalingConfig") or {}).get("MaximumConcurrency"),
                )
                for each in answer["EventSourceMappings"]
            ]
            if not answer.get("NextMarker"):
                break
            asked = {**asked, "Marker": answer["NextMarker"]}
        return found

    def _schedule(self, name: str) -> Schedule:
        group = self._output("ScheduleGroupName")
        found = self._find(
            "scheduler:GetSchedule",
            self._client("scheduler").get_schedule,
            GroupName=group,
            Name=name,
        )
        if found is None:
            return Schedule(name, MISSING, "")
        made_at_s = found["CreationDate"].timestamp()
        return Schedule(name, found["State"], found["ScheduleExpression"], made_at_s)

    def _function_name(self, function: str) -> str:
        return self._output(f"{function.capitalize()}FunctionName")

    def _output(self, name: str) -> str:
        value = self.stack.outputs.get(name)
        if value is None:
            raise NotMade(f"the stack has no output {name}")
        return value

    def _client(self, service: str) -> Any:
        if self._make_client is None:
            why = f" ({self._no_client})" if self._no_client else ""
            raise NotMade(
                f"it needs AWS credentials{why}: set AWS_PROFILE, pass --aws-profile, or log in to AWS"
            )
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return self._clients[service]

    def _find(self, action: str, call: Callable[..., Any], **arguments: Any) -> Any:
        """Asks AWS about a part. Returns None if it does not exist."""

        def find() -> Any:
            try:
                return call(**arguments)
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise

        return self._ask(action, find)

    def _ask(self, action: str, call: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return call(**arguments)
        except ClientError as error:
            raise _not_made(action, error) from error
        except BotoCoreError as error:
            raise NotMade(f"{action} got no answer: {error}") from error


def not_made_by_services(error: Exception, action: str) -> NotMade:
    """Returns why a read of the stores was not made; `action` names the IAM actions that it takes."""
    cause = error.__cause__
    return _not_made(action, cause) if isinstance(cause, ClientError) else NotMade(str(error))


def _not_made(action: str, error: ClientError) -> NotMade:
    code = _code(error)
    if code in _DENIED:
        return Denied(action)
    return NotMade(f"{action} was refused: {error.response.get('Error', {}).get('Message') or code}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
