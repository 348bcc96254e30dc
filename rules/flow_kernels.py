"""The compiled loops of the flow graph: one pass over transfers in order, each matched to the money that funded it.

The graph is a ring of the latest transfers; a transfer is named by its running number, its place is the number modulo
the ring's size. Each knows the transfers into its payer that funded it, the former transfer into its payee and the
former one out of its payer, so that a subject's latest transfers are two short lists. All links point backwards and
never change; a link to what has left the ring is no link. What is read for one transfer is bounded by REACH, FUNDERS
and ANCESTORS, whatever the subject.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])

REACH: Final = 32  # latest transfers of a subject that are looked at, each way
FUNDERS: Final = 4  # transfers that are kept as the source of one, the largest part first
ANCESTORS: Final = 8  # subjects before the payer that are kept with a transfer, the nearest on the main path first
LONGEST: Final = 16  # transfers of a chain that are followed back

EDGE: Final = np.dtype(
    [
        ("payer", "<u8"),
        ("payee", "<u8"),
        ("amount", "<i8"),
        ("left", "<i8"),  # of the amount: what the payee has not passed on yet
        ("at", "<i8"),
        ("event", "<u8"),
        ("offset", "<i8"),
        ("roots", "<u8"),  # sketch of the origins: bit of each one's hash
        ("kin", "<u8"),  # sketch of the ancestors
        ("previous_in", "<i8"),  # the former transfer into the payee
        ("previous_out", "<i8"),  # the former transfer out of the payer
        ("funders", "<i8", (FUNDERS,)),  # -1 where fewer; none: the payer's own money
        ("ancestors", "<u8", (ANCESTORS,)),  # 0 where fewer
        ("kept", "<f4"),  # share of what the funders brought that this transfer passes on
        ("source", "<u2"),
        ("depth", "u1"),  # 1: the payer's own money
        ("flags", "u1"),
    ]
)
NEW_PAIR, CLEAN, TO_COMPANY = 1, 2, 4  # never seen together before; paid by a company; paid to a company

TRACED: Final = np.dtype(
    [
        ("edge", "<i8"),  # number in the graph, -1 where the row is no transfer that is traced
        ("depth", "u1"),  # transfers of the chain that ends here, this one included
        ("cycle_length", "u1"),  # transfers after which the money is back where it was; 0: it is not
        ("new_hops", "u1"),  # transfers of the chain between subjects never seen together before
        ("paths_met", "<u2"),  # payers of the payee who pass on the money of one and the same subject
        ("origins_met", "<u2"),  # origins of the payee's latest money, estimated from a sketch of 64 bits
        ("relays_met", "<u2"),  # payers of the payee who pass on most of what somebody paid them
        ("sources", "<u2"),  # people who paid the payer lately
        ("targets", "<u2"),  # people whom the payer paid lately, the payee included
        ("new_sources", "<u2"),
        ("new_targets", "<u2"),
        ("kept_share", "<f8"),  # of the chain's first transfer: the product of the shares of every hop
        ("cycle_share", "<f8"),  # what came back of the amount that had left
        ("balance", "<f8"),  # what the payer sent lately as a share of what came
        ("elapsed_hours", "<f8"),  # since the chain's first transfer, or the cycle's
        ("gathered", "<f8"),  # tiyn that came to the payee over `paths_met`
        ("passed", "<f8"),  # tiyn that the payer sent lately
        ("via", "<u8"),  # the subject whose money `paths_met` pass on
    ]
)

# Places in the array of whole-number parameters, and in that of shares.
LEAST, HOP_MS, MEETING_MS, LIVE = range(4)
KEEP, OVER, COVERED, RELAY = range(4)
NEXT, SUBJECTS, PAIRS, OLD_PAIRS = range(4)  # places in `counts`


def compiled(function: Function) -> Function:
    """`function` compiled by numba on first use and kept on disk."""
    return cast(Function, numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function))


@compiled
def _mixed(value: Any) -> Any:
    value = (value ^ (value >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    return value ^ (value >> np.uint64(29))


@compiled
def _bit(key: Any) -> Any:
    """The bit of a subject in a sketch."""
    return np.uint64(1) << (_mixed(key) & np.uint64(63))


@compiled
def slot_of(keys: NDArray[np.uint64], key: np.uint64) -> int:
    """Where a key stands in an open table, or where it would."""
    mask = np.uint64(len(keys) - 1)
    at = _mixed(key) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return int(at)


@compiled
def fill(table: NDArray[np.uint64], keys: NDArray[np.uint64]) -> None:
    """Put keys into an open table that has room for them."""
    for i in range(len(keys)):
        table[slot_of(table, keys[i])] = keys[i]


@compiled
def rebuild(
    ring: NDArray[np.void],
    first: int,
    stop: int,
    keys: NDArray[np.uint64],
    last_in: NDArray[np.int64],
    last_out: NDArray[np.int64],
) -> int:
    """Fill an empty table of subjects from the transfers [first, stop); returns how many subjects there are."""
    subjects = 0
    for number in range(first, stop):
        edge = ring[number % len(ring)]
        for side in range(2):
            key = edge.payer if side else edge.payee
            at = slot_of(keys, key)
            if keys[at] == 0:
                keys[at] = key
                last_in[at] = last_out[at] = -1
                subjects += 1
            if side:
                last_out[at] = number
            else:
                last_in[at] = number
    return subjects


@compiled
def _is_new_pair(
    payer: np.uint64,
    payee: np.uint64,
    pairs: NDArray[np.uint64],
    old: NDArray[np.uint64],
    counts: NDArray[np.int64],
) -> bool:
    """Whether these two, whoever pays, were never seen together; remembers them."""
    low, high = min(payer, payee), max(payer, payee)
    key = _mixed(low) ^ (high * np.uint64(0xD6E8FEB86659FD93))
    if key == 0:
        key = np.uint64(1)
    at = slot_of(pairs, key)
    if pairs[at] == key:
        return False
    known = old[slot_of(old, key)] == key
    if counts[PAIRS] * 2 >= len(pairs):
        # Full: what is here becomes the older half of what is remembered.
        old[:] = pairs
        pairs[:] = 0
        counts[OLD_PAIRS] = counts[PAIRS]
        counts[PAIRS] = 0
        at = slot_of(pairs, key)
    pairs[at] = key
    counts[PAIRS] += 1
    return not known


@compiled
def _estimated(sketch: np.uint64) -> int:
    """How many different origins set these bits (linear counting)."""
    ones = 0
    while sketch:
        sketch &= sketch - np.uint64(1)
        ones += 1
    if ones >= 63:
        return 255
    return int(np.round(-64.0 * np.log(1.0 - ones / 64.0)))


@compiled
def _known(seen: NDArray[np.uint64], count: int, key: np.uint64) -> bool:
    for i in range(count):  # noqa: SIM110 - numba compiles no generators
        if seen[i] == key:
            return True
    return False


@compiled
def trace(
    payer: NDArray[np.uint64],
    payee: NDArray[np.uint64],
    amount: NDArray[np.int64],
    at: NDArray[np.int64],
    event: NDArray[np.uint64],
    offset: NDArray[np.int64],
    source: NDArray[np.uint16],
    flags: NDArray[np.uint8],
    whole: NDArray[np.int64],
    shares: NDArray[np.float64],
    ring: NDArray[np.void],
    counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    last_in: NDArray[np.int64],
    last_out: NDArray[np.int64],
    pairs: NDArray[np.uint64],
    old_pairs: NDArray[np.uint64],
    out: NDArray[np.void],
) -> None:
    """Add transfers to the graph in order and say of each what it ends: `out` is TRACED[n].

    `flags` of a row: CLEAN and TO_COMPANY. There is room in the ring and the tables for every row.
    """
    lots = np.empty(REACH, np.int64)  # numbers of transfers into the payer with something left, newest first
    used = np.empty(REACH, np.float64)  # what each gives to this transfer
    seen = np.empty(REACH + 1, np.uint64)
    size = len(ring)
    for i in range(len(payer)):
        here = out[i]
        here.edge = -1
        fresh = _is_new_pair(payer[i], payee[i], pairs, old_pairs, counts)
        if amount[i] < whole[LEAST]:
            continue
        number = counts[NEXT]
        first = max(0, number - whole[LIVE])
        for side in range(2):
            key = payer[i] if side else payee[i]
            slot = slot_of(keys, key)
            if keys[slot] == 0:
                keys[slot] = key
                last_in[slot] = last_out[slot] = -1
                counts[SUBJECTS] += 1
        from_slot, to_slot = slot_of(keys, payer[i]), slot_of(keys, payee[i])
        now = at[i]

        # -- what came to the payer lately, and is still there ---------------------------------------------------------
        count, total, sources, new_sources, came = 0, 0.0, 0, 0, 0.0
        clean = (flags[i] & CLEAN) != 0
        if not clean:
            link, steps = last_in[from_slot], 0
            while link >= first and steps < REACH:
                edge = ring[link % size]
                if edge.at <= now:
                    if now - edge.at <= whole[HOP_MS] and edge.left > 0:
                        lots[count] = link
                        total += edge.left
                        count += 1
                    if now - edge.at <= whole[MEETING_MS] and not edge.flags & CLEAN:
                        came += edge.amount
                        if not _known(seen, sources, edge.payer):
                            seen[sources] = edge.payer
                            sources += 1
                            new_sources += edge.flags & NEW_PAIR
                link = edge.previous_in
                steps += 1

        # -- which of it pays for this transfer -----------------------------------------------------------------------
        kept, covered = 1.0, 0.0
        for k in range(count):
            used[k] = 0.0
        if count:
            sent = float(amount[i])
            exact, gap = -1, 9.0
            for k in range(count):
                ratio = sent / ring[lots[k] % size].left
                if shares[KEEP] <= ratio <= 1.0 + shares[OVER] and abs(1.0 - ratio) < gap:
                    exact, gap = k, abs(1.0 - ratio)
            if exact >= 0:
                kept = min(1.0, sent / ring[lots[exact] % size].left)
                used[exact] = sent
                covered = 1.0
                ring[lots[exact] % size].left = 0
            elif count > 1 and shares[KEEP] <= sent / total <= 1.0 + shares[OVER]:
                kept, covered = min(1.0, sent / total), 1.0
                for k in range(count):
                    used[k] = ring[lots[k] % size].left
                    ring[lots[k] % size].left = 0
            else:
                need, brought = sent, 0.0
                for k in range(count - 1, -1, -1):  # first in, first out
                    edge = ring[lots[k] % size]
                    part = min(need, float(edge.left))
                    if part > 0.0:
                        used[k] = part
                        brought += edge.amount
                        edge.left -= int(part)
                        need -= part
                covered = (sent - need) / sent
                kept = min(1.0, sent / brought) if brought > 0.0 else 1.0

        # -- the new transfer -----------------------------------------------------------------------------------------
        new = ring[number % size]
        new.payer, new.payee = payer[i], payee[i]
        new.amount = new.left = amount[i]
        new.at, new.event, new.offset, new.source = now, event[i], offset[i], source[i]
        new.flags = flags[i] | (NEW_PAIR if fresh else 0)
        new.previous_in, new.previous_out = last_in[to_slot], last_out[from_slot]
        new.depth, new.kept, new.roots, new.kin = 1, 1.0, np.uint64(0), np.uint64(0)
        for j in range(FUNDERS):
            new.funders[j] = -1
        for j in range(ANCESTORS):
            new.ancestors[j] = 0
        funders = 0
        if covered >= shares[COVERED]:
            for j in range(FUNDERS):
                best = -1
                for k in range(count):
                    if used[k] > 0.0 and (best < 0 or used[k] > used[best]):
                        best = k
                if best < 0:
                    break
                used[best] = 0.0
                edge = ring[lots[best] % size]
                if edge.flags & CLEAN:
                    if j == 0:
                        break  # mostly what a company paid: here it begins
                    continue
                new.funders[funders] = lots[best]
                funders += 1
        if funders:
            new.depth = min(250, ring[new.funders[0] % size].depth + 1)
            new.kept = kept
            held = 0
            for j in range(funders):
                edge = ring[new.funders[j] % size]
                new.roots |= edge.roots
                if held < ANCESTORS and edge.payer != payer[i] and not _known(new.ancestors, held, edge.payer):
                    new.ancestors[held] = edge.payer
                    held += 1
                if j:
                    continue
                for k in range(ANCESTORS - FUNDERS):  # room is left for the payers of the other funders
                    one = edge.ancestors[k]
                    if one == 0 or held >= ANCESTORS:
                        break
                    if one != payer[i] and not _known(new.ancestors, held, one):
                        new.ancestors[held] = one
                        held += 1
            for j in range(1, funders):
                edge = ring[new.funders[j] % size]
                for k in range(ANCESTORS):
                    one = edge.ancestors[k]
                    if one == 0 or held >= ANCESTORS:
                        break
                    if one != payer[i] and not _known(new.ancestors, held, one):
                        new.ancestors[held] = one
                        held += 1
            for j in range(held):
                new.kin |= _bit(new.ancestors[j])
        else:
            new.roots = _bit(payer[i])

        # -- the chain that ends here ---------------------------------------------------------------------------------
        share, hops, fresh_hops = float(new.kept), 1, 1 if fresh else 0
        began = now
        here.cycle_length, here.cycle_share = 0, 0.0
        link = new.funders[0]
        while link >= first and hops < LONGEST:
            edge = ring[link % size]
            hops += 1
            began = edge.at
            fresh_hops += edge.flags & NEW_PAIR
            if edge.payer == payee[i]:
                here.cycle_length, here.cycle_share = hops, amount[i] / edge.amount
                break
            share *= edge.kept
            link = edge.funders[0]
        here.edge, here.depth, here.new_hops = number, hops, fresh_hops
        here.kept_share, here.elapsed_hours = share, (now - began) / 3_600_000.0

        # -- what the payer sent lately -------------------------------------------------------------------------------
        targets, new_targets, went = 0, 0, 0.0
        if not clean:
            if not flags[i] & TO_COMPANY:
                seen[0] = payee[i]
                targets, new_targets, went = 1, 1 if fresh else 0, float(amount[i])
            link, steps = new.previous_out, 0
            while link >= first and steps < REACH:
                edge = ring[link % size]
                if 0 <= now - edge.at <= whole[MEETING_MS] and not edge.flags & TO_COMPANY:
                    went += edge.amount
                    if not _known(seen, targets, edge.payee):
                        seen[targets] = edge.payee
                        targets += 1
                        new_targets += edge.flags & NEW_PAIR
                link = edge.previous_out
                steps += 1
        here.sources, here.targets = sources, targets
        here.new_sources, here.new_targets = new_sources, new_targets
        here.balance = went / came if came > 0.0 else 0.0
        here.passed = went

        # -- what meets at the payee ----------------------------------------------------------------------------------
        roots, relays, meeting = new.roots, 0, 0
        if new.depth > 1 and new.kept >= shares[RELAY]:
            seen[0] = payer[i]
            relays = 1
        link, steps = new.previous_in, 0
        while link >= first and steps < REACH:
            edge = ring[link % size]
            if 0 <= now - edge.at <= whole[MEETING_MS] and not edge.flags & CLEAN:
                roots |= edge.roots
                if edge.depth > 1:
                    lots[meeting] = link
                    meeting += 1
                    if edge.kept >= shares[RELAY] and not _known(seen, relays, edge.payer):
                        seen[relays] = edge.payer
                        relays += 1
            link = edge.previous_in
            steps += 1
        here.origins_met, here.relays_met = _estimated(roots), relays
        here.paths_met, here.gathered, here.via = 0, 0.0, np.uint64(0)
        if new.depth > 1 and meeting:
            for j in range(ANCESTORS):
                one = new.ancestors[j]
                if one == 0:
                    break
                seen[0] = payer[i]
                paths, gathered = 1, float(amount[i])
                bit = _bit(one)
                for m in range(meeting):
                    edge = ring[lots[m] % size]
                    if edge.kin & bit and edge.payer != one and _known(edge.ancestors, ANCESTORS, one):
                        gathered += edge.amount
                        if not _known(seen, paths, edge.payer):
                            seen[paths] = edge.payer
                            paths += 1
                if paths > here.paths_met:
                    here.paths_met, here.gathered, here.via = paths, gathered, one
        last_in[to_slot] = number
        last_out[from_slot] = number
        counts[NEXT] = number + 1
