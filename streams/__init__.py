"""The shell: everything that touches Kafka, HTTP, the disk or the clock."""
