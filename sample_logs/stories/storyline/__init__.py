"""The parts from which ``generate.py`` writes the stories: people, events, log layouts, expectations."""
