"""Reminders by e-mail: who is due, when they may go out, and how a reader stops them."""
