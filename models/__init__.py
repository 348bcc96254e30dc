"""Pure models: online anomaly scores; they know columns and values, not Kafka, clock, files or network."""
