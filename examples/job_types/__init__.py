"""Job types to copy: each file stands by itself, and its first lines say how to run it."""
