"""The watchdog ends what stands still, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from streams.watchdog import EXIT_CODE, Watchdog


def run(body: str, seconds: float = 0.5) -> tuple[int, str, float]:
    """Exit code, standard error and duration of a process that a watchdog watches."""
    program = textwrap.dedent(f"""
        import asyncio, ctypes, sys, threading, time
        from streams.logs import configure_logs
        from streams.watchdog import Watchdog
        configure_logs()
        done = 0
        def progress(): return done
        def watchdog(has_work=True): return Watchdog(progress, lambda: has_work, seconds={seconds})
    """) + textwrap.dedent(body)
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stderr, time.monotonic() - began


def cause(error: str) -> str:
    return str(next(json.loads(line)["cause"] for line in error.splitlines() if line.startswith("{")))


def test_a_process_without_progress_is_ended_and_says_where_it_stands() -> None:
    code, error, _ = run("watchdog().start(); stuck_here = threading.Event(); stuck_here.wait(30)")
    assert code == EXIT_CODE == 70
    assert cause(error) == "no progress while there is work"
    assert "watchdog ends the process" in error
    assert 'File "<string>"' in error  # the stack of the main thread


def test_a_frozen_event_loop_is_seen_although_something_still_counts() -> None:
    code, error, _ = run("""
        def count():
            global done
            while True:
                done += 1
                time.sleep(0.01)
        threading.Thread(target=count, daemon=True).start()
        async def main():
            watchdog().start(asyncio.get_running_loop())
            await asyncio.sleep(0.3)
            time.sleep(30)
        asyncio.run(main())
    """)
    assert code == EXIT_CODE
    assert cause(error) == "the event loop does not answer"


def test_a_log_that_hangs_does_not_keep_the_process_alive() -> None:
    code, _, duration = run("""
        import logging
        for handler in logging.getLogger().handlers:
            handler.acquire()
        watchdog().start()
        time.sleep(30)
    """)
    assert code == EXIT_CODE
    assert duration < 20


def test_a_call_that_keeps_the_interpreter_is_ended_from_outside() -> None:
    """ctypes.PyDLL does not give the interpreter's lock back: no Python thread runs any more."""
    code, error, duration = run("watchdog().start(); time.sleep(0.2); ctypes.PyDLL(None).sleep(40)")
    assert code == 1
    assert "Timeout" in error
    assert duration < 30


def test_a_working_and_an_idle_process_are_left_alone() -> None:
    code, error, _ = run("""
        async def main():
            global done
            busy, idle = watchdog(), watchdog(has_work=False)
            busy.start(asyncio.get_running_loop())
            idle.start(asyncio.get_running_loop())
            for _ in range(30):
                await asyncio.sleep(0.05)
                done += 1
            busy.stop()
            await asyncio.sleep(1.2)
            idle.stop()
        asyncio.run(main())
    """)
    assert (code, error) == (0, "")


def test_progress_that_cannot_be_told_is_none() -> None:
    ended = threading.Event()
    calls = iter([0])

    def progress() -> int:
        return next(calls)

    watchdog = Watchdog(progress, lambda: True, seconds=0.2, end=lambda code: ended.set())
    watchdog.start()
    assert ended.wait(5)
    watchdog.stop()


def test_a_closed_loop_is_an_orderly_end() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    watchdog = Watchdog(lambda: 0, lambda: True, seconds=0.3, end=lambda code: pytest.fail("ended"))
    watchdog.start(loop)
    time.sleep(0.6)
    watchdog.stop()
