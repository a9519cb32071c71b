"""Dispatching: which READY jobs go to their pool's queue now, and the events that call for a dispatch."""
