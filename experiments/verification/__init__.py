"""Recompute what is on record: draws from their inputs, disclosures from snapshots and sets."""
