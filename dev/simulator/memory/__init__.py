"""The adapters in memory: the ports over plain tables and queues, which tests and benchmarks use too."""
