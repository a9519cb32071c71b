"""The executors, which run job code: in this process or in processes of its own."""
