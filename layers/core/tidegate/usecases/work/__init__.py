"""Working: a worker claims jobs, runs their code, records the outcomes and keeps its own entry."""
