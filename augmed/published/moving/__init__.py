"""Moving a team here from AugMed's own server: what its database holds comes over, once, and is reported row by row."""
