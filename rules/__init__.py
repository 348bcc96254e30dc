"""Pure rules: events and histories in columns go in, findings come out; no Kafka, clock, file or network."""
