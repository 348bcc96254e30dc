"""What leaves the console as a file: reports, case files, recall requests, tables."""
