"""Who is connected with whom: neighbourhoods, paths between two subjects, and where to draw them."""
