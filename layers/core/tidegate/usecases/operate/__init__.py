"""Operating: operators pause and limit dispatch, and drain workers."""
