"""Condition expressions: a part of the Common Expression Language (CEL) whose every evaluation is counted."""
