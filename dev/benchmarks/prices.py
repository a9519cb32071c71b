"""List prices of AWS of November 2026 in us-east-1, in dollars for a million.

The benchmarks count the first five. The others are for docs/reference/cost.md, which a test compares. The sources are
AWS's pages of prices for each service.
"""

from __future__ import annotations

AS_OF = "November 2026, us-east-1"
WRITE_UNITS = 0.625
READ_UNITS = 0.125
SQS_REQUESTS = 0.40
API_CALLS = 3.50
INVOCATIONS = 0.20
GB_SECONDS = 13.3334  # of a function on arm64
SCHEDULE_CALLS = 1.00
LOG_MEGABYTES = 500.0  # ingested: $0.50 for a GB
TRACES = 5.00
KEY_REQUESTS = 3.00  # $0.03 for 10,000
