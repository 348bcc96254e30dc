"""The flow graph: which money paid for which transfer, as far back as the ring of transfers reaches.

A transfer is funded by what came to its payer shortly before: by one transfer of nearly the same amount, by everything
that came together, or else first in, first out. First in, first out is how English law (Clayton's case, 1816) and, for
stolen coins, Anderson, Shumailov and Ahmed ("Making Bitcoin Legal", 2018) tell mixed money apart. So a chain grows
transfer by transfer, and no graph is ever searched: what a transfer ends is known when it is added.

Memory is bounded: 192 bytes for each of `capacity` transfers, 16 for each pair of subjects that is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rules import flow_kernels as kernels
from rules.events import EVENT, KINDS, PARTY_KINDS, Events
from rules.flow_kernels import CLEAN, EDGE, REACH, TO_COMPANY, TRACED

CAPACITY: Final = 1 << 19  # transfers
CHUNK: Final = 4_096  # added at once; so many at the old end of the ring are no longer looked at
PAIRS: Final = 1 << 20  # places of each half of the remembered pairs; half of them are filled
_SMALLEST: Final = 1 << 14
_KINDS: Final = np.array([kind in ("transfer", "top_up", "crypto_exchange") for kind in KINDS])
_COMPANY: Final = PARTY_KINDS.index("company")


@dataclass(frozen=True, slots=True)
class FlowParameters:
    """How transfers are matched; times in milliseconds, amounts in tiyn. From the rulebook: rules/tracing.py."""

    least: int  # smaller transfers are not traced
    hop_ms: int  # how long money rests at most before it counts as the payer's own
    meeting_ms: int  # within which transfers to, or from, one subject are counted together
    keep: float  # the least share of what came that must be passed on in one sum to be the same money
    over: float  # by how much the sum may be larger
    covered: float  # the least share of a transfer that must be other people's money
    relay: float  # the least share of what came that somebody passes on who is counted as a relay


@dataclass(frozen=True, slots=True)
class Step:
    """One transfer on the way of some money, `hop` transfers from where the question was asked."""

    hop: int
    number: int
    edge: np.void  # EDGE


class Flows:
    """The graph; see the module's docstring."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 2 * CHUNK:
            raise ValueError(f"the graph holds at least {2 * CHUNK} transfers, not {capacity}")
        self.capacity = 1 << (capacity - 1).bit_length()
        self.ring = np.zeros(min(_SMALLEST, self.capacity), EDGE)
        self.counts = np.zeros(4, np.int64)
        self._pairs = np.zeros(PAIRS, np.uint64)
        self._old_pairs = np.zeros(PAIRS, np.uint64)
        self._index()

    def __len__(self) -> int:
        """Transfers that can be looked at."""
        return self.next - self.first

    @property
    def next(self) -> int:
        """The number of the next transfer."""
        return int(self.counts[kernels.NEXT])

    @property
    def first(self) -> int:
        """The number of the oldest transfer that is still looked at."""
        return max(0, self.next - (self.capacity - CHUNK))

    @property
    def memory_bytes(self) -> int:
        """Bytes of the graph and its tables."""
        tables = (self.ring, self._keys, self._last_in, self._last_out, self._pairs, self._old_pairs)
        return sum(table.nbytes for table in tables)

    # -- growing ------------------------------------------------------------------------------------------------------

    def add(self, rows: Events, sources: NDArray[np.uint16], parameters: FlowParameters) -> NDArray[np.void]:
        """Add events in order; returns what each ends: TRACED[n], `edge` -1 where the event is no traced transfer.

        `sources[i]` is kept with the transfer as its source. The result does not depend on how a sequence of events is
        cut into calls; at most CHUNK rows at once.
        """
        if len(rows) > CHUNK:
            raise ValueError(f"at most {CHUNK} rows at once, not {len(rows)}")
        traced = np.zeros(len(rows), TRACED)
        traced["edge"] = -1
        chosen = (rows["kind"] < len(_KINDS)) & _KINDS[np.minimum(rows["kind"], len(_KINDS) - 1)]
        chosen &= (rows["payer"] != 0) & (rows["payee"] != 0) & (rows["payer"] != rows["payee"])
        from_company, to_company = rows["payer_kind"] == _COMPANY, rows["payee_kind"] == _COMPANY
        chosen &= ~(from_company & to_company)
        some = rows[chosen]
        if not len(some):
            return traced
        self._make_room(len(some))
        flags = from_company * np.uint8(CLEAN) | to_company * np.uint8(TO_COMPANY)
        out = np.zeros(len(some), TRACED)

        def column(name: str) -> NDArray[Any]:
            return np.ascontiguousarray(some[name])

        kernels.trace(
            column("payer"),
            column("payee"),
            column("amount_kzt"),
            column("occurred_at"),
            column("event"),
            column("offset"),
            np.ascontiguousarray(sources[chosen], np.uint16),
            np.ascontiguousarray(flags[chosen], np.uint8),
            np.array([parameters.least, parameters.hop_ms, parameters.meeting_ms, self.capacity - CHUNK], np.int64),
            np.array([parameters.keep, parameters.over, parameters.covered, parameters.relay]),
            self.ring,
            self.counts,
            self._keys,
            self._last_in,
            self._last_out,
            self._pairs,
            self._old_pairs,
            out,
        )
        traced[chosen] = out
        return traced

    def _make_room(self, rows: int) -> None:
        while self.next + rows > len(self.ring) < self.capacity:
            grown = np.zeros(2 * len(self.ring), EDGE)
            grown[: self.next] = self.ring[: self.next]
            self.ring = grown
            self._index()
        if (int(self.counts[kernels.SUBJECTS]) + 2 * rows) * 4 > len(self._keys) * 3:
            self._index()

    def _index(self) -> None:
        """Build the table of subjects anew, of those only that have a transfer to look at."""
        size = max(4 * len(self.ring), 8 * CHUNK)
        self._keys = np.zeros(size, np.uint64)
        self._last_in, self._last_out = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.counts[kernels.SUBJECTS] = kernels.rebuild(
            self.ring, self.first, self.next, self._keys, self._last_in, self._last_out
        )

    # -- questions ----------------------------------------------------------------------------------------------------

    def edge(self, number: int) -> np.void:
        """The transfer with this number: EDGE."""
        edge: np.void = self.ring[number % len(self.ring)]
        return edge

    def _lately(self, number: int, link: str, until: int, within_ms: int, first: int) -> list[int]:
        """Transfer `number` and those before it along a link that happened within `within_ms` before `until`."""
        found = []
        for _ in range(REACH + 1):
            if number < first:
                break
            if 0 <= until - int(self.edge(number)["at"]) <= within_ms:
                found.append(number)
            number = int(self.edge(number)[link])
        return found

    def _back(self, seeds: Iterable[int], hops: int, limit: int, first: int) -> list[Step]:
        """The transfers that funded the seeds, breadth first, each once, the seeds included."""
        steps: dict[int, Step] = {}
        level = list(dict.fromkeys(seeds))
        for hop in range(hops + 1):
            for number in level:
                if number >= first and number not in steps and len(steps) < limit:
                    steps[number] = Step(hop, number, self.edge(number))
            funders = (int(f) for number in level if number in steps for f in self.edge(number)["funders"])
            level = [f for f in dict.fromkeys(funders) if f >= first and f not in steps]
        return list(steps.values())

    def evidence(self, traced: np.void, pattern: str, meeting_ms: int, limit: int) -> list[np.void]:
        """The transfers that prove a pattern, oldest first: EDGE each. Call it before CHUNK more rows are added."""
        number = int(traced["edge"])
        first = max(0, number - (self.capacity - CHUNK))
        edge, until = self.edge(number), int(self.edge(number)["at"])
        if pattern == "gather_scatter":
            into = self._into(int(edge["payer"]), number, first)
            seeds = self._lately(number, "previous_out", until, meeting_ms, first)
            seeds += self._lately(into, "previous_in", until, meeting_ms, first)
            hops = 0
        elif pattern in ("scatter_gather", "fan_in"):
            seeds = [
                n for n in self._lately(number, "previous_in", until, meeting_ms, first) if self._passes(n, traced)
            ]
            hops = 3
        else:
            seeds, hops = [number], kernels.LONGEST
        found = sorted(step.number for step in self._back(seeds, hops, limit, first))
        return [self.edge(n).copy() for n in found]

    def _passes(self, number: int, traced: np.void) -> bool:
        edge = self.edge(number)
        return int(edge["depth"]) > 1 and (int(traced["via"]) == 0 or traced["via"] in edge["ancestors"])

    def _into(self, subject: int, before: int, first: int) -> int:
        """The latest transfer into a subject that was added before transfer `before`; -1 where there is none."""
        slot = kernels.slot_of(self._keys, np.uint64(subject))
        number = int(self._last_in[slot]) if self._keys[slot] else -1
        while number >= before:
            number = int(self.edge(number)["previous_in"])
        return number if number >= first else -1

    def number_of(self, event: int) -> int | None:
        """The number of the transfer that an event (its hash) was; None where the graph does not hold it."""
        live = np.arange(self.first, self.next)
        found = live[self.ring["event"][live % len(self.ring)] == np.uint64(event)]
        return int(found[-1]) if len(found) else None

    def where_from(
        self, *, subject: int | None = None, event: int | None = None, hops: int = 6, limit: int = 200
    ) -> list[Step]:
        """Where the money of a subject (the first 64 bits of its token), or of one event, came from; nearest first.

        At most `limit` transfers and `hops` transfers back; of a subject, its REACH latest ones count.
        """
        return self._back(self._asked(subject, event, "in"), hops, limit, self.first)

    def where_to(
        self, *, subject: int | None = None, event: int | None = None, hops: int = 6, limit: int = 200
    ) -> list[Step]:
        """Where it went: the transfers that a subject made, or that an event's money paid for; bounded as above."""
        steps: dict[int, Step] = {}
        level = self._asked(subject, event, "out")
        for hop in range(hops + 1):
            onward: list[int] = []
            for number in level:
                if number in steps or len(steps) >= limit:
                    continue
                steps[number] = Step(hop, number, self.edge(number))
                after = self._asked(int(self.edge(number)["payee"]), None, "out")
                onward += [n for n in after if number in self.edge(n)["funders"]]
            level = list(dict.fromkeys(onward))
        return list(steps.values())

    def _asked(self, subject: int | None, event: int | None, side: str) -> list[int]:
        if (subject is None) == (event is None):
            raise ValueError("ask for a subject or for an event")
        if event is not None:
            number = self.number_of(event)
            return [] if number is None else [number]
        assert subject is not None
        slot = kernels.slot_of(self._keys, np.uint64(subject))
        if not self._keys[slot]:
            return []
        number = int((self._last_in if side == "in" else self._last_out)[slot])
        found: list[int] = []
        while number >= self.first and len(found) < REACH:
            found.append(number)
            number = int(self.edge(number)[f"previous_{side}"])
        return found

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, NDArray[Any]]:
        """The whole state as arrays."""
        return {
            "ring": self.ring[: min(self.next, len(self.ring))].view(np.uint8),
            "counts": self.counts,
            "pairs": self._pairs[self._pairs != 0],
            "old_pairs": self._old_pairs[self._old_pairs != 0],
            "capacity": np.array([self.capacity]),
        }

    @classmethod
    def restore(cls, state: Mapping[str, NDArray[Any]]) -> Flows:
        """The graph whose `state()` this was."""
        self = cls(int(state["capacity"][0]))
        self.counts = np.array(state["counts"])
        edges = np.ascontiguousarray(state["ring"]).view(EDGE)
        size = len(self.ring)
        while size < len(edges):
            size *= 2
        self.ring = np.zeros(size, EDGE)
        self.ring[: len(edges)] = edges
        for name, table in (("pairs", self._pairs), ("old_pairs", self._old_pairs)):
            kernels.fill(table, np.array(state[name]))
        self._index()
        return self


def warm_up() -> None:
    """Compile, or load from numba's cache, the kernels, so that no event waits for a compiler."""
    row = np.zeros(1, EVENT)
    row["payer"], row["payee"], row["amount_kzt"], row["event"] = 1, 2, 100, 1
    flows = Flows(2 * CHUNK)
    flows.add(row, np.zeros(1, np.uint16), FlowParameters(1, 1, 1, 0.8, 0.0, 0.8, 0.5))
    Flows.restore(flows.state())
