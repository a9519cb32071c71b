"""What is wrong with a body, in the words of the API: pydantic's errors by their fields, and numbers too large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidegate.domain.errors import Violation
from tidegate.domain.suggestions import did_you_mean

_NAME_CHARACTERS = 64  # of a field's name that the API does not know
_SHOWN_UNKNOWN = 10

_MESSAGES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field; leave it out or correct its name",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must not hold control characters, such as line breaks, nor marks that nothing shows",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "model_type": "must be an object",
}
_MESSAGES_WITH_BOUND: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "enum": lambda context: f"must be one of {context['expected']}",
    "literal_error": lambda context: f"must be {context['expected']}",
    "string_too_long": lambda context: f"must have at most {context['max_length']:,} characters",
    "greater_than_equal": lambda context: f"must be at least {_number(context['ge'])}",
    "less_than_equal": lambda context: f"must be at most {_number(context['le'])}",
    "value_error": lambda context: str(context["error"]),
}


def violations_of(
    error: ValidationError, field: str = "", model: type[BaseModel] | None = None
) -> Iterator[Violation]:
    """Yields pydantic's errors as violations.

    `field` is the path of the part that was read as `model`, empty for the whole body.
    """
    for detail in error.errors(include_url=False, include_input=False):
        message = _message(detail)
        if detail["type"] == "extra_forbidden" and model is not None:
            message += did_you_mean(str(detail["loc"][-1]), _fields_beside(model, detail["loc"]))
        yield Violation(join_path(field, detail["loc"]), message)


def _fields_beside(model: type[BaseModel], location: Sequence[int | str]) -> Iterable[str]:
    """Returns the names of the fields that exist beside an unknown one."""
    for part in location[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            inner = _model_in(model.model_fields[part].annotation)
            if inner is None:
                return ()
            model = inner
    return model.model_fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in get_args(annotation))
    return next((model for model in found if model is not None), None)


def oversize_violations(model: type[BaseModel], value: Mapping[str, Any], field: str) -> Iterator[Violation]:
    """Yields the violations of a value with more fields or entries than `model` takes.

    It counts them before pydantic looks at and reports each of them.
    """
    unknown = (name for name in value if name not in model.model_fields)
    if len(value) > len(model.model_fields):
        for name in islice(unknown, _SHOWN_UNKNOWN):
            hint = did_you_mean(name, model.model_fields)
            yield Violation(join_path(field, (name,)), _MESSAGES["extra_forbidden"] + hint)
    for name, info in model.model_fields.items():
        bound = next(
            (length for entry in info.metadata if (length := getattr(entry, "max_length", None)) is not None),
            None,
        )
        held = value.get(name)
        if bound is not None and isinstance(held, list | dict) and len(held) > bound:
            yield Violation(
                join_path(field, (name,)), f"has {len(held):,} entries; at most {bound:,} are allowed"
            )


def join_path(field: str, location: Sequence[int | str]) -> str:
    """Returns `jobs[3].tags.team` for the place `(tags, team)` in `jobs[3]`."""
    text = field
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]":  # pydantic marks the name of an entry with [key]
            text += f".{part[:_NAME_CHARACTERS]}"
    return text.removeprefix(".")


def _number(bound: float) -> str:
    return f"{int(bound) if bound == int(bound) else bound:,}"


def _message(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind in _MESSAGES_WITH_BOUND:
        message = _MESSAGES_WITH_BOUND[kind](detail["ctx"])
    else:
        message = _MESSAGES.get(kind, detail["msg"])
    return f"has a name that {message}" if detail["loc"][-1:] == ("[key]",) else message


def too_large_numbers(value: Any, most: int) -> Iterator[Violation]:
    """Yields a violation for each number of a JSON value that is too large for a float, like 1e400.

    It stops after the first `most`.
    """
    for place in islice(_infinite_numbers(value, ()), most):
        yield Violation(join_path("", place), "is too large a number; at most 1.7e308")


def _infinite_numbers(value: Any, place: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    if isinstance(value, float) and math.isinf(value):
        yield place
    elif isinstance(value, dict):
        for name, held in value.items():
            yield from _infinite_numbers(held, (*place, name))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _infinite_numbers(held, (*place, index))
