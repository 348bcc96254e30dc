"""A SOCKS5 proxy that a test can freeze: the network between a client and a broker that others share."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self


class FreezableProxy:
    """Forwards connections; while frozen, nothing passes and nothing is refused, like a half-open network."""

    def __init__(self) -> None:
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = False
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socks5://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._flowing.set()
        for each in (self._server, *self._sockets):
            each.close()

    def freeze(self) -> None:
        """Nothing passes from now on."""
        self._flowing.clear()

    def thaw(self) -> None:
        """What was held back passes, and everything after it."""
        self._flowing.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closed:
                client, _ = self._server.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, struct.error):
            _version, methods = client.recv(2)
            client.recv(methods)
            client.sendall(b"\x05\x00")
            _version, _command, _reserved, kind = client.recv(4)
            host = socket.inet_ntoa(client.recv(4)) if kind == 1 else client.recv(client.recv(1)[0]).decode()
            (port,) = struct.unpack(">H", client.recv(2))
            broker = socket.create_connection((host, port))
            self._sockets.append(broker)
            client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
            threading.Thread(target=self._pump, args=(client, broker), daemon=True).start()
            self._pump(broker, client)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
