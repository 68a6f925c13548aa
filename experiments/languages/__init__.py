"""The texts of a study in other languages: what is to be translated, what is missing, and what a reader is shown."""
