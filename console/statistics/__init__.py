"""The Prosecutor's tables: what is counted, in which columns, and how it is plotted."""
