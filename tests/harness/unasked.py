"""Permissions that the local AWS never asks for, so that no test there fails without them.

This file states them to the letter instead, and tests/architecture compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unasked:
    """A statement with everything that it may hold, and the reason why no test here needs it.

    Resources are written as in tests/harness/template.py: an attribute of a resource of the template is `<id.name>`.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str


_WRITE_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
_WRITE_TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
_STREAM = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
_STREAMS = ("<Jobs.StreamArn>", "<Workers.StreamArn>", "<Control.StreamArn>")
_BY_ITSELF = "the emulator does it by itself, under nobody's permissions"
_NOT_LOCALLY = "there are no tasks on the local AWS"


def _of_every_function(name: str) -> tuple[Unasked, ...]:
    return (
        Unasked(
            "Logs", _WRITE_LOGS, (f"<{name}LogGroup.Arn>",), f"logs are written by the platform: {_BY_ITSELF}"
        ),
        Unasked("Traces", _WRITE_TRACES, ("*",), "the emulator has no traces"),
    )


_FAILED_EVENTS = Unasked(
    "FailedEvents",
    ("sqs:SendMessage",),
    ("<EventDeadLetters.Arn>",),
    f"the platform sends what failed with the function's role: {_BY_ITSELF}",
)

UNASKED: Mapping[str, tuple[Unasked, ...]] = {
    "ApiRole": _of_every_function("Api"),
    "DispatcherRole": (
        *_of_every_function("Dispatcher"),
        Unasked(
            "Streams",
            tuple(f"dynamodb:{action}" for action in _STREAM),
            _STREAMS,
            f"event sources read with the function's role: {_BY_ITSELF}",
        ),
        _FAILED_EVENTS,
    ),
    "WorkerRole": (
        *_of_every_function("Worker"),
        Unasked(
            "Queue",
            ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            ("<LambdaPoolQueue.Arn>",),
            f"the event source polls with the function's role: {_BY_ITSELF}",
        ),
    ),
    "WebhooksRole": (
        *_of_every_function("Webhooks"),
        Unasked(
            "Queue",
            ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
            ("<WebhooksQueue.Arn>",),
            f"the event source polls with the function's role: {_BY_ITSELF}",
        ),
    ),
    "ReaperRole": (*_of_every_function("Reaper"), _FAILED_EVENTS),
    "RecorderRole": (
        *_of_every_function("Recorder"),
        Unasked(
            "Streams",
            tuple(f"dynamodb:{action}" for action in _STREAM),
            ("<Jobs.StreamArn>",),
            f"event sources read with the function's role: {_BY_ITSELF}",
        ),
        Unasked(
            "EventStreams",
            tuple(f"dynamodb:{action}" for action in _STREAM),
            ("<Submissions.StreamArn>", "<Workers.StreamArn>"),
            f"event sources read with the function's role: {_BY_ITSELF}",
        ),
        _FAILED_EVENTS,
    ),
    "EcsTaskRole": (
        Unasked(
            "Protection",
            ("ecs:UpdateTaskProtection",),
            ("arn:aws:ecs:eu-central-1:123456789012:task/<EcsCluster>/*",),
            _NOT_LOCALLY,
        ),
    ),
    "EcsExecutionRole": (
        Unasked("Login", ("ecr:GetAuthorizationToken",), ("*",), _NOT_LOCALLY),
        Unasked(
            "Image",
            ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
            ("arn:aws:ecr:eu-central-1:123456789012:repository/tidegate-worker",),
            _NOT_LOCALLY,
        ),
        Unasked("Logs", _WRITE_LOGS, ("<EcsLogGroup.Arn>",), _NOT_LOCALLY),
    ),
}
"""By role. The roles of schedules, which SAM makes, are unasked as a whole: the emulator calls functions by itself."""
