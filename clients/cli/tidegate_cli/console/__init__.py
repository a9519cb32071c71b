"""The console on this machine: its files, and calls that it signs with the user's own AWS credentials."""
