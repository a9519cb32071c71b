"""Every store of pulses behaves the same."""

from __future__ import annotations

from tests.harness.contract.stores import NOW_MS, Stores
from tidegate.domain.pulses import Part


def test_each_part_has_a_pulse_of_its_own(stores: Stores) -> None:
    assert stores.pulses.load() == {}
    stores.pulses.note_if_later(Part.REAPER, NOW_MS)
    stores.pulses.note_if_later(Part.RELEASE, NOW_MS + 1)
    assert stores.pulses.load() == {Part.REAPER: NOW_MS, Part.RELEASE: NOW_MS + 1}


def test_a_pulse_only_becomes_later(stores: Stores) -> None:
    for at_ms in (NOW_MS, NOW_MS + 60_000, NOW_MS + 59_999, NOW_MS + 60_000):
        stores.pulses.note_if_later(Part.DISPATCHER, at_ms)
    assert stores.pulses.load() == {Part.DISPATCHER: NOW_MS + 60_000}
