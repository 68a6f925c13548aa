"""The gate: every check that an import passes, what it tolerates, and what it found."""
