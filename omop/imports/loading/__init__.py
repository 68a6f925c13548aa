"""From staged rows to the tables: what is new, changed or gone, and what a run is remembered by."""
