"""Documents: reads jobs, workflows and WfFormat traces from files."""
