"""A run of the sender of webhooks: it takes the messages of an SQS event, and logs what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from tidegate.bootstrap import WebhooksDeps
from tidegate.entry.log_level import keep_log_level
from tidegate.entry.usage import log_usage
from tidegate.usecases.webhooks.deliver import Received, take

logger = Logger()
keep_log_level(logger)


def handle(event: Mapping[str, Any], deps: WebhooksDeps) -> dict[str, Any]:
    """Handles each message. Returns those that the queue keeps, because they are postponed or failed.

    A failure of one message never fails another.
    """
    before = deps.meter.snapshot()
    try:
        kept = [record["messageId"] for record in event["Records"] if not _is_finished(record, deps)]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}
    finally:
        log_usage(deps.meter, since=before)


def _is_finished(record: Mapping[str, Any], deps: WebhooksDeps) -> bool:
    """Handles one message. Returns True if the queue may forget it."""
    message = deps.message_from(record["body"])
    if message is None:
        # The queue moves it to the dead letters, where its sender may find it.
        logger.error("not a message of tidegate", extra={"message_id": record["messageId"]})
        return False
    attributes = record["attributes"]
    received = Received(
        message,
        record["receiptHandle"],
        int(attributes["ApproximateReceiveCount"]),
        int(attributes["SentTimestamp"]),
    )
    details = {
        "webhook": message.webhook_id or None,
        "event": message.detail.get("id"),
        "number": received.number,
    }
    try:
        done = take(deps.services, deps.queue, deps.tools, received)
    except Exception as error:  # noqa: BLE001  # whatever it is, the message comes again
        # Logs the class only, because an error's text may hold what a receiver said.
        logger.error("message not handled", extra={**details, "error": type(error).__name__})
        return False
    logger.info("message handled", extra={**details, "done": str(done)})
    return done.is_finished
