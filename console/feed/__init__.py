"""From Kafka into the case store: rows and offsets in one transaction, one projector a family of topics."""
