"""The store of grants on DynamoDB: one item of the Control table."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, translated
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.statements import absent, equals, update_arguments
from tidegate.adapters.dynamodb.values import Plain, decode_item
from tidegate.domain.grants import Grant, Grants
from tidegate.domain.roles import Role
from tidegate.settings import Tables

_KEY = schema.control_key(schema.GRANTS)


@dataclass(frozen=True, slots=True)
class DynamoGrantStore:
    """Stores all grants in one item of Control; see ports.GrantStore."""

    clients: AwsClients
    tables: Tables

    def load(self) -> Grants:
        """Returns all grants, by one consistent read."""
        with translated("reading the grants"):
            answer = self.clients.dynamodb.get_item(
                TableName=self.tables.control, Key=_KEY, ConsistentRead=True
            )
        plain = decode_item(answer.get("Item") or {})
        entries = {
            namespace: Grant(
                namespace,
                Role(held[schema.GRANT_ROLE]),
                tuple(held[schema.GRANT_NAMESPACES]),
                held[schema.GRANT_BY],
                held[schema.GRANT_AT],
            )
            for namespace, held in plain.get(schema.GRANTED, {}).items()
        }
        return Grants(entries, plain.get(schema.VERSION, 0))

    def save_if_unchanged(self, grants: Grants) -> bool:
        """Writes all grants under the condition that the version is the one that was read."""
        unchanged = equals(schema.VERSION, grants.version) if grants.version else absent(schema.VERSION)
        try:
            with translated("writing the grants", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.control,
                    Key=_KEY,
                    **update_arguments(
                        f"SET #{schema.GRANTED} = ?, #{schema.VERSION} = ?",
                        ({name: _as_map(each) for name, each in grants.entries.items()}, grants.version + 1),
                        unchanged,
                    ),
                )
        except ClientError:
            return False
        return True


def _as_map(grant: Grant) -> dict[str, Plain]:
    return {
        schema.GRANT_ROLE: grant.role.value,
        schema.GRANT_NAMESPACES: list(grant.namespaces),
        schema.GRANT_BY: grant.by,
        schema.GRANT_AT: grant.at_ms,
    }
