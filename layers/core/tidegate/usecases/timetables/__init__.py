"""Makes timetables, changes them, and runs them when their times come or a caller asks."""
