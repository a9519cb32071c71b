"""Text statistics over a tree of Python sources: the work of the demo workflow."""
