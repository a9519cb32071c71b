"""The worker of the Lambda pool. It runs the jobs of the messages in an SQS event."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.usecases.work.run import run_message

_ID_CHARACTERS = 8
logger = Logger()


def handle(event: dict[str, Any], deps: bootstrap.WorkerDeps, worker_id: str) -> PartialItemFailureResponse:
    """Runs the job of each record of an SQS event. Returns the records that should come again."""
    before = deps.meter.snapshot()
    deps.hold_clock()

    def run(record: SQSRecord) -> None:
        message = deps.message_from(record.body)
        if message is None:
            raise ValueError("not a message of tidegate")  # the queue moves it to its dead letters
        logger.info(
            "job taken", extra={"job_id": message.job_id, "claims": message.attempt, "worker": worker_id}
        )
        try:
            run_message(deps.services, deps.executor, deps.clock, message, worker_id, faults=deps.faults)
        except Exception as error:
            # Logs the class only, because an error's text may hold what the client sent.
            logger.error("job not concluded", extra={"job_id": message.job_id, "error": type(error).__name__})
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    try:
        return process_partial_response(event=event, record_handler=run, processor=processor)
    finally:
        logger.info("usage", extra={"usage": (deps.meter.snapshot() - before).to_json()})


def worker_name(context: LambdaContext) -> str:
    """Returns the name of this execution environment, the same for every job that it runs."""
    stream = context.log_stream_name.rpartition("]")[2][:_ID_CHARACTERS]
    return f"lambda-{stream or os.getpid()}"


@cache
def _deps() -> bootstrap.WorkerDeps:
    return bootstrap.worker_function()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Entry point for an SQS event of the pool's queue."""
    deps = _deps()
    try:
        return handle(event, deps, worker_name(context))
    finally:
        unloaded = deps.services.registry.faults()
        if unloaded and deps.faults.lacking:
            logger.error("this function lacks job types", extra={"why": "; ".join(unloaded)})
            _deps.cache_clear()  # the next invocation tries to load these modules again
