from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.faults.emulated import EmulatedAws, emulated_aws
from tests.harness.faults.injection import Injector
from tests.harness.faults.runs import SITES
from tidegate.domain import limits
from tidegate.usecases.bounds import sweep


@pytest.fixture(scope="module")
def aws() -> Iterator[EmulatedAws]:
    with emulated_aws() as emulated:
        yield emulated


@pytest.fixture(scope="module")
def injector(aws: EmulatedAws) -> Injector:
    return Injector(aws.clients, SITES)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the reaper's cursors advance although there are few jobs."""
    monkeypatch.setattr(sweep, "PAGE", 1)
    # One job is taken back and the next fails. A third would show nothing new.
    monkeypatch.setattr(limits, "MAX_DISPATCHES_GIVEN_UP", 2)
