"""Imports workflows of other tools: reads their files, and makes a workflow and its `command` targets of them."""
