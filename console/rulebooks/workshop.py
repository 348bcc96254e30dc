"""Long work on rulebooks, one piece after the other, each in a process of its own: how far it is, what came of it."""

from __future__ import annotations

import hashlib
import queue
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from console.rulebooks.work import Comparison, Search

MOST_WAITING: Final = 8
MOST_KEPT: Final = 64
LONGEST_SECONDS: Final = 1_800.0

Standing = Literal["waiting", "running", "done", "failed"]


class Busy(Exception):
    """Too much work waits already."""


@dataclass(slots=True)
class Job:
    """One piece of work; `report` is the answer's JSON once it is done."""

    job_id: str
    kind: Literal["comparison", "search"]
    standing: Standing = "waiting"
    done: int = 0
    of: int = 0
    report: str | None = None
    failure: str = ""
    _request: str = field(default="", repr=False)
    _then: Callable[[str], None] | None = field(default=None, repr=False)

    @property
    def share(self) -> float:
        """How far it is, in [0, 1]."""
        return self.done / self.of if self.of else 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.standing in ("done", "failed")


class Workshop:
    """Takes work and does it in the order in which it came; what was asked before is answered from memory."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def ask(self, request: Comparison | Search, then: Callable[[str], None] | None = None) -> Job:
        """The job of a request: a new one, or that of the same request before, unless that failed.

        `then` gets the report's JSON, in the workshop's thread, once it is there.

        Raises:
            Busy: too much work waits already.
        """
        text = request.model_dump_json()
        job_id = hashlib.sha256(text.encode()).hexdigest()[:32]
        with self._lock:
            known = self._jobs.get(job_id)
            if known is not None and known.standing != "failed":
                return known
            if self._waiting.qsize() >= MOST_WAITING or self._closed:
                raise Busy
            job = self._jobs[job_id] = Job(job_id, request.kind, _request=text, _then=then)
            self._jobs.move_to_end(job_id)
            for old in [key for key, each in self._jobs.items() if each.ended][: max(0, len(self._jobs) - MOST_KEPT)]:
                del self._jobs[old]
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="rulebook-workshop", daemon=True)
                self._thread.start()
            self._waiting.put(job)
        return job

    def find(self, job_id: str) -> Job | None:
        """The job with this id, as long as it is remembered."""
        return self._jobs.get(job_id)

    def close(self) -> None:
        """End what runs and take nothing more."""
        self._closed = True
        self._waiting.put(None)
        process = self._process
        if process is not None:
            process.kill()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None and not self._closed:
            job.standing = "running"
            try:
                report = self._run(job)
                if job._then is not None:
                    job._then(report)
            except Exception as error:  # whatever it was, it is this job's failure, and the next has its turn
                job.failure = f"{type(error).__name__}: {error}"[:300]
                job.standing = "failed"
            else:
                job.report, job.standing = report, "done"
            job._request, job._then = "", None

    def _run(self, job: Job) -> str:
        with tempfile.TemporaryDirectory(prefix="antifraud-rulebook-") as folder:
            request, answer, said = (Path(folder) / name for name in ("request.json", "answer.json", "said.txt"))
            request.write_text(job._request, encoding="utf-8")
            command = [sys.executable, "-m", "console.rulebooks.work", str(request), str(answer)]
            with said.open("w", encoding="utf-8") as errors:
                self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)  # noqa: S603
                alarm = threading.Timer(LONGEST_SECONDS, self._process.kill)
                alarm.start()
                try:
                    self._listen(job, self._process)
                finally:
                    alarm.cancel()
            if self._process.wait() != 0:
                last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise RuntimeError(last[-1] if last else "the process was ended")
            return answer.read_text(encoding="utf-8")

    @staticmethod
    def _listen(job: Job, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            done, _, of = line.partition(" ")
            if done.isdecimal() and of.strip().isdecimal():
                job.done, job.of = int(done), int(of)
