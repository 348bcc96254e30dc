"""Where money went and whom it belongs to: tracing, freeze advice, restitution. Pure: no store, no web, no clock."""
