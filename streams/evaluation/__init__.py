"""How well the center did on events whose truth is known: figures per typology, per case and over all."""
