"""The pages on which participants take part in a study: one room a package, each with its own addresses."""
