"""Bytes of a file to columns that a staging table takes, by two ways that give the same rows and findings.

chunks      a stream cut into chunks of whole records, each plain or not
native      a plain chunk, or a batch of Parquet, column by column with pyarrow
exact       records read one by one, cell by cell
columns     one column: which values pyarrow may accept for good, and the cell parsers for the others
ahead       work done in threads, its results in order
"""
