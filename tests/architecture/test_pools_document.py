"""docs/explanation/pools.md and docs/guides/add-a-pool.md match the accepted settings and the template."""

from __future__ import annotations

import re

from tests.harness.domain.documents import read_document, table_rows
from tests.harness.tables import TEMPLATE
from tests.harness.template import Resolved
from tidegate.domain.pools import PoolKind
from tidegate.settings import read_settings

DOCUMENT = read_document("explanation/pools.md")
GUIDE = read_document("guides/add-a-pool.md")


def test_the_entry_for_another_pool_is_what_the_settings_take() -> None:
    (entry,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    variables = Resolved().globals["Function"]["Environment"]["Variables"]
    given = {name: str(value) for name, value in variables.items()} | {"TIDEGATE_POOLS": entry}
    pool = read_settings(given).pools["gpu"]
    assert (pool.kind, sorted(pool.capabilities), pool.tags) == (
        PoolKind.PROCESS,
        ["gpu", "large"],
        {"compute": "ec2"},
    )


def test_the_parameters_and_their_defaults_are_those_of_the_template() -> None:
    defaults = Resolved().parameters
    for names, values, _ in table_rows(DOCUMENT, "parameter"):
        for name, value in zip(names.split(", "), values.split(", "), strict=True):
            assert defaults[name.strip("`")] == value


def test_the_queues_of_another_pool_are_those_of_the_template_under_another_name() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    template = TEMPLATE.read_text(encoding="utf-8")
    resources = re.split(r"\n\n(?=  \w)", shown.rstrip())
    assert [resource.split(":")[0].strip() for resource in resources] == [
        "GpuPoolQueue",
        "GpuPoolDeadLetters",
        "GpuPoolQueuePolicy",
        "GpuPoolDeadLettersPolicy",
    ]
    for resource in resources:
        assert resource.replace("Gpu", "Ecs") + "\n" in re.sub(r" *#.*\n", "", template)
