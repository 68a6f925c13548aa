"""What analysts take away: one archive of tidy tables, read at one moment, with a codebook and a manifest."""
