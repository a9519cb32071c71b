"""Auditing: records every act that a caller asks for, and shows the records to callers."""
