"""How a running study goes: counts, times and figures that no arm differs in, and the outcomes by arm apart."""
