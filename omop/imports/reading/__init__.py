"""From files of any dialect to records with line numbers, and what was recognised on the way."""
