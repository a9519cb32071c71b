"""The demo: a workflow of sample jobs on the local stack, from start to report."""
