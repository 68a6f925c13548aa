"""What a participant's review is at any moment: its state, what it binds, what is served, how it is scored."""
