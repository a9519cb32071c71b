"""Facts about a deployment, as AWS and the API told them to the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FUNCTIONS = ("api", "dispatcher", "recorder", "reaper", "worker")
"""The functions that every deployment has. Each has its own output."""
SCHEDULES = ("dispatcher", "reaper")
SOURCES = {"dispatcher": 3, "recorder": 1, "worker": 1}
"""How many event sources each function has, without those of `EVENT_STREAMS`."""
READERS = ("dispatcher", "recorder")
"""The functions that read streams, so that their lag can be measured."""
TABLES = (
    *("Jobs", "Payloads", "Dependents", "Submissions", "SubmissionPlans", "Workers", "Lanes", "Control"),
    *("Audit", "Progress"),
)
_IMAGES = "NEW_AND_OLD_IMAGES"
STREAMS = {
    "Jobs": (_IMAGES, ("dispatcher", "recorder")),
    "Workers": (_IMAGES, ("dispatcher",)),
    "Control": ("KEYS_ONLY", ("dispatcher",)),
}
"""The tables that have a stream: what a change in it tells, and the functions that read it."""
EVENT_STREAMS = {
    "Workers": (_IMAGES, ("dispatcher", "recorder")),
    "Submissions": (_IMAGES, ("recorder",)),
}
"""The same of the tables that the recorder reads besides where the stack publishes events."""
DEAD_LETTERS = ("EventDeadLetters", "LambdaPoolDeadLetters", "EcsPoolDeadLetters")
QUEUES = ("LambdaPoolQueue", "EcsPoolQueue", *DEAD_LETTERS)
WEBHOOKS = "webhooks"
"""The function that sends to webhooks, where the stack does."""
WEBHOOKS_DEAD_LETTERS = "WebhooksDeadLetters"
WEBHOOKS_QUEUES = ("WebhooksQueue", WEBHOOKS_DEAD_LETTERS)
"""The queues of a stack that sends to webhooks, besides `QUEUES`."""
LIVE = "live"
"""The alias of the API's function that the gateway calls, where versions are deployed gradually."""
MISSING = "MISSING"
"""The state of a part that the stack names and AWS does not have."""
EXPIRY = "expires_at"
"""The attribute by which every table lets items expire."""

OUTPUTS = (
    *("ApiUrl", "ApiId", "StageName", "ScheduleGroupName"),
    *(f"{name.capitalize()}FunctionName" for name in FUNCTIONS),
    *(f"{name}Table" for name in TABLES),
    *(f"{name}Url" for name in QUEUES),
)
"""The outputs of every stack by which the doctor finds its parts."""
WEBHOOKS_OUTPUTS = ("WebhooksFunctionName", *(f"{name}Url" for name in WEBHOOKS_QUEUES))
"""The same of a stack that sends to webhooks, besides `OUTPUTS`."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack as CloudFormation describes it. `status` is CloudFormation's own word."""

    name: str
    status: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def publishes_events(self) -> bool:
        """Tells whether the stack has an event bus."""
        return self.parameters.get("PublishEvents") == "true"

    @property
    def sends_webhooks(self) -> bool:
        """Tells whether the stack has the queues and the function of webhooks."""
        return self.parameters.get("Webhooks") == "true"

    @property
    def functions(self) -> tuple[str, ...]:
        """Returns the functions that the stack has."""
        return (*FUNCTIONS, WEBHOOKS) if self.sends_webhooks else FUNCTIONS

    @property
    def queues(self) -> tuple[str, ...]:
        """Returns the queues that the stack has."""
        return (*QUEUES, *WEBHOOKS_QUEUES) if self.sends_webhooks else QUEUES

    @property
    def dead_letters(self) -> tuple[str, ...]:
        """Returns the queues that hold dead letters."""
        return (*DEAD_LETTERS, WEBHOOKS_DEAD_LETTERS) if self.sends_webhooks else DEAD_LETTERS

    @property
    def needed_outputs(self) -> tuple[str, ...]:
        """Returns the outputs by which the doctor finds the parts."""
        return (*OUTPUTS, *WEBHOOKS_OUTPUTS) if self.sends_webhooks else OUTPUTS

    @property
    def sources(self) -> Mapping[str, int]:
        """Returns how many event sources each function has."""
        more = len(EVENT_STREAMS) if self.publishes_events else 0
        webhooks = {WEBHOOKS: 1} if self.sends_webhooks else {}
        return {**SOURCES, "recorder": SOURCES["recorder"] + more, **webhooks}

    @property
    def streams(self) -> Mapping[str, tuple[str, tuple[str, ...]]]:
        """Returns the tables that have a stream, what a change in it tells, and the functions that read it."""
        return {**STREAMS, **EVENT_STREAMS} if self.publishes_events else STREAMS


@dataclass(frozen=True, slots=True)
class Function:
    """The configuration of a function. `core` is the ARN of the layer that holds tidegate itself, with its version.

    One whose `state` is MISSING has nothing else but a reason.
    """

    name: str
    state: str
    state_reason: str = ""
    last_update: str = ""
    runtime: str = ""
    architecture: str = ""
    memory_megabytes: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    core: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An event source of a function: its id, and the ARN of the stream or queue that it reads.

    `last_result` is Lambda's own word. `at_once` is the most executions at once, None without a bound.
    """

    uuid: str
    arn: str
    function: str
    state: str
    last_result: str
    at_once: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of EventBridge.

    `created_at_s` is when it was made, in seconds since the epoch; None if it is missing.
    """

    name: str
    state: str
    expression: str
    created_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Letters:
    """How many messages a queue of dead letters holds, about; None if it is missing. AWS counts them eventually."""

    queue: str
    count: int | None


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """The policy of a queue as JSON, empty if it has none, and the queue's ARN; `arn` is None if it is missing."""

    queue: str
    arn: str | None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream of a table that exists. `arn` and `view` are None where the stream is off."""

    table: str
    table_arn: str
    arn: str | None
    view: str | None


@dataclass(frozen=True, slots=True)
class Expiry:
    """Whether a table lets items expire, and by which attribute. The status of a missing table is MISSING."""

    table: str
    status: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Lag:
    """The longest time that a change waited lately for its reader; None where nothing was read."""

    function: str
    longest_ms: float | None


@dataclass(frozen=True, slots=True)
class Concurrency:
    """The executions of the account, and those that are reserved for functions of the stack (None where none are).

    A function that is missing is not in `reserved`.
    """

    account: int
    unreserved: int
    reserved: Mapping[str, int | None]
