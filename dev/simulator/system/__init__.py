"""The system on a virtual clock: streams, schedules, queues, simulated workers, the course of attempts, and faults."""
