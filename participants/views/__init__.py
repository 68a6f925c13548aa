"""The pages of accounts: the door, mailed links, one's own account."""
