"""Kafka: clients, topics, the records on them, and the detector's stored state."""
