"""Purposes and contexts of events as ready pieces of JSON, so that an event carries only their position."""

from __future__ import annotations

import json

import numpy as np

from simulator import texts
from simulator.moves import NOBODY, Indices


class Purposes:
    """The table of all purposes that anybody writes; each group of texts is one run of it."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._runs: dict[str, range] = {}
        for group, (code, phrases) in texts.PURPOSES.items():
            first = len(self.pieces)
            for phrase in phrases:
                text = f',"purpose":{json.dumps(phrase, ensure_ascii=False)}' if phrase else ""
                number = f',"purpose_code":"{code}"' if code else ""
                self.pieces.append((text + number).encode())
            self._runs[group] = range(first, len(self.pieces))

    def some(self, group: str, count: int, rng: np.random.Generator, silent: float = 0.0) -> Indices:
        """One text of the group for each of `count` events, a share of which has none."""
        run = self._runs[group]
        chosen = rng.integers(run.start, run.stop, count)
        return np.where(rng.random(count) < silent, NOBODY, chosen) if silent else chosen

    def one(self, group: str, rng: np.random.Generator) -> int:
        """One text of the group."""
        run = self._runs[group]
        return int(rng.integers(run.start, run.stop))


class Contexts:
    """The table of all contexts; position 0 is the absent one, then one for each merchant category."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = [b""]
        self._known: dict[tuple[tuple[str, object], ...], int] = {(): 0}
        self.merchant = np.array([self.of(merchant_category=code) for code in texts.MERCHANTS])
        self.merchant_new_device = np.array(
            [self.of(device_new=True, merchant_category=code) for code in texts.MERCHANTS]
        )

    def of(self, **said: object) -> int:
        """The position of the context that says this."""
        key = tuple(sorted(said.items()))
        if key not in self._known:
            self._known[key] = len(self.pieces)
            self.pieces.append(b',"context":' + json.dumps(said, separators=(",", ":")).encode())
        return self._known[key]


def local_time(milliseconds: int) -> str:
    """A local time as the contract writes it."""
    return f"{np.datetime64(milliseconds, 'ms')}+05:00"
