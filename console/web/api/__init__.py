"""The console's REST API, one file a resource; each has a `router`."""
