"""List prices of AWS of November 2026 in us-east-1, in dollars for a million.

The benchmarks count the first five. The others are for docs/reference/cost.md, which a test compares. The sources are
AWS's pages of prices for each service.
"""

from __future__ import annotations

from tidegate.domain.costs.prices import LIST_PRICES

AS_OF = "November 2026, us-east-1"
WRITE_UNITS = LIST_PRICES.write_units
READ_UNITS = LIST_PRICES.read_units
SQS_REQUESTS = LIST_PRICES.sqs_requests
API_CALLS = LIST_PRICES.api_calls
INVOCATIONS = LIST_PRICES.invocations
GB_SECONDS = LIST_PRICES.gb_seconds  # of a function on arm64
SCHEDULE_CALLS = 1.00
LOG_MEGABYTES = 500.0  # ingested: $0.50 for a GB
TRACES = 5.00
KEY_REQUESTS = 3.00  # $0.03 for 10,000
