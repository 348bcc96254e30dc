"""A small labelled country: invented people, their ordinary life and the frauds of the rulebook."""
