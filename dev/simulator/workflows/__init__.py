"""The workflows that are run: plain shapes, drawn ones whose outcome is known, and recorded ones."""
