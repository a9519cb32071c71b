"""Submits a job from Python with an idempotency key, twice: the second call brings the first job back.

Run `eval "$(tidegate local env)"` and `python examples/submit.py` while the local stack is up. For AWS set
TIDEGATE_API_URL, AWS_REGION and your credentials first.
"""

from __future__ import annotations

import os

from tidegate_client import Client
from tidegate_client.sigv4 import SigV4

JOB = {"type": "tidegate.sleep", "parameters": {"seconds": 1}}
KEY = "nap-2026-12-01"  # the same for the same piece of work, however often it is submitted


def main() -> None:
    """Submits the job twice and prints both ids, which are equal."""
    with Client(os.environ["TIDEGATE_API_URL"], auth=SigV4(os.environ["AWS_REGION"])) as client:
        first = client.submit_job(JOB, idempotency_key=KEY)
        second = client.submit_job(JOB, idempotency_key=KEY)
        print(f"first: {first.id}\nsecond: {second.id}")


if __name__ == "__main__":
    main()
