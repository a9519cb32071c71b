"""Job types of a workflow: one counts words, and one reads the results of all jobs that it depends on.

Copy this file into layers/jobs/tidegate_jobs and run `tidegate local up`. Then run examples/upstream-results.yaml:

    tidegate run examples/upstream-results.yaml
"""

from __future__ import annotations

from pydantic import BaseModel

from tidegate.jobs import JobContext, Parameters, job


class Text(Parameters):
    """The text whose words to count."""

    text: str


class Count(BaseModel):
    """The result of `example.count_words`."""

    words: int


class Nothing(Parameters):
    """No parameters: all input comes from the upstreams."""


@job("example.count_words")
def count_words(parameters: Text, context: JobContext) -> Count:
    """Counts the words of a text."""
    return Count(words=len(parameters.text.split()))


@job("example.total", reads_upstreams=True)
def total(parameters: Nothing, context: JobContext) -> dict[str, object]:
    """Adds up the counts of its upstreams, each of which it finds by its key in the workflow."""
    counts = {key: Count.model_validate(upstream.result) for key, upstream in context.upstreams.items()}
    return {"texts": sorted(counts), "words": sum(count.words for count in counts.values())}
