"""Timetables: recurring submissions. Everything here is pure."""
