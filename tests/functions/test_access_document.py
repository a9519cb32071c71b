"""docs/reference/access.md shows what the API takes and answers."""

from __future__ import annotations

import json
import re

from tests.harness.domain.documents import read_document
from tests.harness.functions.api_calls import Api

DOCUMENT = read_document("reference/access.md")
EXAMPLES = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]


def test_the_grant_is_what_the_api_answers() -> None:
    body, grant = EXAMPLES[:2]
    asked = re.search(r"PUT (/v1/grants)\?namespace=([^`]+)`", DOCUMENT)
    assert asked
    answer = Api().call("PUT", asked[1], body, query={"namespace": asked[2]}, arn=grant["by"])
    assert answer.body == grant
