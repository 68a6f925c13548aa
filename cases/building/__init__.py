"""From rows of OMOP to a case's feature tree.

`rules`, `spec`, `rows`, `values` and `assemble` are pure; `reading` is the only module that asks the database, for a
chunk of cases at a time.
"""
