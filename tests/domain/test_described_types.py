"""The job types as another process describes them: what follows from the options that their code asked for."""

from __future__ import annotations

import pytest

from tidegate.domain.described_types import DescribedTypes
from tidegate.domain.type_facts import TypeFacts

TYPES = DescribedTypes(
    {
        "text.count": {"reads_upstreams": True, "second_attempt": True},
        "sql.run": {"aws_credentials": True, "needs_process": True},
        "plain": {},
    },
    ("broken.py: no module named x",),
)


def test_types_are_sorted_and_faults_are_told() -> None:
    assert TYPES.types() == ["plain", "sql.run", "text.count"]
    assert TYPES.faults() == ("broken.py: no module named x",)


@pytest.mark.parametrize(
    ("job_type", "reads_upstreams", "wants_keys", "facts"),
    [
        ("text.count", True, False, TypeFacts(True, False)),
        ("sql.run", False, True, TypeFacts(False, True)),
        ("plain", False, False, TypeFacts(False, False)),
    ],
)
def test_a_type_has_the_options_that_its_code_asked_for(
    job_type: str, reads_upstreams: bool, wants_keys: bool, facts: TypeFacts
) -> None:
    assert TYPES.reads_upstreams(job_type) is reads_upstreams
    assert TYPES.wants_keys(job_type) is wants_keys
    assert TYPES.may_run_twice(job_type) is facts.second_attempt
    assert TYPES.facts(job_type) == facts


def test_an_option_counts_only_if_it_is_true_itself() -> None:
    """The description comes from a process that runs job code, so nothing in it is sure to be a truth value."""
    types = DescribedTypes({"odd": {"reads_upstreams": "yes", "aws_credentials": 1, "second_attempt": [1]}})
    assert not types.reads_upstreams("odd")
    assert not types.wants_keys("odd")
    assert types.may_run_twice("odd") is False


def test_without_a_description_no_type_is_known_and_nothing_is_at_fault() -> None:
    """A function that neither accepts nor runs jobs has this in place of a registry."""
    nothing = DescribedTypes()
    assert nothing.types() == []
    assert not nothing.faults()
    assert not nothing.homes
    assert nothing.described == ()
    assert not nothing.violations("text.count", {"path": 5})
    assert nothing.reads_upstreams("text.count") is False
    assert nothing.wants_keys("text.count") is False
    assert nothing.may_run_twice("text.count") is None
    assert nothing.facts("text.count") is None
