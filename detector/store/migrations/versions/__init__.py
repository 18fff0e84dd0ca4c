"""The steps, oldest first by their revisions."""
