"""What an import tells the apps above about the rows that it changes.

Sent inside the run's transaction by omop.imports.loading.changes, and in a dry run with what would change.
"""

from django.dispatch import Signal

# Whose rows does anybody ask about? Receivers return a QuerySet of one column, the person ids. Rows of other persons
# are not told of: a load of millions of rows must not list them all for nobody.
persons_asked_for = Signal()

# kwargs: `run` (the ImportRun; written down after this, in the same transaction), `dry_run`, `changes` (the quoted name
# of a temporary table: table_name, person_id, kind (added, changed, removed), start_date, start_at, old_start_date,
# old_start_at). A row of it is one row of a table that snapshots read. The old_ columns are those of the row before
# the run, null where there was none; start_date null means that the table knows no start (person). A row that moves
# to another person is removed from the one and added to the other. Receivers return what the run's report says of it:
# a dict of JSON values, or None; where a value is an object with `text`, the command prints that too.
rows_changed = Signal()
