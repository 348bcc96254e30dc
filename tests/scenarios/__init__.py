"""Each row of the mission as a case: a simulated scenario through a whole center on a real Kafka, read from topics."""
