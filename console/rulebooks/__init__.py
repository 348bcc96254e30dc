"""What can be done with a rulebook before it judges anybody: check, examples, difference, evasions, approval."""
