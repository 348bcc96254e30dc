"""Reference sets: which lists a subject is on, at what time, as far as was known at what time.

Registries send entries: this token is set on, or withdrawn from, a list, valid from one instant to another. Entries
have two times. Valid time says when an entry holds; its order key (epoch, order_time) says from where on in the one
order of the log the center knows it. An answer depends on the set of entries alone and not on the order they came in:

- Of the entries of a key on a list that are known and valid, the one with the latest `valid_from` holds, of equal ones
  the higher `sequence`. Of those the citizen has the benefit: an appeal upheld, else set, else withdrawn.
- An entry withdrawn, or with its appeal upheld, says that the key is not on the list from its `valid_from` on.
"""

from __future__ import annotations

from typing import Final

import numpy as np

# The first is a protection that its subject asked for, `licensed` and `protected` speak for the subject.
LISTS: Final = (
    "refusal",
    "convicted",
    "dropper_suspected",
    "dropper_confirmed",
    "grey",
    "black",
    "pyramid",
    "licensed",
    "protected",
    "blocked_resource",
)
ACTIONS: Final = ("withdrawn", "set")
PROOFS: Final = ("not_given", "reasonable_grounds", "clear_evidence", "court_judgment")
APPEALS: Final = ("none", "open", "rejected", "upheld")
WITHDRAWN, SET = range(len(ACTIONS))
UPHELD: Final = APPEALS.index("upheld")

ENTRY: Final = np.dtype(
    [
        ("key", "<u8"),  # the first 64 bits of the subject's token
        ("list", "u1"),  # index into LISTS
        ("action", "u1"),  # index into ACTIONS
        ("proof", "u1"),  # index into PROOFS
        ("appeal", "u1"),  # index into APPEALS
        ("valid_from", "<i8"),  # ms since 1970 UTC
        ("valid_to", "<i8"),  # exclusive, or NO_TIME
        ("epoch", "<i8"),  # the order key, as of an EVENT
        ("order_time", "<i8"),
        ("sequence", "<i8"),  # of the registry; 0 where it gives none
        ("source", "<u2"),  # the place in the log: index of the source partition
        ("offset", "<i8"),
        ("number", "<u2"),  # of the entry, and of the token in it, within the record
    ]
)
