"""tidegate beside Celery on the same local AWS, and beside Redis-based queues, in interleaved rounds."""
