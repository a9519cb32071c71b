"""People around the system: clients that submit, callers that cancel and retry, operators that change rules."""
