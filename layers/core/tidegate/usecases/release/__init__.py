"""Releasing: PENDING jobs become READY or SKIPPED as their upstreams begin and end."""
