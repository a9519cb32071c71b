"""The limits of everything that a client can send.

`docs/reference/limits.md` lists every limit; a test compares the two.
"""

from __future__ import annotations

MIN_PRIORITY = 1
MAX_PRIORITY = 1_000
DEFAULT_PRIORITY = 100
MAX_CRITICAL_PATH_WEIGHT = 1_000
MAX_JOBS_PER_WORKFLOW = 10_000
MAX_DEPENDENCIES_PER_JOB = 2_000
MAX_EVENT_BYTES = 6 * 1024 * 1024  # Lambda refuses an event of this size and any larger one
# Measured as a JSON string. The event also holds the headers twice, at most 10 KB each time.
MAX_BODY_BYTES = MAX_EVENT_BYTES - 64 * 1024
MAX_JOB_ID_CHARACTERS = 64
MAX_KEY_CHARACTERS = 128
MAX_NAME_CHARACTERS = 256
MAX_DESCRIPTION_CHARACTERS = 500
MAX_TYPE_CHARACTERS = 64
MAX_POOL_CHARACTERS = 32
MAX_TAGS = 20
MAX_TAG_CHARACTERS = 128
MAX_REQUIREMENTS = 10
MAX_SHARE_CHARACTERS = 64
MAX_SHARE_WEIGHT = 1_000
MAX_SHARES_PER_POOL = 100
MAX_SHARE_WAITING = 1_000  # a submission counts up to that many jobs of a bounded share
MAX_CONCURRENCY_KEY_CHARACTERS = 128
MAX_CONCURRENCY_LIMIT = 100  # bounds the item that lists the holders of a permit
MAX_CONDITION_CHARACTERS = 1_000
MAX_CONDITION_STEPS = 150_000  # of one evaluation; a step takes at most 0.25 µs and 64 bytes
MAX_WORKFLOW_CONDITIONS_BYTES = 512 * 1024  # counts equal conditions once; compiling 1 KB takes up to 3 ms
MAX_CONDITIONS_BYTES = 32 * 1024  # of one job; with the largest parameters they must fit in an item of 400 KB
MAX_PARAMETERS_BYTES = 256 * 1024
MAX_PARAMETERS_DEPTH = 100
MAX_RESULT_BYTES = 256 * 1024
MAX_RESULT_DEPTH = 200  # the depth that a request's body may have
MAX_GATHERED_BYTES = 16 * 1024 * 1024  # of one job; a slot needs about five times that, as text and as values
MAX_ERROR_CHARACTERS = 500
MAX_LAST_LINES = 20  # of what a failed attempt printed; they stand with the job's error
MAX_LAST_LINES_BYTES = 2_048
MAX_PROGRESS_CHARACTERS = 200
MAX_IDEMPOTENCY_KEY_CHARACTERS = 128
MAX_WORKER_ID_CHARACTERS = 128
MAX_WORKER_SLOTS = 256
MAX_WORKER_CAPABILITIES = 20
MAX_DRAIN_SECONDS = 43_200
DEFAULT_JOBS_PER_PROCESS = 1_000
MAX_JOBS_PER_PROCESS = 1_000_000
DEFAULT_PROCESS_GROWTH_MB = 512
MAX_PROCESS_GROWTH_MB = 1_048_576  # one TiB
DEFAULT_TIMEOUT_SECONDS = 300
MAX_TIMEOUT_SECONDS = 43_200  # 12 hours: the longest that SQS keeps a message invisible
DEFAULT_MAX_RETRIES = 3
MAX_RETRIES = 25  # bounds the history, which is stored in the job's item
MAX_MARK_REASON_CHARACTERS = 200
MAX_AMENDMENTS = 50  # of one job; bounds the history too
MAX_REOPENINGS = 20  # bounds the history too
MAX_WORKER_LOSSES = 5  # of one job in one life, so that a job that kills its workers ends
MAX_INTERRUPTIONS_KEPT = 4  # in the history of one life; the number of interruptions has no limit
MAX_RETRY_CODES = 20
MAX_ERROR_CODE_CHARACTERS = 64
DEFAULT_BACKOFF_SECONDS = 5
DEFAULT_MAX_BACKOFF_SECONDS = 600
MAX_BACKOFF_SECONDS = 86_400
MAX_ESTIMATED_DURATION_SECONDS = 43_200
MAX_NOT_BEFORE_AHEAD_SECONDS = 366 * 86_400
MAX_FINISH_BY_AHEAD_SECONDS = 400 * 86_400
MAX_PAGE_SIZE = 200
MAX_JOBS_LOOKED_AT = 1_000  # for one page of a listing, however many of them it wants
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_BYTES = 2 * 1024 * 1024  # an answer holds at most 6 MB, in which quotation marks are escaped twice
MAX_WHAT_IF_NAMES = 20  # ids, pools and types that one what-if names, each; a named workflow is read whole
MAX_WHAT_IF_JOBS = 40_000  # of the named workflows together, ended or not; each one's progress is read
MAX_WHAT_IF_SLOTS = 10_000  # of one pool; no more jobs are stepped
MAX_CHAIN_DEPTH = 50
DEFAULT_CHAIN_DEPTH = 10
MAX_CHAIN_JOBS = 500
DEFAULT_CHAIN_JOBS = 100
MAX_COST_OVERFLOWS = 25  # jobs of a page of costs whose overflow is read for its size
MAX_CHAIN_EDGES = 10_000  # an answer holds at most 6 MB, and an edge takes up to 200 bytes with its drawing
DEFAULT_LOG_LINES = 200
MAX_LOG_LINES = 1_000
MAX_LOG_PAGE_BYTES = 1024 * 1024  # a quotation mark takes four bytes in an answer, which holds at most 6 MB
MAX_SCHEMA_BYTES = 32 * 1024  # of the parameters of one job type, in an answer
MAX_SCHEMA_DEPTH = 60  # of the lists and objects of such a schema
MAX_DESCRIBED_BYTES = 2 * 1024 * 1024  # of the schemas of one worker, which travel as one message
MAX_ANNOUNCED_TYPES = 1_000  # of all workers together
MAX_ANNOUNCED_BYTES = 4 * 1024 * 1024  # of their descriptions, which the API reads as a whole
MAX_SCHEMA_PATTERNS = 50  # different regular expressions of one schema; compiling one takes up to 3 ms
MAX_TYPE_LIMIT = 100
MAX_GRANTS = 100  # one item holds all grants
MAX_NAMESPACES_PER_GRANT = 20
MAX_NAMESPACE_CHARACTERS = 64
MAX_SUBJECT_CHARACTERS = 700  # an ARN of IAM with the longest path and name
MAX_RULES_PER_KIND = 200  # one item holds all rules, and the dispatcher reads it whole
MAX_MUTED_FAILURES = 50  # in the same item
MAX_AUDIT_NAME_BYTES = (
    2_048  # of a subject or a caller that acts are looked up by: DynamoDB's bound for a key
)

MAX_LACKING_TYPES = 20  # that one worker reports; a worker that lacks more leaves its pool
MAX_FAULT_CHARACTERS = 500  # of the fault that a worker reports of itself
MAX_MESSAGES_PER_DISPATCH = 5  # the first message and those that are sent again
MAX_DISPATCHES_KEPT = 8  # unclaimed, in a row, in the history; the number of dispatches has no limit
MAX_DISPATCHES_GIVEN_UP = 3  # by the queue, in a row, before a job counts as undeliverable
