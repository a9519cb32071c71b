"""The description of the API as tests use it: every request is drawn from it, and every answer is held to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import TypeAdapter, ValidationError
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import missing_required_header

from dev.scripts.openapi import KEPT
from tidegate.contracts.route import PARTS

DOCUMENT: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
# The one header that routes require is the signature, and the check wants 401 without it. API Gateway answers 403, as
# its documents say. `ignored_auth` holds that no route answers without it.
LEFT_OUT = [missing_required_header]
# A pool, a type or a cursor of the right form may still be none of this deployment, which is 422. A token of the right
# form may be none of the job, which is 403.
ACCEPTED = ["2xx", "3xx", "403", "404", "409", "422"]


def closed_components() -> dict[str, Any]:
    """Returns the named parts of the description, but with answers that take no field besides those described."""
    components: dict[str, Any] = copy.deepcopy(DOCUMENT["components"])
    for schema in components["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return components


def drawn_settings(examples: int) -> settings:
    """Returns settings that draw the same requests each time, `examples` for each route besides those of its bounds."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def described_api(existing: Mapping[str, str]) -> BaseSchema:
    """Returns the description, from which requests are drawn. A drawn id of the right form becomes an existing one."""
    # The API that is called takes signatures; the description names the one for bearer tokens as another choice.
    signed = {**DOCUMENT, "security": DOCUMENT["security"][:1], "components": closed_components()}
    schema: BaseSchema = schemathesis.openapi.from_dict(signed)
    schema.config.checks.positive_data_acceptance.expected_statuses = ACCEPTED

    def map_path_parameters(_context: object, parts: dict[str, Any] | None) -> dict[str, Any] | None:
        return parts and {name: _existing(existing, name, value) for name, value in parts.items()}

    def filter_query(_context: object, query: dict[str, Any] | None) -> bool:
        # An empty list is sent as nothing. So a request that is to be refused for it would be a valid one.
        return query is None or [] not in query.values()

    schema.hook(map_path_parameters)
    schema.hook(filter_query)
    return schema


def _existing(existing: Mapping[str, str], name: str, value: Any) -> Any:
    return existing[name] if name in existing and _has_form(name, value) else value


def _has_form(name: str, value: Any) -> bool:
    try:
        _FORMS[name].validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


_FORMS: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(part.form) for name, part in PARTS.items()}
