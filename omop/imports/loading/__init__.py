"""Staged and checked rows into the tables: by mode, with counts that a dry run gives alike."""
