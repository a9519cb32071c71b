"""The job store on DynamoDB: jobs, their inputs and results, and their edges.

A job is one item of the Jobs table. A large input or result overflows to the Payloads table, and edges that do not
fit the item overflow to the Dependents table.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tidegate.adapters.aws.calls import chunks, compact_json
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.aws.errors import CONDITION_FAILED, old_item, translated, was_retried
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.batches import DynamoBatches
from tidegate.adapters.dynamodb.codec import (
    JobCodec,
    SplitJob,
    dependency_from,
    dependents_from,
    input_from_item,
    input_values,
    job_from_image,
    json_from,
    split,
)
from tidegate.adapters.dynamodb.statements import (
    Clause,
    Update,
    absent,
    any_of,
    below,
    condition_arguments,
    never_released,
)
from tidegate.adapters.dynamodb.values import Item, decode_item, encode_item
from tidegate.adapters.dynamodb.writes import TransitionWriter
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.errors import NotFound, ServiceRefused
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.stored import Stored
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import KeepIfEnded, Transition
from tidegate.ports import DependentsPage, TransitionOutcome
from tidegate.settings import Tables

_LOGGER = logging.getLogger("tidegate.store")
MAX_INLINE_RESULT_BYTES = 4 * 1024
_DAY_SECONDS = 86_400
_INLINE = ""  # the place of the edges in the job's own item
# Jobs of one read. With 2,000 dependencies each they take 5 MB, and only one such read is sent at a time.
_DEPENDENCIES_PER_READ = 25
_LONGEST_WAIT_SECONDS = 400 * _DAY_SECONDS  # a job may wait 366 days for its time, then for a dispatch


@dataclass(frozen=True, slots=True)
class DynamoJobStore:
    """Stores jobs in DynamoDB. `retention_seconds` says how long an ended job is kept."""

    clients: AwsClients
    tables: Tables
    codec: JobCodec
    retention_seconds: int

    @property
    def _batches(self) -> DynamoBatches:
        return DynamoBatches(self.clients)

    @property
    def _writer(self) -> TransitionWriter:
        return TransitionWriter(self.clients, self.tables.jobs, self.codec)

    # --- reading ---------------------------------------------------------------------------------
    def get(self, job_id: str, *, consistent: bool = False) -> Job | None:
        """Returns the job, or None. Without `consistent` the answer may be a little old."""
        item = self._get_item(self.tables.jobs, {schema.JOB_ID: {"S": job_id}}, consistent=consistent)
        return None if item is None else job_from_image(item)

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        """Returns the jobs that exist, by id. Without `consistent` they may be a little old.

        A malformed item is logged and left out, so that it does not fail the read of the other jobs.
        """
        keys: list[Item] = [{schema.JOB_ID: {"S": job_id}} for job_id in dict.fromkeys(job_ids)]
        found: dict[str, Job] = {}
        for item in self._batches.read(self.tables.jobs, keys, consistent=consistent):
            try:
                job = job_from_image(item)
            except ServiceRefused as error:
                _LOGGER.error("%s", error)
            else:
                found[job.job_id] = job
        return found

    def load_input(self, job: Job) -> JobInput:
        """Returns the input that the caller submitted; raises NotFound if it has passed its retention."""
        return self.load_inputs([job])[job.job_id] if job.input is None else job.input

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        """Returns the inputs of many jobs by job id; raises NotFound if one has passed its retention."""
        inputs = {job.job_id: job.input for job in jobs if job.input is not None}
        overflowed = {job.job_id: job for job in jobs if job.input is None}
        keys = [_part_key(job_id, _input_part(job)) for job_id, job in overflowed.items()]
        for item in self._batches.read(self.tables.payloads, keys):
            job_id = item[schema.JOB_ID]["S"]
            inputs[job_id] = input_from_item(job_id, item)
        for job_id in overflowed.keys() - inputs.keys():
            # The eventually consistent read above can miss an input that was just written.
            key = _part_key(job_id, _input_part(overflowed[job_id]))
            found = self._get_item(self.tables.payloads, key, consistent=True)
            if found is None:
                raise NotFound("input of job", job_id)
            inputs[job_id] = input_from_item(job_id, found)
        return inputs

    def load_dependencies(self, wanted: Sequence[tuple[Job, int]]) -> dict[tuple[str, int], Dependency]:
        """Loads single dependencies; returns them by job id and ordinal in `depends_on`.

        The parameters, which may take 256 KB, are not read. Raises NotFound where an input has passed its retention.
        """
        places: dict[str, set[int]] = {}
        for job, place in wanted:
            places.setdefault(job.job_id, set()).add(place)
        loaded: dict[tuple[str, int], Dependency] = {}
        overflowed: list[Job] = []
        for job in {job.job_id: job for job, _ in wanted}.values():
            if job.input is None:
                overflowed.append(job)
            else:
                loaded |= {(job.job_id, place): job.input.depends_on[place] for place in places[job.job_id]}
        for portion in chunks(overflowed, _DEPENDENCIES_PER_READ):
            for job_id, texts in self._dependency_texts(portion).items():
                for place in places[job_id]:
                    loaded[job_id, place] = dependency_from(job_id, texts[place]["S"])
        return loaded

    def _dependency_texts(self, jobs: Sequence[Job]) -> dict[str, Sequence[Item]]:
        """Returns the stored texts of the dependencies, by job id, for jobs whose input overflowed."""
        keys = {job.job_id: _part_key(job.job_id, _input_part(job)) for job in jobs}
        only = (schema.JOB_ID, schema.DEPENDS_ON)
        found = self._batches.read(self.tables.payloads, list(keys.values()), only=only)
        texts = {item[schema.JOB_ID]["S"]: item[schema.DEPENDS_ON]["L"] for item in found}
        for job_id in keys.keys() - texts.keys():
            # The eventually consistent read above can miss an input that was just written.
            fresh = self._batches.read(self.tables.payloads, [keys[job_id]], only=only, consistent=True)
            if not fresh:
                raise NotFound("input of job", job_id)
            texts[job_id] = fresh[0][schema.DEPENDS_ON]["L"]
        return texts

    def load_result(self, job: Job) -> Json:
        """Returns the job's result, or None while there is none; raises NotFound if it has passed its retention."""
        if not job.result_overflow:
            return job.result
        key = _part_key(job.job_id, schema.result_part(job.result_name))
        item = self._get_item(self.tables.payloads, key, consistent=True)
        if item is None:
            raise NotFound("result of job", job.job_id)
        return json_from(item[schema.RESULT]["S"])

    def list_dependents(self, job: Job) -> Sequence[Dependent]:
        """Returns all edges that leave `job`: those inline and those in the overflow, by a consistent read."""
        if not job.dependents_overflow:
            return job.dependents
        edges = list(job.dependents)
        for item in self._batches.query(
            self.tables.dependents,
            KeyConditionExpression="#upstream = :upstream",
            ExpressionAttributeNames={"#upstream": schema.UPSTREAM_ID},
            ExpressionAttributeValues={":upstream": {"S": job.job_id}},
            ConsistentRead=True,
        ):
            edges.extend(_edges_of(item))
        return edges

    def page_dependents(
        self, job: Job, *, limit: int, after: tuple[str, int] | None = None
    ) -> DependentsPage:
        """Returns at most `limit` of the edges that leave `job`: those inline first, then those in the overflow.

        A place is the range key of an item of the overflow ("" for the job's own item), and how many of its edges were
        returned.
        """
        entry, passed = after or (_INLINE, 0)
        found = _placed(_INLINE, job.dependents, passed) if entry == _INLINE else []
        is_cut = False
        if job.dependents_overflow and len(found) <= limit:
            items, is_cut = self._edges_from(job.job_id, entry, limit + 2 - len(found))
            for item in items:
                at = str(item[schema.ENTRY]["S"])
                found += _placed(at, _edges_of(item), passed if at == entry else 0)
        page = found[:limit]
        more = len(found) > limit or is_cut
        return DependentsPage(tuple(edge for edge, _ in page), page[-1][1] if page and more else None)

    def _edges_from(self, job_id: str, entry: str, limit: int) -> tuple[list[Item], bool]:
        """Returns the first items of the overflow from `entry` on, and whether there are more."""
        values: Item = {":upstream": {"S": job_id}}
        names, condition = {"#upstream": schema.UPSTREAM_ID}, "#upstream = :upstream"
        if entry != _INLINE:
            values[":entry"], names["#entry"] = {"S": entry}, schema.ENTRY
            condition += " AND #entry >= :entry"
        with translated(f"querying {self.tables.dependents}"):
            answer = self.clients.dynamodb.query(
                TableName=self.tables.dependents,
                KeyConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                Limit=limit,
            )
        return [dict(item) for item in answer["Items"]], "LastEvaluatedKey" in answer

    def list_dependents_of(self, jobs: Sequence[Job]) -> list[Sequence[Dependent]]:
        """Returns the edges that leave each of `jobs`, in the order of the jobs; the reads run in parallel."""
        return self.clients.fan_out.map(self.list_dependents, jobs)

    # --- writing new jobs ------------------------------------------------------------------------
    def stored(self, job: Job, given: JobInput | None = None, result: Json = None) -> Stored:
        """Returns how a job is stored, as far as DynamoDB bills it. Makes no request."""
        return self.codec.stored(job, given, result)

    def store_result_overflow(self, job: Job, result: Json) -> bool:
        """Stores a result of more than 4 KB of JSON under its attempt; returns False where it fits the job's item."""
        if result is None:
            return False
        text = compact_json(result)
        if len(text.encode()) <= MAX_INLINE_RESULT_BYTES:
            return False
        expires_at_s = self._now_s() + self.retention_seconds + _DAY_SECONDS
        key = _part_key(job.job_id, schema.result_part(job.result_name))
        item = {**key, **encode_item({schema.RESULT: text, schema.EXPIRES_AT: expires_at_s})}
        with translated(f"storing the result of job {job.job_id}"):
            self.clients.dynamodb.put_item(TableName=self.tables.payloads, Item=item)
        return True

    def store_input(self, job: Job, given: JobInput) -> str:
        """Stores the input of a rerun, as overflow whatever its size; returns the name of its part."""
        values = input_values(job.job_id, given)
        part = schema.rerun_part(compact_json(values))
        expires_at_s = self._now_s() + _LONGEST_WAIT_SECONDS + self.retention_seconds
        item = {**_part_key(job.job_id, part), **encode_item({**values, schema.EXPIRES_AT: expires_at_s})}
        self._batches.put(self.tables.payloads, [item])
        return part

    def keep_parts(self, kept: Sequence[KeepIfEnded]) -> None:
        """Extends the expiry of overflowed inputs and results that would expire before their jobs.

        Inputs that live long enough cost no request.
        """
        parts = [
            (_part_key(transition.job_id, part), transition.until_s + _DAY_SECONDS)
            for transition in kept
            for part in self._parts_that_go_before(transition)
        ]
        self.clients.until_each_done("keeping parts of jobs", parts, self._keep_part)

    def _parts_that_go_before(self, transition: KeepIfEnded) -> Iterator[str]:
        job = transition.job
        if job.result_overflow:
            yield schema.result_part(job.result_name)
        if job.input is None and transition.until_s + _DAY_SECONDS > self._parts_expire_at_s(job):
            yield _input_part(job)

    def _keep_part(self, part: tuple[Item, int]) -> None:
        key, until_s = part
        later = Update(below(schema.EXPIRES_AT, until_s), {schema.EXPIRES_AT: until_s})
        try:
            with translated(f"keeping a part of job {key[schema.JOB_ID]['S']}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.update_item(
                    TableName=self.tables.payloads, Key=key, **later.render(schema.JOB_ID)
                )
        except ClientError:
            return  # the part is gone, or already expires later

    def insert_if_absent(self, jobs: Sequence[Job]) -> tuple[str, ...]:
        """Writes new jobs, each only if its id is unused.

        Returns the ids that already existed, whose jobs stay as they were.
        """
        items = self._write_parts(jobs)
        if len(items) == 1:
            free = absent(schema.JOB_ID)
            return () if self._put_if(items[0], free) else (items[0][schema.JOB_ID]["S"],)
        existing = self._batches.insert(self.tables.jobs, items, schema.JOB_ID, is_own=_began_as)
        return tuple(item[schema.JOB_ID]["S"] for item in existing)

    def stage(self, jobs: Sequence[Job]) -> None:
        """Writes jobs of a submission in STAGING, over those of an earlier request.

        A job that has had a transition is never overwritten: two requests with one idempotency key may run at once,
        and the slower one may still be staging after the other has committed. A plain put would then reset the
        committed jobs.
        """
        items = self._write_parts(jobs)
        existing = self._batches.insert(self.tables.jobs, items, schema.JOB_ID, is_own=_began_as)
        as_first_written = any_of(absent(schema.JOB_ID), never_released())
        self.clients.until_each_done(
            "staging jobs again", existing, lambda item: self._put_if(item, as_first_written)
        )

    def unstage(self, job_ids: Sequence[str]) -> None:
        """Removes jobs of an ABANDONED submission, with their overflow."""
        batches, tables = self._batches, self.tables
        part_keys = [_part_key(job_id, schema.input_part(None)) for job_id in job_ids]
        first_pages = [_entry_key(job_id, schema.dependents_page(0)) for job_id in job_ids]
        parts = batches.read(tables.payloads, part_keys, only=(schema.JOB_ID, schema.PART))
        paged = batches.read(tables.dependents, first_pages, only=(schema.UPSTREAM_ID, schema.ENTRY))
        pages = [page for first in paged for page in self._page_keys(first[schema.UPSTREAM_ID])]
        batches.delete(tables.payloads, parts)
        batches.delete(tables.dependents, pages)
        batches.delete(tables.jobs, [{schema.JOB_ID: {"S": job_id}} for job_id in job_ids])

    def add_edges(self, edges: Sequence[ExternalEdge]) -> None:
        """Writes edges to jobs of earlier submissions, each under its upstream."""
        expires_at_s = self._now_s() + _LONGEST_WAIT_SECONDS + self.retention_seconds
        items = {}
        for edge in edges:
            key = _entry_key(edge.upstream_id, schema.edge_entry(edge.downstream_id, edge.ordinal))
            values = encode_item({schema.TYPE: str(edge.type), schema.EXPIRES_AT: expires_at_s})
            items[(edge.upstream_id, edge.downstream_id, edge.ordinal)] = {**key, **values}
        self._batches.put(self.tables.dependents, list(items.values()))

    # --- transitions -----------------------------------------------------------------------------
    def apply(self, transition: Transition) -> Job:
        """Carries out one transition as one conditional write; returns the job after it.

        Raises TransitionRefused (with the current job) or NotFound.
        """
        return self._writer.apply(transition)

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        """Carries out many transitions, each under its own condition; returns the outcomes in the same order."""
        return self._writer.apply_all(transitions)

    # --- helpers ---------------------------------------------------------------------------------
    def _get_item(self, table: str, key: Item, *, consistent: bool) -> Item | None:
        with translated(f"reading from {table}"):
            answer = self.clients.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=consistent)
        item = answer.get("Item")
        return dict(item) if item else None

    def _put_if(self, item: Item, condition: Clause) -> bool:
        try:
            with translated(f"writing to {self.tables.jobs}", passing=(CONDITION_FAILED,)):
                self.clients.dynamodb.put_item(
                    TableName=self.tables.jobs,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition_arguments(condition),
                )
        except ClientError as refused:
            if not was_retried(refused.response):
                return False
            # The put went out more than once: the first may have written this very item before its answer was lost.
            key = {schema.JOB_ID: item[schema.JOB_ID]}
            standing = old_item(refused) or self._get_item(self.tables.jobs, key, consistent=True)
            return _began_as(standing or {}, item)
        return True

    def _write_parts(self, jobs: Sequence[Job]) -> list[Item]:
        """Writes the overflow of new jobs; returns the jobs' own items, which must be written after it."""
        divided: list[SplitJob] = [split(self.codec, job, self._parts_expire_at_s(job)) for job in jobs]
        inputs = [each.input_item for each in divided if each.input_item is not None]
        pages = [page for each in divided for page in each.page_items]
        if inputs:
            self._batches.put(self.tables.payloads, inputs)
        if pages:
            self._batches.put(self.tables.dependents, pages)
        return [each.item for each in divided]

    def _page_keys(self, upstream: dict[str, Any]) -> list[Item]:
        query = partial(self._batches.query, self.tables.dependents)
        return list(
            query(
                KeyConditionExpression="#upstream = :upstream AND begins_with(#entry, :page)",
                ExpressionAttributeNames={"#upstream": schema.UPSTREAM_ID, "#entry": schema.ENTRY},
                ExpressionAttributeValues={":upstream": upstream, ":page": {"S": schema.PAGE_PREFIX}},
                ProjectionExpression="#upstream, #entry",
                ConsistentRead=True,
            )
        )

    def _parts_expire_at_s(self, job: Job) -> int:
        begins_ms = max(job.created_at_ms, job.not_before_ms or 0)
        return begins_ms // 1_000 + _LONGEST_WAIT_SECONDS + self.retention_seconds

    def _now_s(self) -> int:
        return self.clients.clock.now_ms() // 1_000


def _part_key(job_id: str, part: str) -> Item:
    return {schema.JOB_ID: {"S": job_id}, schema.PART: {"S": part}}


def _input_part(job: Job) -> str:
    return job.input_part or schema.input_part(job.fingerprint)


def _entry_key(upstream_id: str, entry: str) -> Item:
    return {schema.UPSTREAM_ID: {"S": upstream_id}, schema.ENTRY: {"S": entry}}


def _placed(entry: str, edges: Sequence[Dependent], passed: int) -> list[tuple[Dependent, tuple[str, int]]]:
    """Returns the edges of one item behind the first `passed`, each with the place behind it."""
    return [(edge, (entry, place)) for place, edge in enumerate(edges, 1) if place > passed]


def _edges_of(item: Item) -> Sequence[Dependent]:
    values = decode_item(item)
    if schema.DEPENDENTS in values:
        return dependents_from(values[schema.UPSTREAM_ID], values[schema.DEPENDENTS])
    downstream_id, _, ordinal = values[schema.ENTRY].rpartition("#")
    return (Dependent(downstream_id, int(ordinal), DependencyType(values[schema.TYPE])),)


def _began_as(standing: Item, item: Item) -> bool:
    """Returns True if the stored job was first written as this new `item`, whatever transitions it has had since.

    Its time of submission, its fingerprint and the first line of its history never change.
    """
    now, then = decode_item(standing), decode_item(item)
    same = all(now.get(name) == then.get(name) for name in (schema.CREATED_AT, schema.FINGERPRINT))
    return same and now.get(schema.HISTORY, ())[:1] == then[schema.HISTORY][:1]
