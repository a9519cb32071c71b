"""Job types of the demo: deployed where the parameter SampleJobs says so, never part of your own job code."""
