"""Following: shows jobs and workflows while they run, and reports on them at the end."""
