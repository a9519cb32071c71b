"""A comparison of tidegate with Celery on the same local AWS and with Redis-based queues, in interleaved rounds."""
