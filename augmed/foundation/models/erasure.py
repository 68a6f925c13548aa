from django.db import models


class ErasurePermit(models.Model):
    """Written and removed inside one transaction by `append_only.erasing()`; a committed row means a fault."""

    transaction_id = models.BigIntegerField(unique=True)

    def __str__(self) -> str:
        return f"Permit of transaction {self.transaction_id}"
