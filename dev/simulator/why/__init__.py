"""Proves the answers to "why is this job not running" over drawn states of a whole deployment in memory."""
