"""Text analytics over a tree of Python sources: the demo workflow's work."""
