"""German: a comma between day and time."""

DATETIME_FORMAT = r"j. F Y, H:i \U\h\r"
