"""The tables of `template.yaml`, created anywhere, so that tests run on the deployed keys and indexes."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tidegate.settings import Tables

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


@cache
def resources() -> dict[str, Any]:
    """Returns the template's resources by logical id. Tags like !Ref are left as they are."""
    with TEMPLATE.open(encoding="utf-8") as text:
        template = YAML(typ="rt").load(text)
    found: dict[str, Any] = template["Resources"]
    return found


def routes() -> set[tuple[str, str]]:
    """Returns the method and path of each route of the API, including those that the gateway itself answers."""
    paths = resources()["Api"]["Properties"]["DefinitionBody"]["paths"]
    return {(str(method).upper(), str(path)) for path, methods in paths.items() for method in methods}


def logical_id(field: str) -> str:
    """Returns the template's name of a table: SubmissionPlans for `submission_plans`."""
    return field.title().replace("_", "")


def table_properties(field: str) -> dict[str, Any]:
    """Returns the template's properties of the table that `Tables.<field>` names."""
    properties: dict[str, Any] = dict(resources()[logical_id(field)]["Properties"])
    if "GlobalSecondaryIndexes" in properties:  # without an index that is there under a condition alone
        indexes = properties["GlobalSecondaryIndexes"]
        properties["GlobalSecondaryIndexes"] = [index for index in indexes if "IndexName" in index]
    return properties


def named_as_in_template() -> Tables:
    """Returns tables whose names are those of the template."""
    return Tables(**{field.name: logical_id(field.name) for field in fields(Tables)})


def create_tables(dynamodb: Any, prefix: str) -> Tables:
    """Creates every table under a name that begins with `prefix`, through a boto3 client. Returns the names."""
    names = {field.name: f"{prefix}-{logical_id(field.name)}" for field in fields(Tables)}
    for field, name in names.items():
        properties = table_properties(field)
        wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        dynamodb.create_table(
            TableName=name, **{key: _plain(properties[key]) for key in wanted if key in properties}
        )
    return Tables(**names)


def delete_tables(dynamodb: Any, tables: Tables) -> None:
    """Deletes these tables."""
    for field in fields(Tables):
        dynamodb.delete_table(TableName=getattr(tables, field.name))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value)
