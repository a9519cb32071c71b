"""The prices of AWS, and what an amount of units costs by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Final

from tidegate.domain.costs.units import Units
from tidegate.domain.errors import InvalidRequest

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """A table of prices in dollars, with its date and region, and the machines that jobs run on.

    The first six prices are for a million. `gb_seconds` is for a million GB-seconds of a function. `task_vcpu_hours`
    and `task_gb_hours` are for one hour. `function_gb` is the memory of the worker function in GB, `task_vcpus` and
    `task_gb` the size of one task, and `task_slots` how many jobs it runs at once. A job pays for its slot alone.
    """

    as_of: str
    region: str
    write_units: float
    read_units: float
    sqs_requests: float
    api_calls: float
    invocations: float
    gb_seconds: float
    task_vcpu_hours: float
    task_gb_hours: float
    function_gb: float
    task_vcpus: float
    task_gb: float
    task_slots: float


LIST_PRICES: Final = Prices(
    as_of="2026-11",
    region="us-east-1",
    write_units=0.625,
    read_units=0.125,
    sqs_requests=0.40,
    api_calls=3.50,
    invocations=0.20,
    gb_seconds=13.3334,  # on arm64
    task_vcpu_hours=0.03238,  # Fargate on arm64
    task_gb_hours=0.00356,
    function_gb=1.0,
    task_vcpus=1.0,
    task_gb=2.0,
    task_slots=4.0,
)
"""List prices of November 2026, from AWS's pages of prices, and the machines that template.yaml makes by default."""

_TEXTS: Final = ("as_of", "region")
_NUMBERS: Final = tuple(each.name for each in fields(Prices) if each.name not in _TEXTS)


def dollars(units: Units, prices: Prices) -> float:
    """Returns the price of an amount of units, in dollars."""
    by_million = (
        units.write_units * prices.write_units
        + units.read_units * prices.read_units
        + units.sqs_requests * prices.sqs_requests
        + units.api_calls * prices.api_calls
        + units.invocations * prices.invocations
        + units.function_seconds * prices.function_gb * prices.gb_seconds
    )
    task_hour = prices.task_vcpus * prices.task_vcpu_hours + prices.task_gb * prices.task_gb_hours
    return by_million / MILLION + units.task_seconds / 3_600 * task_hour / prices.task_slots


def prices_from(given: Mapping[str, object]) -> Prices:
    """Returns the list prices with the values of `given` in their place.

    Raises InvalidRequest for a name that no price has, and for a value that is no number of 0 or more, or no text.
    """
    for name, value in given.items():
        if name in _TEXTS:
            if not isinstance(value, str):
                raise InvalidRequest.of(name, "must be a text")
        elif name not in _NUMBERS:
            raise InvalidRequest.of(name, f"is no price; prices are {', '.join(_NUMBERS)}")
        elif not _is_amount(value) or (name == "task_slots" and not _is_slots(value)):
            raise InvalidRequest.of(
                name, "must be a number of dollars or an amount, 0 or more; slots are 1 or more"
            )
    return replace(LIST_PRICES, **given)  # type: ignore[arg-type]  # the loops above checked them


def _is_slots(value: object) -> bool:
    return isinstance(value, int | float) and value >= 1


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
