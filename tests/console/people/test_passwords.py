"""How passwords are stored where people sign in, not where tests do."""

from __future__ import annotations

import subprocess
import sys


def test_passwords_are_hashed_as_rfc_9106_advises() -> None:
    """In a process of its own: the console's other tests hash as cheaply as can be."""
    program = "from console.people.passwords import hash_of; print(hash_of('a river in the steppe'))"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
