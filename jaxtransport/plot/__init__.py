"""Pictures of results, drawn from the files alone."""
