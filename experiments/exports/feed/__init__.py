"""Feeds: the newest state of many studies at once, row by row, for services that ask again and again. (The archive of
one study is for analyses: it is of one moment, hashed, and has all columns.)"""
