"""Operating: the pauses and limits that operators set."""
