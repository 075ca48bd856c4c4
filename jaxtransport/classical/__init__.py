"""Classical counterparts of the wire: charges that hop (`master`), and resistors (`circuit`)."""
