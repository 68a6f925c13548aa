"""The working design of a study: what may be frozen, shown in the matrix, compared and asked."""
