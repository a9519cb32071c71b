"""What AWS charges, as far as the benchmarks count it: list prices of November 2026 in us-east-1.

In dollars for a million. Not in it: Lambda's time, storage, data out, and what a deployment costs while nothing runs.
"""

from __future__ import annotations

AS_OF = "November 2026, us-east-1"
WRITE_UNITS = 0.625
READ_UNITS = 0.125
SQS_REQUESTS = 0.40
API_CALLS = 3.50
INVOCATIONS = 0.20
