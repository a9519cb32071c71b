"""Writes a roll-up as few bytes, and reads it again.

The bytes are a version, then compressed JSON. A histogram is a flat list: the zeros, then for each bucket its distance
from the bucket before and its count. Such lists hold small numbers, which compress well.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from tidegate.domain.statistics.figures import Figures
from tidegate.domain.statistics.histogram import Histogram
from tidegate.domain.statistics.rollup import Rollup

_VERSION: Final = 1
_COUNTS: Final = tuple(each.name for each in fields(Figures) if each.name not in {"wait", "run", "overrun"})


class UnknownVersion(ValueError):
    """The error for a roll-up that a later version wrote."""


def packed(rollup: Rollup) -> bytes:
    """Returns the roll-up as bytes; equal roll-ups have equal bytes."""
    kinds = [_plain(rollup.types), _plain(rollup.shares), _plain(rollup.workers)]
    return bytes([_VERSION]) + zlib.compress(json.dumps(kinds, separators=(",", ":")).encode(), 9)


def unpacked(data: bytes) -> Rollup:
    """Returns the roll-up that `packed` made bytes of. Raises UnknownVersion if a later version wrote it."""
    if data[0] != _VERSION:
        raise UnknownVersion(f"a roll-up of version {data[0]}")
    types, shares, workers = json.loads(zlib.decompress(data[1:]))
    return Rollup(_figures(types), _figures(shares), _figures(workers))


def _plain(by_key: Mapping[str, Figures]) -> dict[str, list[Any]]:
    return {key: _row(by_key[key]) for key in sorted(by_key)}


def _row(figures: Figures) -> list[Any]:
    counts = [getattr(figures, name) for name in _COUNTS]
    return [*counts, _flat(figures.wait), _flat(figures.run), _flat(figures.overrun)]


def _figures(rows: Mapping[str, list[Any]]) -> dict[str, Figures]:
    return {key: _figures_of(row) for key, row in rows.items()}


def _figures_of(row: list[Any]) -> Figures:
    *counts, wait, run, overrun = row
    return Figures(
        **dict(zip(_COUNTS, counts, strict=True)),
        wait=_histogram(wait),
        run=_histogram(run),
        overrun=_histogram(overrun),
    )


def _flat(histogram: Histogram) -> list[int]:
    flat, before = [histogram.zeros], 0
    for number, count in histogram.buckets:
        flat += [number - before, count]
        before = number
    return flat


def _histogram(flat: list[int]) -> Histogram:
    buckets, number = [], 0
    for step, count in zip(flat[1::2], flat[2::2], strict=True):
        number += step
        buckets.append((number, count))
    return Histogram(flat[0], tuple(buckets))
