"""The command line: its commands, progress, and what it follows and prints."""
