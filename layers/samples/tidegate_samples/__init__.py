"""Job types of the demo.

They are deployed only where the parameter SampleJobs says so, and are not your own job code.
"""
