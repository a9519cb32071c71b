"""The use cases: everything that tidegate does, a folder for each capability."""
