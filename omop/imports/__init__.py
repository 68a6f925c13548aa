"""The import engine: files in, an ImportReport out. Callers use `omop.actions.import_files` and nothing below it.

discovery   which file is which table
dialect     bytes to records with line numbers
cells       the text of one cell to its canonical text, or why not (pure)
schema      what a table's columns want, from the models and the specification
backends    what PostgreSQL and SQLite do differently
staging     records to typed rows in a temporary table
checks      keys and references, set by set
engine      the run: stage, check, load, report
"""
