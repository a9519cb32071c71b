"""Reading: jobs, workflows, pools, types and workers as callers see them. Nothing here writes."""
