"""A run of the worker function: it runs the jobs of the messages in an SQS event, and logs each."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate.bootstrap import WorkerDeps
from tidegate.entry.log_level import keep_log_level
from tidegate.entry.usage import log_usage
from tidegate.usecases.work.run import run_message

_ID_CHARACTERS = 8
logger = Logger()
keep_log_level(logger)  # Lambda must let the lines of jobs through


def run_records(event: dict[str, Any], deps: WorkerDeps, worker_id: str) -> PartialItemFailureResponse:
    """Runs the job of each record of an SQS event. Returns the records that should come again."""

    run = partial(_run, deps=deps, worker_id=worker_id)
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    before = deps.meter.snapshot()
    deps.hold_clock()
    try:
        return process_partial_response(event=event, record_handler=run, processor=processor)
    finally:
        log_usage(deps.meter, since=before)


def _run(record: SQSRecord, deps: WorkerDeps, worker_id: str) -> None:
    """Runs the job that a message names. Raises ValueError for a message that tidegate did not write.

    Every line until it ends carries the job's id and its attempt.
    """
    message = deps.message_from(record.body)
    if message is None:
        raise ValueError("not a message of tidegate")  # the queue moves it to its dead letters
    with logger.append_context_keys(job_id=message.job_id, attempt=message.attempt + (not message.second)):
        logger.info("job taken", extra={"worker": worker_id})
        try:
            job = run_message(
                deps.services, deps.executor, deps.clock, message, worker_id, faults=deps.faults
            )
        except Exception as error:
            # Logs the class only, because an error's text may hold what the client sent.
            logger.error("job not concluded", extra={"error": type(error).__name__})
            raise
        # Without a job the message was old, or the attempt is another worker's by now.
        logger.info("job concluded", extra={"state": str(job.state) if job else None})


def worker_name(context: LambdaContext) -> str:
    """Returns the name of this execution environment, the same for every job that it runs."""
    stream = context.log_stream_name.rpartition("]")[2][:_ID_CHARACTERS]
    return f"lambda-{stream or os.getpid()}"


def misses_job_code(deps: WorkerDeps) -> bool:
    """Returns True if job code failed to load and a message named a type that is lacking. Logs why."""
    unloaded = deps.services.registry.faults()
    if not (unloaded and deps.faults.lacking):
        return False
    logger.error("this function lacks job types", extra={"why": "; ".join(unloaded)})
    return True
