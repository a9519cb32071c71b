"""Makes the JSON Schemas of everything that travels, and names each by its model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue

Json = dict[str, Any]
PLACE = "#/components/schemas/{model}"
_RUST_CHARACTER = re.compile(r"\\x\{([0-9a-f]+)\}")
_BASIC_PLANE = 0xFFFF


class _Plain(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of the fields' names, because they say nothing more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


class Schemas:
    """The schemas of some types. `definitions` holds those with a name, and `of` returns the one of a type."""

    def __init__(self, wanted: Iterable[tuple[Any, JsonSchemaMode]]) -> None:
        """Makes the schemas of `wanted`: types as pydantic reads them, as they are sent or as they are answered."""
        inputs: list[tuple[Hashable, JsonSchemaMode, TypeAdapter[Any]]] = []
        self._keys: list[tuple[Any, JsonSchemaMode]] = []
        for kind, mode in wanted:
            if (kind, mode) not in self._keys:
                inputs.append((len(self._keys), mode, TypeAdapter(kind)))
                self._keys.append((kind, mode))
        found, shared = TypeAdapter.json_schemas(inputs, ref_template=PLACE, schema_generator=_Plain)
        self._found: Mapping[tuple[Any, JsonSchemaMode], JsonSchemaValue] = found
        self.definitions: Json = {
            name: _readable(each) for name, each in sorted(shared.get("$defs", {}).items())
        }

    def of(self, kind: Any, mode: JsonSchemaMode) -> Json:
        """Returns the schema of a wanted type, a reference where it has a name."""
        made: Json = _readable(self._found[(self._keys.index((kind, mode)), mode)])
        return made


def _readable(value: Any) -> Any:
    """Returns a schema whose patterns are as ECMA-262 writes them and whose texts are not wrapped."""
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {
        _pattern(name) if _RUST_CHARACTER.search(name) else name: _readable(each)
        for name, each in value.items()
    }
    if isinstance(made.get("pattern"), str):
        made["pattern"] = _pattern(made["pattern"])
    if isinstance(made.get("description"), str):
        made["description"] = unwrapped(made["description"])
    return made


def _pattern(rust: str) -> str:
    """Returns a pattern without the escapes of Rust, which JSON Schema does not know."""

    def character(found: re.Match[str]) -> str:
        number = int(found[1], 16)
        return f"\\u{number:04x}" if number <= _BASIC_PLANE else chr(number)

    return _RUST_CHARACTER.sub(character, rust)


def unwrapped(text: str) -> str:
    """Returns a docstring with one line for each paragraph."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
