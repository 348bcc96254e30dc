"""What travels on the topics: pydantic models that are the single definition of every contract."""
