"""A job type that says how far it is, stops when it is cancelled, and leaves no half of a file.

Copy this file into layers/jobs/tidegate_jobs and run `tidegate local up`. Then submit a job and watch its progress:

    echo '{"type": "example.export", "parameters": {"file": "/tmp/rows.csv", "rows": 200}}' | tidegate submit - --wait

While it runs, `tidegate jobs cancel JOB_ID` in another terminal stops it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tidegate.jobs import JobContext, Parameters, job

SECONDS_PER_ROW = 0.05


class Export(Parameters):
    """The file to write, and how many rows to write to it."""

    file: str
    rows: int = Field(ge=1, le=100_000)


@job("example.export")
def export(parameters: Export, context: JobContext) -> dict[str, int]:
    """Writes rows to a file."""
    part = Path(f"{parameters.file}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            for row in range(parameters.rows):
                context.progress(row / parameters.rows, f"{row} of {parameters.rows} rows")
                # Stands for work. Raises JobCancelled or JobTimedOut when the job should stop; let them pass through.
                # Code that computes calls context.check() instead, which raises the same.
                context.sleep(SECONDS_PER_ROW)
                file.write(f"{row}\n")
        part.replace(parameters.file)
    finally:
        part.unlink(missing_ok=True)
    return {"rows": parameters.rows}
