"""AugMed's display-config CSV: reading it, planning what it does, and the disclosure sets it makes."""
