"""Ports of the loopback address: which are free, and who has the others."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
from typing import Final

import psutil

from streams.kafka_process import KafkaUnavailable

HOST: Final = "127.0.0.1"
# Free ports are looked for below Linux's range for outgoing connections (32768 and up). A client that reconnects to a
# dead broker inside that range may be given the broker's own port, connect to itself, and so keep the broker out.
FREE_PORTS: Final = range(20_000, 32_000)


def connects(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def is_free(port: int) -> bool:
    """Whether we may listen there.

    Raises:
        KafkaUnavailable: this user never may.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the broker does: TIME_WAIT is no obstacle
        try:
            listener.bind((HOST, port))
            listener.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise KafkaUnavailable(
                    f"Port {port} on {HOST} cannot be listened on ({error.strerror}).",
                    "Choose another; on Linux those from 1024 are open to every user.",
                ) from None
            return False
    return True


_given: Final[set[int]] = set()  # whoever was given one may not listen there yet
# Two processes that look at once should not meet, whatever a test has seeded.
_chance: Final = random.SystemRandom()


def free_port(taken: int = 0) -> int:
    """A port of the loopback address that nobody listens on now, other than `taken`; this process gets each once."""
    for _ in range(1000):
        port = _chance.choice(FREE_PORTS)
        if port != taken and port not in _given and is_free(port):
            _given.add(port)
            return port
    raise KafkaUnavailable(
        f"No free port was found on {HOST} between {FREE_PORTS[0]} and {FREE_PORTS[-1]}.",
        "Set ANTIFRAUD_KAFKA_PORT and ANTIFRAUD_KAFKA_CONTROLLER_PORT.",
    )


def user_of(port: int) -> str:
    """Who listens there, as far as we may know: ' by java (process 12)' or nothing."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""
