"""The command line and the console read the same texts, and refuse the same ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tidegate_cli.documents.structures import load
from tidegate_cli.errors import MalformedFile

# clients/console/src/screens/submit/readText.test.ts reads them too.
CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "structured_texts.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_text_is_read_or_refused(case: dict[str, Any]) -> None:
    if "value" in case:
        found = load(case["text"], "text")
        # JSON tells `1` from `true`, which Python takes for equal.
        assert json.dumps(found) == json.dumps(case["value"])
    else:
        with pytest.raises(MalformedFile):
            load(case["text"], "text")
