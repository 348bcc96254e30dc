"""Events as lines of JSON in a file, and beside it their labels."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from rules.events import CHANNELS, KINDS
from simulator import identities
from simulator.moves import CARD_PAYMENT, DAY, LOAN_REPAYMENT, NOBODY, RECORD_TYPES, TIYN, TOP_UP, Ledger, Moves
from simulator.people import INSTITUTIONS, REGIONS, Population
from simulator.phrases import Contexts, Purposes

_CHUNK: Final = 1 << 15
_MOMENT_ENDS: Final = 5  # the column after those that tell an event's name and moment
_EVENT, _DEVICE = range(2)  # kinds of thing that get a hexadecimal name

Objects = NDArray[np.object_]


class Lines:
    """Renders events by joining pieces of bytes that were made once: no event is built as an object."""

    def __init__(self, population: Population, purposes: Purposes, contexts: Contexts, ledger: Ledger) -> None:
        owner = np.array(population.owner)
        self._institution = np.array(population.institution)
        self._seed = population.seed
        bics, regions = list(INSTITUTIONS), list(REGIONS)
        numbers, region = population.iban(), population.region.tolist()
        self._party = _pieces(
            f'"id":"{population.identifier[party]}","account":"{iban}","institution":"{bics[bank]}"'
            f',"region":"{regions[region[party]]}"'
            for party, iban, bank in zip(population.owner, numbers, population.institution, strict=True)
        )
        for account, party in population.outside.items():
            self._party[account] = party.encode()
        opened = np.array(population.opened_at, dtype="datetime64[ms]").astype("datetime64[s]").astype(str).tolist()
        self._told = _pieces(
            f',"name":"{population.name[party]}","account_opened_at":"{moment}+05:00"'
            for party, moment in zip(population.owner, opened, strict=True)
        )
        self._told[list(population.outside)] = b""
        # Two people in three let their bank pass the telephone number on.
        phones = [f',"phone":"{number}"' if at % 3 else "" for at, number in enumerate(population.phone)]
        phones += [""] * (len(population.identifier) - len(phones))
        self._phone = _pieces(phones)[owner]
        names = identities.hexadecimal(population.seed, _DEVICE, np.arange(population.devices, dtype=np.uint64))
        self._device = _pieces(
            [
                f',"device":{{"id":"{name.decode()}","ip":"100.{64 + int(name[:2], 16) % 64}'
                f'.{int(name[2:4], 16)}.{int(name[4:6], 16)}"}}'
                for name in names.tolist()
            ]
            + [""]
        )
        self._records = _pieces(ledger.records)
        self.tails = _pieces(
            f",1,T{typology:02d},{name}\n" if typology else f",0,,{name}\n" for name, typology in ledger.cases
        )
        self._purpose = _pieces([*purposes.pieces, b""])
        self._context = _pieces(contexts.pieces)
        self._channel = _pieces(f',"channel":"{name}"' for name in CHANNELS)
        self._head = _pieces(
            f'","institution":"{bic}","kind":"{kind}","currency":"KZT","amount":"' for bic in bics for kind in KINDS
        )
        self._second = _pieces(f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}" for at in range(DAY // 1000))
        self._millisecond = _pieces(f".{millisecond:03d}+05:00" for millisecond in range(1000))
        self._tiyn = _pieces(f'.{tiyn:02d}"' for tiyn in range(TIYN))
        self._payer_opens, self._payee_opens, self._closes = (
            _pieces(["", piece]) for piece in (',"payer":{', ',"payee":{', "}")
        )

    def event_ids(self, first: int, count: int) -> NDArray[np.bytes_]:
        """The names of `count` events, from the event of that number on."""
        return identities.hexadecimal(self._seed, _EVENT, np.arange(first, first + count, dtype=np.uint64))

    def render(self, rows: Moves, ids: NDArray[np.bytes_]) -> bytes:
        """One line for each event, which all are of one day: transactions, and records of the other streams."""
        payer, payee = rows["payer"], rows["payee"]
        has_payer, has_payee = (payer != NOBODY).astype(np.int64), (payee != NOBODY).astype(np.int64)
        publisher = self._institution[np.where(has_payer, payer, payee)]
        in_day = rows["at"] % DAY
        told = rows["record"] != NOBODY
        date = np.datetime64(int(rows["at"][0]) // DAY, "D")
        opening = _pieces(f'","type":"{name}","occurred_at":"{date}T' for name in RECORD_TYPES)
        # Shops, operators and lenders are paid without names; the rest tells who is who and since when a customer.
        telling = ~np.isin(rows["kind"], (CARD_PAYMENT, TOP_UP, LOAN_REPAYMENT))
        calling = rows["device"] != NOBODY
        nothing = b""
        columns: list[Any] = [
            b'{"event_id":"',
            ids.astype(object),
            opening[np.where(told, rows["kind"], 0)],
            self._second[in_day // 1000],
            self._millisecond[in_day % 1000],
            self._head[publisher * len(KINDS) + rows["kind"]],
            (rows["amount"] // TIYN).astype("S12").astype(object),
            self._tiyn[rows["amount"] % TIYN],
            self._payer_opens[has_payer],
            np.where(has_payer, self._party[payer], nothing),
            np.where(has_payer & telling, self._told[payer], nothing),
            np.where(has_payer & calling, self._phone[payer], nothing),
            self._closes[has_payer],
            self._payee_opens[has_payee],
            np.where(has_payee, self._party[payee], nothing),
            np.where(has_payee & telling, self._told[payee], nothing),
            self._closes[has_payee],
            self._channel[rows["channel"]],
            self._device[rows["device"]],
            self._purpose[rows["purpose"]],
            self._context[rows["context"]],
            b"}\n",
        ]
        pieces: Objects = np.empty((len(rows), len(columns)), dtype=object)
        for position, column in enumerate(columns):
            pieces[:, position] = column
        records = np.flatnonzero(told)
        # A record of another stream brings all that stands behind its moment.
        pieces[records, _MOMENT_ENDS:] = b""
        pieces[records, _MOMENT_ENDS] = self._records[rows["record"][records]]
        return b"".join(cast(list[bytes], pieces.ravel().tolist()))


class Writer:
    """Appends days of events to the two files, which bear their names only when both are whole."""

    def __init__(self, out: Path, labels: Path, lines: Lines) -> None:
        self._lines = lines
        self._parts = {path: path.with_name(path.name + ".part") for path in (out, labels)}
        self._events = _open(self._parts[out], compressed=out.suffix == ".gz")
        self._labels = _open(self._parts[labels], compressed=labels.suffix == ".gz")
        self._labels.write(b"event_id,label,scenario,case\n")
        self.written = 0

    def write(self, rows: Moves, progress: Callable[[int], object]) -> None:
        """Write the events of one day, in their order."""
        for first in range(0, len(rows), _CHUNK):
            chunk = rows[first : first + _CHUNK]
            ids = self._lines.event_ids(self.written, len(chunk))
            self._events.write(self._lines.render(chunk, ids))
            pairs = np.stack([ids.astype(object), self._lines.tails[chunk["case"]]], axis=1)
            self._labels.write(b"".join(cast(list[bytes], pairs.ravel().tolist())))
            self.written += len(chunk)
            progress(len(chunk))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._events.close()
        self._labels.close()
        for path, part in self._parts.items():
            if kind is None:
                part.replace(path)
            else:
                part.unlink()


def labels_beside(out: Path) -> Path:
    """Where the labels of a file go unless told otherwise.

    >>> labels_beside(Path("week.jsonl.gz")), labels_beside(Path("data/week.jsonl"))
    (PosixPath('week.labels.csv'), PosixPath('data/week.labels.csv'))
    """
    return out.with_name(out.name.removesuffix(".gz").removesuffix(".jsonl") + ".labels.csv")


def _open(path: Path, *, compressed: bool) -> IO[bytes]:
    file = path.open("wb")
    if not compressed:
        return file
    # Without the file's name and time, which would make two runs differ.
    return cast(IO[bytes], _Compressed(file))


class _Compressed(gzip.GzipFile):
    """A gzip file that closes the file below it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(filename="", mode="wb", compresslevel=4, fileobj=file, mtime=0)
        self._below = file

    def close(self) -> None:
        super().close()
        self._below.close()


def _pieces(texts: Any) -> Objects:
    rendered = [text if isinstance(text, bytes) else text.encode() for text in texts]
    pieces: Objects = np.empty(len(rendered), dtype=object)
    pieces[:] = rendered
    return pieces
