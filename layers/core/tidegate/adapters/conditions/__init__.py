"""Condition expressions: a subset of the Common Expression Language (CEL) with a bounded, counted cost."""
