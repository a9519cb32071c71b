"""Every table key, index and attribute name. `template.yaml` repeats the keys and indexes; a test compares them."""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

from tidegate.adapters.dynamodb.values import Item
from tidegate.domain.lanes import MAIN, is_sharded
from tidegate.domain.pulses import Part
from tidegate.domain.states import Group
from tidegate.domain.statistics.ended import EndPlace
from tidegate.domain.statistics.spans import Span

# --- Jobs: hash job_id ---------------------------------------------------------------------------
JOB_ID: Final = "job_id"
# A changed projection needs a new name, because an index can't be changed (docs/guides/upgrade.md).
GROUP_INDEX: Final = "by_group_v3"
# "<pool>#<group>#<shard>"; in a lane other than main, "<pool>#READY@<lane>#<shard>".
GROUP_KEY: Final = "group_key"
GROUP_SORT: Final = "group_sort"  # the rank for READY, otherwise a time in milliseconds

STATE: Final = "state"
TYPE: Final = "type"
POOL: Final = "pool"
PRIORITY: Final = "priority"
CRITICAL_PATH_BOOST: Final = "critical_path_boost"  # thousandths of a point
LATEST_START: Final = "latest_start"
CREATED_AT: Final = "created_at"
ATTEMPT: Final = "attempt"
KEY: Final = "key"
NAME: Final = "name"
DESCRIPTION: Final = "description"
SUBMITTED_BY: Final = "submitted_by"
NAMESPACE: Final = "namespace"  # present if it is not the submitter's own
TAGS: Final = "tags"
REQUIRES: Final = "requires"
POOL_OPEN: Final = "pool_open"
SHARE: Final = "share"
CONCURRENCY_KEY: Final = "concurrency_key"
CONCURRENCY_LIMIT: Final = "concurrency_limit"
HELD_IN: Final = "held_in"  # the lane in which a READY job is held
TIMEOUT_SECONDS: Final = "timeout_seconds"
MAX_RETRIES: Final = "max_retries"
BACKOFF_SECONDS: Final = "backoff_seconds"
MAX_BACKOFF_SECONDS: Final = "max_backoff_seconds"
ESTIMATED_SECONDS: Final = "estimated_seconds"
ESTIMATE_IS_USUAL: Final = "estimate_is_usual"
NOT_BEFORE: Final = "not_before"
FINISH_BY: Final = "finish_by"
JUDGEMENTS: Final = "judgements"
FINGERPRINT: Final = "fingerprint"
PARAMETERS: Final = "parameters"
DEPENDS_ON: Final = "depends_on"
DEPENDENCY_COUNT: Final = "dependency_count"
INPUT_OVERFLOW: Final = "input_overflow"
INPUT_PART: Final = "input_part"  # the range key of the input of a rerun with new parameters
WAITING_ON: Final = "waiting_on"
DEPENDENTS: Final = "dependents"
DEPENDENTS_OVERFLOW: Final = "dependents_overflow"
WATCH_START: Final = "watch_start"
DUE_AT: Final = "due_at"
READY_AT: Final = "ready_at"
QUEUED_AT: Final = "queued_at"
SENT_AT: Final = "sent_at"
STARTED_AT: Final = "started_at"
BEGAN_AT: Final = "began_at"  # 0 until code of this life began, because the stream's filter compares with 0
FINISHED_AT: Final = "finished_at"
FIGURES: Final = "figures"  # of the present end, packed; present while the job has ended
LEASE_EXPIRES_AT: Final = "lease_expires_at"
WORKER_ID: Final = "worker_id"
WORKER_NAME: Final = "worker_name"
WORKER_HOST: Final = "worker_host"
PROGRESS: Final = "progress"
PROGRESS_MESSAGE: Final = "progress_message"
CANCEL_REQUESTED_AT: Final = "cancel_requested_at"
CANCEL_REQUESTED_BY: Final = "cancel_requested_by"
RESULT: Final = "result"
RESULT_OVERFLOW: Final = "result_overflow"
ERROR_CODE: Final = "error_code"
ERROR_MESSAGE: Final = "error_message"
ERROR_UPSTREAM: Final = "error_upstream"
ERROR_LINES: Final = "error_lines"
REOPENED: Final = "reopened"
AMENDED: Final = "amended"
ON_HOLD: Final = "on_hold"
LEAVES_SKIPPED: Final = "leaves_skipped"
TRIES: Final = "tries"
WORKER_LOSSES: Final = "worker_losses"
NEVER_RETRY_ON: Final = "never_retry_on"
ALWAYS_RETRY_ON: Final = "always_retry_on"
MAY_RUN_TWICE: Final = "may_run_twice"
# The latest second attempt of the job (domain/second_attempts.py); all are absent before the first offer.
SECOND_BESIDE: Final = "second_beside"
SECOND_LIFE: Final = "second_life"
SECOND_OFFERED_AT: Final = "second_offered_at"
SECOND_WORKER_ID: Final = "second_worker_id"
SECOND_WORKER_NAME: Final = "second_worker_name"
SECOND_WORKER_HOST: Final = "second_worker_host"
SECOND_CLAIMED_AT: Final = "second_claimed_at"
SECOND_LEASE_EXPIRES_AT: Final = "second_lease_expires_at"
SECOND_END: Final = "second_end"
SECOND_ENDED_AT: Final = "second_ended_at"
SECOND_LOGS: Final = "second_logs"
HISTORY: Final = "history"
EXPIRES_AT: Final = "expires_at"  # the TTL attribute of every table, in seconds since the epoch

# The attributes that an entry of the index carries besides its keys. Each of them never changes, or changes only in a
# write that moves or ranks the entry anyway, so none costs an index write of its own. A test holds this.
PROJECTED: Final = (
    *(TYPE, SHARE, CONCURRENCY_KEY, CONCURRENCY_LIMIT),  # for the dispatcher
    *(KEY, NAME, PRIORITY, SUBMITTED_BY, ESTIMATED_SECONDS, CREATED_AT, READY_AT, ERROR_CODE),  # for listings
    FIGURES,  # for counts of what has ended
)

# The attributes that hold a field of Job as it is, with the field's name. An absent one means the default that Job
# declares, so that default never changes. The codec converts every other field.
PLAIN_FIELDS: Final = {
    KEY: "key",
    NAME: "name",
    DESCRIPTION: "description",
    CONCURRENCY_KEY: "concurrency_key",
    CONCURRENCY_LIMIT: "concurrency_limit",
    POOL_OPEN: "pool_open",
    SHARE: "share",
    HELD_IN: "held_in",
    TIMEOUT_SECONDS: "timeout_seconds",
    CRITICAL_PATH_BOOST: "critical_path_boost_millipoints",
    LATEST_START: "latest_start_ms",
    ESTIMATE_IS_USUAL: "estimate_is_usual",
    FINGERPRINT: "fingerprint",
    SUBMITTED_BY: "submitted_by",
    NAMESPACE: "namespace",
    DEPENDENCY_COUNT: "dependency_count",
    WAITING_ON: "waiting_on",
    DEPENDENTS_OVERFLOW: "dependents_overflow",
    WATCH_START: "watch_start",
    TRIES: "tries",
    WORKER_LOSSES: "worker_losses",
    REOPENED: "reopened",
    INPUT_PART: "input_part",
    AMENDED: "amended",
    ON_HOLD: "on_hold",
    LEAVES_SKIPPED: "leaves_skipped",
    WORKER_ID: "worker_id",
    WORKER_NAME: "worker_name",
    WORKER_HOST: "worker_host",
    CANCEL_REQUESTED_BY: "cancel_requested_by",
    RESULT_OVERFLOW: "result_overflow",
    NOT_BEFORE: "not_before_ms",
    FINISH_BY: "finish_by_ms",
    DUE_AT: "due_at_ms",
    READY_AT: "ready_at_ms",
    QUEUED_AT: "queued_at_ms",
    SENT_AT: "sent_at_ms",
    STARTED_AT: "started_at_ms",
    FINISHED_AT: "finished_at_ms",
    LEASE_EXPIRES_AT: "lease_expires_at_ms",
    CANCEL_REQUESTED_AT: "cancel_requested_at_ms",
    MAY_RUN_TWICE: "may_run_twice",
    EXPIRES_AT: "expires_at_s",
}

# --- Payloads: hash job_id, range part -----------------------------------------------------------
# "input", "input#<fingerprint>", "rerun#<digest>", "result#<attempt>", or "result#<attempt>#second".
PART: Final = "part"

# --- Dependents: hash upstream_id, range entry ---------------------------------------------------
UPSTREAM_ID: Final = "upstream_id"
PAGE_PREFIX: Final = "page#"
ENTRY: Final = "entry"  # "page#00000", or "<downstream id>#<ordinal>" for an edge from a later submission

# --- Submissions: hash submission_id -------------------------------------------------------------
SUBMISSION_ID: Final = "submission_id"
OPEN_INDEX: Final = "by_open"
OPEN: Final = "open"  # present until the submission is COMPLETE
OPEN_MARK: Final = "OPEN"
OPENED_AT: Final = "opened_at"
# A reminder is an item of its own, "reminder#<submission id>": "opened_at" is the time that it reminds of.
REMIND_MARK: Final = "REMIND"
REMINDED_AT: Final = "reminded_at"
PHASE: Final = "phase"
MONTH_INDEX: Final = "by_month"
MONTH: Final = "month"  # of the creation, like "2026-11", in UTC
CRITICAL_PATH_SECONDS: Final = "critical_path_seconds"
USUAL_ESTIMATES: Final = "usual_estimates"  # seconds by job type
SUMMARY: Final = "summary"
SUMMARY_VERSION: Final = "summary_version"
JOB_COUNT: Final = "job_count"

# --- SubmissionPlans: hash submission_id, range page ---------------------------------------------
PAGE: Final = "page"
PAGES: Final = "pages"
PLAN: Final = "plan"

# --- Workers: hash pool, range worker_id ---------------------------------------------------------
SESSION_ID: Final = "session_id"
HOST: Final = "host"
SLOTS: Final = "slots"
CAPABILITIES: Final = "capabilities"
RUNNING: Final = "running"
CLAIMED: Final = "claimed"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
CLOCK_OFF: Final = "clock_off"
HANDED_BACK: Final = "handed_back"
HEARTBEAT_AT: Final = "heartbeat_at"
DRAIN_REQUESTED_AT: Final = "drain_requested_at"
DRAIN_REQUESTED_BY: Final = "drain_requested_by"
LACKING: Final = "lacking"
FAULT: Final = "fault"
LATEST: Final = "latest"  # the slots of the sessions that ended last, each with its two times
EARLIER: Final = "earlier"  # the counts of the sessions before, present after the first session
SINCE: Final = "since"
SESSIONS: Final = "sessions"
LOST: Final = "lost"
RESPONSE: Final = "response"

# --- Lanes: hash pool, range lane ------------------------------------------------------------------
LANE: Final = "lane"
WEIGHT: Final = "weight"  # present unless the lane rests
RESTING: Final = "resting"  # the weight of a resting lane
NOTED_AT: Final = "noted_at"
# Present on the lane of a share that an operator made.
SHARE_MAX_PRIORITY: Final = "max_priority"
SHARE_MAX_WAITING: Final = "max_waiting"
SHARE_SET_BY: Final = "set_by"
SHARE_SET_AT: Final = "set_at"

# --- Audit: hash subject, range entry (`<act id>#0` or `#1`) ----------------------------------------
SUBJECT: Final = "subject"
AUDIT_CALLER_INDEX: Final = "by_caller"
AUDIT_DAY_INDEX: Final = "by_day"
AUDIT_CALLER: Final = "caller"  # the caller's subject; absent where it is not known
AUDIT_DAY: Final = "day"
AUDIT_ACT: Final = "act"
AUDIT_ROUTE: Final = "route"
AUDIT_AT: Final = "at"
AUDIT_DISPLAY: Final = "display"
AUDIT_KIND: Final = "kind"
AUDIT_OUTCOME: Final = "outcome"
AUDIT_CODE: Final = "code"
AUDIT_BEFORE: Final = "before"
AUDIT_AFTER: Final = "after"

# --- Control: hash name --------------------------------------------------------------------------
POSITION: Final = "position"
HOLDERS: Final = "holders"  # the ids of the jobs that hold a permit
LEAST: Final = "least"  # a lower bound of the limits that the holders asked for
WAITING: Final = "waiting"  # the lowest limit that a waiting job asked for
WAITING_AT: Final = "waiting_at"
OWNER: Final = "owner"  # the dispatcher that has a dispatch lease
ASKED: Final = "asked"  # another dispatcher has asked for the lease meanwhile
PULSE_AT: Final = "at"
# The name of the item that holds all rules; the keys of its maps are names of pools or types, or
# fingerprints of failures.
RULES: Final = "rules"
PAUSED_POOLS: Final = "paused_pools"
PAUSED_TYPES: Final = "paused_types"
TYPE_LIMITS: Final = "type_limits"
MUTED_FAILURES: Final = "muted_failures"
RULE_VALUE: Final = "value"
RULE_ACTOR: Final = "actor"
RULE_AT: Final = "at"
# The name of the item that holds all grants; the keys of its map are namespaces.
GRANTS: Final = "grants"
GRANTED: Final = "granted"
VERSION: Final = "version"
GRANT_ROLE: Final = "role"
GRANT_NAMESPACES: Final = "namespaces"
GRANT_BY: Final = "by"
GRANT_AT: Final = "at"

# --- Progress: hash workflow_id, range part --------------------------------------------------------
WORKFLOW_ID: Final = "workflow_id"
SEGMENT_PREFIX: Final = "segment#"  # the range key is "segment#<number>", or "graph#<number>"
GRAPH_PREFIX: Final = "graph#"
MARKS: Final = "marks"
ENDED_AT: Final = "ended_at"
GRAPH: Final = "graph"
# An end that the index no longer shows has the hash key "ended#<pool>" and the range key
# "<time in milliseconds>#<job id>#<life>". It carries attributes of its job under their own names.
KEPT_ENDS_PREFIX: Final = "ended#"
# The job types that workers announce are one partition: the range key is the type.
ANNOUNCED_TYPES: Final = "types#announced"
DIGEST: Final = "digest"
PARAMETERS_SCHEMA: Final = "parameters_schema"
READS_UPSTREAMS: Final = "reads_upstreams"
AWS_CREDENTIALS: Final = "aws_credentials"
SECOND_ATTEMPT: Final = "second_attempt"
ANNOUNCED_AT: Final = "announced_at"
SEEN_AT: Final = "seen_at"
# The statistics of a pool stand under "stats#<pool>": "<span>#<beginning>#<end>" for each roll-up, and "reached".
REACHED_PART: Final = "reached"
COUNTED: Final = "counted"
HOURS: Final = "hours"
DAYS: Final = "days"
ROLLUP: Final = "rollup"
SLOT_TIME: Final = "slot_ms"
OLDEST_READY: Final = "oldest_ready_ms"
SLOTS_FROM: Final = "slots_from"
SLOTS_SINCE: Final = (
    "slots_since"  # the same from versions without idle runs, which may not trust slots of later ones
)
IDLE_RUN: Final = (
    "idle"  # the beginning and the end of the growing idle run, its slot time and its longest wait
)
LOOKS: Final = "looks"


def shard_of(job_id: str, shards: int, lane: str = MAIN) -> int:
    """Returns the shard of the index that holds a job, 0 to `shards` - 1; always 0 in a lane that is not sharded."""
    return 0 if lane and not is_sharded(lane) else zlib.crc32(job_id.encode()) % shards


def group_key(pool: str, group: Group, shard: int, lane: str = MAIN) -> str:
    """Returns the index partition of one shard of a group of a pool; for READY jobs, of one lane."""
    return f"{pool}#{group}@{lane}#{shard}" if lane else f"{pool}#{group}#{shard}"


def control_key(name: str) -> Item:
    """Returns the key of the item of Control with this name."""
    return {NAME: {"S": name}}


def permit_key(permit: str) -> Item:
    """Returns the key of the item that lists the holders of a permit."""
    return control_key(f"permit#{permit}")


def lease_key(pool: str) -> Item:
    """Returns the key of the item that says which dispatcher may fill a pool's window."""
    return control_key(f"dispatch#{pool}")


def pulse_key(part: Part) -> Item:
    """Returns the key of the item that holds the last pulse of a part."""
    return control_key(f"pulse#{part}")


def edge_entry(downstream_id: str, ordinal: int) -> str:
    """Returns the range key of an edge to a job of a later submission."""
    return f"{downstream_id}#{ordinal}"


def input_part(fingerprint: str | None) -> str:
    """Returns the range key of a job's input.

    The key contains the job's fingerprint if it has one. Otherwise a request that reuses an idempotency key with
    another body would overwrite the input of the existing job.
    """
    return f"input#{fingerprint[:32]}" if fingerprint else "input"


def rerun_part(text: str) -> str:
    """Returns the range key of the input of a rerun, made from the input itself.

    Two callers may rerun one job at once with different parameters. Neither may overwrite what the other one's job
    will read.
    """
    return f"rerun#{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def result_part(name: str) -> str:
    """Returns the range key of the result with this name (`Job.result_name`), of one attempt."""
    return f"result#{name}"


def dependents_page(number: int) -> str:
    """Returns the range key of a page, counted from 0, of the dependents that a job was submitted with."""
    return f"{PAGE_PREFIX}{number:05d}"


def segment_part(number: int) -> str:
    """Returns the range key of a segment, counted from 0, of a workflow's progress."""
    return f"{SEGMENT_PREFIX}{number:03d}"


def graph_part(number: int) -> str:
    """Returns the range key of a part, counted from 0, of a workflow's graph."""
    return f"{GRAPH_PREFIX}{number:03d}"


def kept_ends_key(pool: str) -> str:
    """Returns the hash key of the kept ends of a pool. No workflow has it as its id."""
    return f"{KEPT_ENDS_PREFIX}{pool}"


def kept_end_part(place: EndPlace) -> str:
    """Returns the range key of a kept end. Range keys sort as the places do."""
    return f"{kept_ends_from(place.ended_at_ms)}#{place.job_id}#{place.life:05d}"


def kept_ends_from(at_ms: int) -> str:
    """Returns the beginning of the range key of the kept ends of one moment, in milliseconds since the epoch."""
    return f"{at_ms:015d}"


def statistics_key(pool: str) -> str:
    """Returns the hash key of the items that hold a pool's statistics."""
    return f"stats#{pool}"


def rollup_part(span: Span, from_ms: int, to_ms: int) -> str:
    """Returns the range key of a roll-up of the time from `from_ms` to `to_ms` (milliseconds since the epoch)."""
    return f"{rollups_from(span, from_ms)}{to_ms:013d}"


def rollups_from(span: Span, from_ms: int) -> str:
    """Returns the beginning of the range keys of all roll-ups of this kind that begin at `from_ms`."""
    return f"{span}#{from_ms:013d}#"
