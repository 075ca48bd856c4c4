"""The command line: commands, progress, and printed output."""
