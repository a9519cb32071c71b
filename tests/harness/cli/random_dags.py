"""Random graphs without cycles, for files that are written and read back."""

from __future__ import annotations

from hypothesis import strategies as st

Dag = list[list[int]]
"""The upstreams of each node, by number."""


@st.composite
def dags(draw: st.DrawFn, most: int = 12) -> Dag:
    """Draws a graph of 1 to `most` nodes, whose edges point from lower numbers to higher ones."""
    size = draw(st.integers(1, most))
    return [
        sorted(draw(st.sets(st.integers(0, node - 1), max_size=4))) if node else [] for node in range(size)
    ]
