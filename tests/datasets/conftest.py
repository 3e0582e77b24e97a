"""An empty cache for each test, a small web server, and archives good and evil."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from etude.datasets import commands, network
from etude.datasets.cache import Blob


@pytest.fixture(autouse=True)
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETUDE_DATA", str(tmp_path / "data"))
    network.forget_failures()
    commands.forget_failures()
    return tmp_path / "data"


@pytest.fixture
def blob() -> Callable[[str, bytes], Blob]:
    """Declares bytes: their name, size and hash."""
    return lambda name, data: Blob(name, len(data), hashlib.sha256(data).hexdigest())


class Server:
    """Answers each path with bytes, or by calling a function with the request's handler."""

    def __init__(self) -> None:
        self.routes: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        routes, asked = self.routes, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                answer = routes.get(self.path)
                if answer is None:
                    self.send_error(404)
                elif callable(answer):
                    answer(self)
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/"

    def redirect(self, path: str, target: str) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", target)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.routes[path] = answer

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # the tests' own server is never behind a proxy
    running = Server()
    yield running
    running.close()


@pytest.fixture
def make_tar() -> Callable[..., bytes]:
    """A tar of (TarInfo or name, bytes) pairs; `mode` and `format` as tarfile's."""

    def make(
        *members: tuple[str | tarfile.TarInfo, bytes],
        mode: str = "w:xz",
        format: int = tarfile.GNU_FORMAT,
    ) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode, format=format) as tar:  # type: ignore[call-overload]
            for member, data in members:
                info = tarfile.TarInfo(member) if isinstance(member, str) else member
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return buffer.getvalue()

    return make


@pytest.fixture
def make_deb(tmp_path: Path) -> Callable[..., Path]:
    """A Debian package around a tar."""

    def make(data_tar: bytes, part: str = "data.tar.xz", name: str = "some_1_all.deb") -> Path:
        out = b"!<arch>\n"
        for title, content in (
            ("debian-binary", b"2.0\n"),
            ("control.tar.xz", b"odd"),
            (part, data_tar),
        ):
            out += f"{title:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
            out += content + b"\n" * (len(content) % 2)
        path = tmp_path / name
        path.write_bytes(out)
        return path

    return make
