"""The base of the models: immutable, and open to fields that only a newer API has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tidegate_client.errors import UnexpectedAnswer
from tidegate_client.wire import Json, Page

ModelT = TypeVar("ModelT", bound="Model")


class Model(BaseModel):
    """An answer of the API. A field that this client does not know is kept in `model_extra`, and is never an error."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


def reader(model: type[ModelT]) -> Callable[[Json], ModelT]:
    """Returns the reader that makes a model of an answer. The reader raises UnexpectedAnswer."""

    def read(answer: Json) -> ModelT:
        return _read(model, answer)

    return read


def page_reader(model: type[ModelT], name: str) -> Callable[[Json], Page[ModelT]]:
    """Returns the reader of a page whose items stand in the field `name`. The reader raises UnexpectedAnswer."""

    def read(answer: Json) -> Page[ModelT]:
        found, cursor = answer.get(name), answer.get("cursor")
        if not isinstance(found, list) or not isinstance(cursor, str | None):
            raise UnexpectedAnswer(f"the answer has no list of {name}; is this tidegate's API?")
        return Page(tuple(_read(model, each) for each in found), cursor, answer)

    return read


def list_reader(model: type[ModelT], name: str) -> Callable[[Json], tuple[ModelT, ...]]:
    """Returns the reader of a list that comes whole, in the field `name`. The reader raises UnexpectedAnswer."""
    read_page = page_reader(model, name)
    return lambda answer: read_page(answer).items


def _read(model: type[ModelT], answer: Any) -> ModelT:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) or "the whole" for each in error.errors()[:5])
        raise UnexpectedAnswer(
            f"the API answered with a {model.__name__} that this client can't read ({wrong}); update one of them"
        ) from error
