"""What happens to cases, for apps that cases knows nothing of."""

from django.dispatch import Signal

snapshot_redacted = Signal()
"""Within the transaction that redacts it, so that whoever fails to follow undoes it. Gives `snapshot` and `by`."""
