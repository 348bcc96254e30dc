"""`python -m streams.cli` is `antifraud`."""

from streams.cli import main

main()
