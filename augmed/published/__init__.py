"""The published contract of AugMed, for its unchanged client and its analysts' scripts.

An adapter: it changes shapes and status codes, and holds no rule of its own. What it does is done by the same actions
and QuerySets as /api/v2/. What it answers is in envelope.py, how it refuses in errors.py, who asks in base.py.
"""
