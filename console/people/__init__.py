"""The people who work at the console: accounts, passwords, one-time codes, sessions, and what each role may do."""
