"""Files to records, whatever the dialect; what was recognised goes into the report.

sources    which file is which table: files, folders, zip archives, gzip, Parquet
archives   zip archives, looked through before anything of them is read
survey     one pass over the bytes: line ends, encoding, and whether the file can be read to its end
header     names of columns, older ones too
text       separator, quoting, encoding and header of text files
sample     what the first records show: how dates are written
records    text to records with line numbers
parquet    Parquet to batches of columns, and their values as the text that a CSV file would have
dialect    any file to its Dialect (shape), with everything told in the report
"""
