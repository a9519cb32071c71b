"""Makes moto refuse the requests that DynamoDB refuses, by the checks of the local stack."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from tidegate_devstack.strict_requests import refusal_of
from tidegate_devstack.strict_statements import refusal_of_statement
from tidegate_devstack.strict_values import Refusal, Schema, schema_of

_REFUSAL = "tidegate_refusal"
_OF_STATEMENTS = "tidegate_refusals_of_statements"


def make_strict(client: Any) -> None:
    """Makes a boto3 client refuse the requests that AWS refuses. Call it after `answer_statements`."""
    schemas: dict[str, Schema] = {}

    def note(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name == "CreateTable":
            schemas[params["TableName"]] = schema_of(params)
        context[_REFUSAL] = refusal_of(model.name, params, schemas)
        if model.name == "BatchExecuteStatement":
            context[_OF_STATEMENTS] = [refusal_of_statement(each, schemas) for each in params["Statements"]]

    def answer(
        params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> tuple[Any, dict[str, Any]] | None:
        refusal: Refusal | None = context.get(_REFUSAL)
        if refusal is not None:
            return _answer(400, Error={"Code": refusal.code, "Message": refusal.message})
        refusals = context.get(_OF_STATEMENTS)
        if not refusals or not any(refusals):
            return None
        asked = json.loads(params["body"])
        left = [each for each, refusal in zip(asked["Statements"], refusals, strict=True) if refusal is None]
        params["body"] = json.dumps({**asked, "Statements": left}).encode()
        return None if left else _answer(200, Responses=[])

    def put_back(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "Responses" in parsed:
            carried_out = iter(parsed["Responses"])
            parsed["Responses"] = [
                next(carried_out)
                if each is None
                else {"Error": {"Code": "ValidationError", "Message": each.message}}
                for each in context[_OF_STATEMENTS]
            ]

    events = client.meta.events
    events.register("provide-client-params.dynamodb", note)
    for operation in client.meta.service_model.operation_names:  # before other answers of the operation
        events.register_first(f"before-call.dynamodb.{operation}", answer)
    events.register_first("after-call.dynamodb.BatchExecuteStatement", put_back)


def _answer(status: int, **answer: Any) -> tuple[Any, dict[str, Any]]:
    metadata = {"HTTPStatusCode": status, "RetryAttempts": 0}
    return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": metadata}
