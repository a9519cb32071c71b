"""Decides which parts of a job are stored in its own item and which overflow, by the cost of the writes of its life."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.codec import (
    JobCodec,
    input_values,
)
from tidegate.adapters.dynamodb.texts import grouped_dependents
from tidegate.adapters.dynamodb.values import (
    Item,
    Plain,
    encode_item,
    item_size,
    write_units,
)
from tidegate.domain.job import Job

GROWTH_BYTES = (
    420  # growth of an item from submission to its end (history, times, lease, worker); a test measures it
)
_WRITES_OF_A_LIFE = 4  # submit, dispatch, claim, complete
_EDGES_PER_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class SplitJob:
    """A job as it is stored: its own item, and its overflow, which is written first."""

    item: Item
    input_item: Item | None
    page_items: tuple[Item, ...]


def split(codec: JobCodec, job: Job, expires_at_s: int) -> SplitJob:
    """Moves the job's input, its dependents, both or neither to the overflow, whichever costs least over its life.

    The overflow may be removed after `expires_at_s` (seconds since the epoch).
    """
    whole = codec.whole_item(job)
    best = SplitJob(whole, None, ())
    if write_units(item_size(whole) + GROWTH_BYTES) == 1:
        return best
    lowest = _cost_of(whole)
    input_item = _input_item(job, expires_at_s)
    page_items = _page_items(job, expires_at_s)
    for moves_input, moves_pages in ((True, False), (False, True), (True, True)):
        if (moves_input and input_item is None) or (moves_pages and not page_items):
            continue
        item = _without(whole, moves_input, moves_pages)
        apart = ([input_item] if moves_input and input_item else []) + (page_items if moves_pages else [])
        cost = _cost_of(item) + sum(write_units(item_size(part)) for part in apart)
        if cost < lowest:
            pages = tuple(page_items) if moves_pages else ()
            best, lowest = SplitJob(item, input_item if moves_input else None, pages), cost
    return best


def _input_item(job: Job, expires_at_s: int) -> Item | None:
    values = input_values(job.job_id, job.input)
    if job.input is None or not any(values.values()):
        return None
    key: dict[str, Plain] = {schema.JOB_ID: job.job_id, schema.PART: schema.input_part(job.fingerprint)}
    return encode_item({**key, **values, schema.EXPIRES_AT: expires_at_s})


def _page_items(job: Job, expires_at_s: int) -> list[Item]:
    pages = []
    for number, start in enumerate(range(0, len(job.dependents), _EDGES_PER_PAGE)):
        page: dict[str, Plain] = {
            schema.UPSTREAM_ID: job.job_id,
            schema.ENTRY: schema.dependents_page(number),
            schema.DEPENDENTS: grouped_dependents(job.dependents[start : start + _EDGES_PER_PAGE]),
            schema.EXPIRES_AT: expires_at_s,
        }
        pages.append(encode_item(page))
    return pages


def _without(whole: Item, input_apart: bool, dependents_apart: bool) -> Item:
    item = dict(whole)
    if input_apart:
        item.pop(schema.PARAMETERS, None)
        item.pop(schema.DEPENDS_ON, None)
        item[schema.INPUT_APART] = {"BOOL": True}
    if dependents_apart:
        item.pop(schema.DEPENDENTS, None)
        item[schema.DEPENDENTS_APART] = {"BOOL": True}
    return item


def _cost_of(item: Item) -> int:
    return _WRITES_OF_A_LIFE * write_units(item_size(item) + GROWTH_BYTES)
