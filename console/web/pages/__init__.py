"""The console's pages, one file a family; each has a `router`."""
