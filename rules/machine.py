"""The compiled kernels that judge: they fill the columns of events, and run the programs of conditions row by row.

A table-driven machine with a stack, compiled once and kept on disk: a new rulebook is new tables and compiles nothing,
and a batch of ten events costs little more than ten events. Truths are 0, 1 and NaN, see rules/conditions.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from rules.compiling import compiled
from rules.events import CHANNELS, DAY_MS, EVENT, KINDS, LOCAL_OFFSET_MS, NO_TIME, PARTY_KINDS

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Lists = NDArray[np.uint32]

Function = TypeVar("Function", bound=Callable[..., object])


def inlined(function: Function) -> Function:
    """`function` compiled into its callers: handing a dozen arrays over costs more than most programs take."""
    return cast(Function, numba.njit(inline="always")(function))


STACK: Final = 64

# Instructions. The argument of a load is a column; for a statistic or a list, role * 32 + column.
CONSTANT, EVENT_COLUMN, FEATURE, STATISTIC, MODEL, LISTED = range(6)
ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER, MINIMUM, MAXIMUM, MAGNITUDE = range(6, 14)
LESS, AT_MOST, MORE, AT_LEAST, EQUAL, UNEQUAL = range(14, 20)
ONE_OF, KNOWN, NOT, AND, OR, JUMP_IF_NO, JUMP_IF_YES = range(20, 27)
STATISTICS_SHIFT: Final = 5

# The columns of an event that expressions can read, in the order in which `fill` writes them.
COLUMNS: Final = (
    "amount", "hour", "weekday", "day", "merchant_category", "purpose_code", "sim_changed_hours",
    "payer_account_age_days", "payee_account_age_days", "kind", "channel", "payer_kind", "payee_kind", "device_new",
    "remote_access", "own_deposit_broken", "payer_non_resident", "payee_non_resident", "late", "history", "online",
    "secured", "has_device", "has_phone", "own_transfer", "foreign_currency", "same_institution", "same_region",
    "microcredit",
)  # fmt: skip
FLAG_COLUMNS: Final = COLUMNS.index("device_new")
FLAGS: Final = 9  # device_new … secured stand in the order of the bits of EVENT["flags"]

_HOUR_MS: Final = 3_600_000
_NOT_GIVEN: Final = 255
_TENGE_FIRST: Final = EVENT.fields["currency"][1]  # type: ignore[index]
_PAYER_INSTITUTION: Final = EVENT.fields["payer_institution"][1]  # type: ignore[index]
_PAYEE_INSTITUTION: Final = EVENT.fields["payee_institution"][1]  # type: ignore[index]
_INSTITUTION_LENGTH: Final = EVENT["payer_institution"].itemsize
_KINDS, _CHANNELS, _PARTY_KINDS = len(KINDS), len(CHANNELS), len(PARTY_KINDS)


@compiled
def _age(at: int, since: int, unit: int) -> float:
    """Time since an instant; a time after the event is somebody's fault and nothing to judge by."""
    if since == NO_TIME or since > at:
        return math.nan
    return (at - since) / unit


@compiled
def _code(code: int, known: int) -> float:
    return float(code) if code < known else math.nan


@compiled
def _day_of_month(days: int) -> int:
    """Day of the month of a count of days since 1970 (Hinnant's civil calendar)."""
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    return of_year - (153 * month + 2) // 5 + 1


@compiled
def fill(
    rows: NDArray[np.void],
    raw: NDArray[np.uint8],
    wanted: NDArray[np.bool_],
    lexicons: NDArray[np.bool_],
    first_date: Integers,
    starts: Integers,
    ends: Integers,
    dated: Floats,
    out: Floats,
) -> None:
    """Write COLUMNS, then a column for each lexicon, then one for each dated value, of the rows that are wanted."""
    for i in range(len(rows)):
        if not wanted[i]:
            continue
        row = rows[i]
        at = row["occurred_at"]
        local = at + LOCAL_OFFSET_MS
        days = local // DAY_MS
        amount = row["amount_kzt"]
        # Amounts are above 0, so 0 says that no rate of the currency was in force.
        out[i, 0] = amount / 100.0 if amount != 0 else math.nan
        out[i, 1] = local // _HOUR_MS % 24
        out[i, 2] = (days + 3) % 7 + 1  # 1 January 1970 was a Thursday; Monday is 1
        out[i, 3] = _day_of_month(days)
        out[i, 4] = row["merchant_category"] if row["merchant_category"] != 0 else math.nan
        out[i, 5] = row["purpose_code"] if row["purpose_code"] != 0 else math.nan
        out[i, 6] = _age(at, row["sim_changed_at"], _HOUR_MS)
        out[i, 7] = _age(at, row["payer_account_opened_at"], DAY_MS)
        out[i, 8] = _age(at, row["payee_account_opened_at"], DAY_MS)
        out[i, 9] = _code(row["kind"], _KINDS)
        out[i, 10] = _code(row["channel"], _CHANNELS)
        out[i, 11] = _code(row["payer_kind"], _PARTY_KINDS)
        out[i, 12] = _code(row["payee_kind"], _PARTY_KINDS)
        flags = np.int64(row["flags"])
        for bit in range(FLAGS):
            out[i, FLAG_COLUMNS + bit] = flags >> bit & 1
        column = FLAG_COLUMNS + FLAGS
        out[i, column] = row["device"] != 0
        out[i, column + 1] = row["phone"] != 0
        out[i, column + 2] = row["payer"] != 0 and row["payer"] == row["payee"]
        currency = raw[i, _TENGE_FIRST : _TENGE_FIRST + 3]
        out[i, column + 3] = not (currency[0] == 75 and currency[1] == 90 and currency[2] == 84)  # K, Z, T
        payer = raw[i, _PAYER_INSTITUTION : _PAYER_INSTITUTION + _INSTITUTION_LENGTH]
        payee = raw[i, _PAYEE_INSTITUTION : _PAYEE_INSTITUTION + _INSTITUTION_LENGTH]
        same = 1.0
        for k in range(_INSTITUTION_LENGTH):
            if payer[k] != payee[k]:
                same = 0.0
        out[i, column + 4] = same if payer[0] != 0 and payee[0] != 0 else math.nan
        here, there = row["payer_region"], row["payee_region"]
        if here == 0 or there == 0 or (here == _NOT_GIVEN and there == _NOT_GIVEN):
            out[i, column + 5] = math.nan  # two places abroad may be one or not
        else:
            out[i, column + 5] = here == there
        # Of a loan the payer's institution is the lender; codes of microfinance organisations begin with MFO.
        out[i, column + 6] = payer[0] == 77 and payer[1] == 70 and payer[2] == 79
        column += 7
        for lexicon in range(len(lexicons)):
            has = 0.0
            for k in range(4):
                if lexicons[lexicon, row["words"][k]]:
                    has = 1.0
            out[i, column + lexicon] = has
        column += len(lexicons)
        for which in range(len(first_date) - 1):
            value = math.nan
            for k in range(first_date[which], first_date[which + 1]):
                if starts[k] <= at < ends[k]:
                    value = dated[k]
            out[i, column + which] = value


@inlined
def run(
    i: int,
    begin: int,
    end: int,
    operations: Integers,
    arguments: Integers,
    constants: Floats,
    events: Floats,
    values: Floats,
    statistics: Floats,
    scores: Floats,
    lists: Lists,
    stack: Floats,
) -> float:
    """Run one program for row i: 0 no, 1 yes, NaN unknown."""
    top = -1
    at = begin
    while at < end:
        operation, argument = operations[at], arguments[at]
        at += 1
        if operation <= LISTED:
            top += 1
            if operation == CONSTANT:
                stack[top] = constants[argument]
            elif operation == EVENT_COLUMN:
                stack[top] = events[i, argument]
            elif operation == FEATURE:
                stack[top] = values[i, argument]
            elif operation == STATISTIC:
                stack[top] = statistics[i, argument >> STATISTICS_SHIFT, argument & ((1 << STATISTICS_SHIFT) - 1)]
            elif operation == MODEL:
                stack[top] = scores[i, argument]
            else:
                listed = lists[i, argument >> STATISTICS_SHIFT] >> (argument & ((1 << STATISTICS_SHIFT) - 1))
                stack[top] = float(listed & 1)
        elif operation == JUMP_IF_NO:
            if stack[top] == 0.0:
                at = argument
        elif operation == JUMP_IF_YES:
            if stack[top] == 1.0:
                at = argument
        elif operation == NOT:
            stack[top] = 1.0 - stack[top]
        elif operation == KNOWN:
            stack[top] = 0.0 if math.isnan(stack[top]) else 1.0
        elif operation == MAGNITUDE:
            stack[top] = abs(stack[top])
        elif operation == ONE_OF:
            if not math.isnan(stack[top]):
                found = 0.0
                start = argument >> 16
                for k in range(start, start + (argument & 0xFFFF)):
                    if constants[k] == stack[top]:
                        found = 1.0
                stack[top] = found
        else:
            top -= 1
            stack[top] = _pair(operation, stack[top], stack[top + 1])
    return float(stack[0])


@inlined
def _pair(operation: int, left: float, right: float) -> float:
    """What an instruction makes of the two topmost values."""
    if operation == AND:
        if left == 0.0 or right == 0.0:
            return 0.0
        return left * right  # 1, or NaN where either is unknown
    if operation == OR:
        if left == 1.0 or right == 1.0:
            return 1.0
        return left + right
    if math.isnan(left) or math.isnan(right):
        return math.nan
    if operation >= LESS:
        return _compared(operation, left, right)
    if operation == ADD:
        return left + right
    if operation == SUBTRACT:
        return left - right
    if operation == MULTIPLY:
        return left * right
    if operation == MINIMUM:
        return min(left, right)
    if operation == MAXIMUM:
        return max(left, right)
    # Dividing by nothing gives no number to judge by: unknown, never infinite.
    if right == 0.0:
        return math.nan
    return left / right if operation == DIVIDE else left % right


@inlined
def _compared(operation: int, left: float, right: float) -> float:
    if operation == LESS:
        return 1.0 if left < right else 0.0
    if operation == AT_MOST:
        return 1.0 if left <= right else 0.0
    if operation == MORE:
        return 1.0 if left > right else 0.0
    if operation == AT_LEAST:
        return 1.0 if left >= right else 0.0
    if operation == EQUAL:
        return 1.0 if left == right else 0.0
    return 1.0 if left != right else 0.0


@compiled
def applicable(
    starts: Integers,
    operations: Integers,
    arguments: Integers,
    constants: Floats,
    events: Floats,
    needed: NDArray[np.uint64],
) -> None:
    """Set bit t of needed[i] where program t is not surely false for row i."""
    nothing, nowhere, unlisted = np.empty((0, 0)), np.empty((0, 0, 0)), np.empty((0, 0), np.uint32)
    stack = np.empty(STACK)
    for i in range(len(needed)):
        bits = np.uint64(0)
        for t in range(len(starts) - 1):
            state = run(
                i, starts[t], starts[t + 1], operations, arguments, constants, events, nothing,
                nowhere, nothing, unlisted, stack,
            )  # fmt: skip
            if state != 0.0:
                bits |= np.uint64(1) << np.uint64(t)
        needed[i] = bits


@compiled
def judge(
    needed: NDArray[np.uint64],
    first_signal: Integers,
    thousandths: Integers,
    starts: Integers,
    operations: Integers,
    arguments: Integers,
    constants: Floats,
    events: Floats,
    values: Floats,
    statistics: Floats,
    scores: Floats,
    lists: Lists,
    score: Floats,
    signals: NDArray[np.uint8],
) -> None:
    """Run the signals of each typology whose bit is set; `score` and `signals` start as zeros."""
    stack = np.empty(STACK)
    for i in range(len(needed)):
        bits = needed[i]
        if bits == 0:
            continue
        for t in range(len(first_signal) - 1):
            if bits >> np.uint64(t) & np.uint64(1) == 0:
                continue
            # Whole thousandths, so that a sum does not depend on rounding.
            total = 0
            for s in range(first_signal[t], first_signal[t + 1]):
                state = run(
                    i, starts[s], starts[s + 1], operations, arguments, constants, events, values, statistics, scores,
                    lists, stack,
                )  # fmt: skip
                if state == 1.0:
                    signals[i, s] = 1
                    total += thousandths[s]
                elif state != 0.0:
                    signals[i, s] = 2
            score[i, t] = min(total, 1000) / 1000
