"""Putting somebody on a list, taking them off it, and noting their appeal: always by two persons."""
