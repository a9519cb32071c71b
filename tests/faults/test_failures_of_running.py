"""Each call of AWS fails while jobs are dispatched, run and end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.harness.faults.emulated import EmulatedAws
from tests.harness.faults.injection import Injector
from tests.harness.faults.runs import let_each_call_fail
from tests.harness.faults.scenarios import RUNNING

pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.mark.parametrize("name", RUNNING)
def test_whatever_fails_everything_ends(
    name: str, aws: EmulatedAws, injector: Injector, note: Callable[[str], None]
) -> None:
    let_each_call_fail(name, RUNNING[name], aws, injector, note)
