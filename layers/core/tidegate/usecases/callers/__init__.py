"""What callers may do, and what they did: grants, ownership of submissions, and the audit trail."""
