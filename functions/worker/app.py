"""The entry point of the Lambda pool's worker."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from tidegate import bootstrap
from tidegate.entry.worker import logger, misses_job_code, run_records, worker_name


@cache
def _deployed() -> bootstrap.WorkerDeps:
    return bootstrap.worker_function()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Runs the jobs of an SQS event of the pool's queue."""
    logger.append_keys(function_request_id=context.aws_request_id)
    deps = _deployed()
    try:
        return run_records(event, deps, worker_name(context))
    finally:
        if misses_job_code(deps):
            _deployed.cache_clear()  # the next invocation tries to load these modules again
