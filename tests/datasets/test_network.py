from __future__ import annotations

import socket
import time

import pytest

from etude.datasets import network
from etude.datasets.network import download
from etude.errors import FetchError


def test_download(server):
    server.routes["/x"] = b"123"
    assert download(server.base + "x", 3) == b"123"


def test_redirect_to_http_is_followed(server):
    server.redirect("/old", server.base + "new")
    server.redirect("/relative", "new")
    server.routes["/new"] = b"123"
    assert download(server.base + "old", 3) == b"123"
    assert download(server.base + "relative", 3) == b"123"


@pytest.mark.parametrize("scheme", ["file", "ftp", "data", "gopher"])
def test_redirect_elsewhere_is_refused(server, tmp_path, scheme):
    secret = tmp_path / "secret"
    secret.write_bytes(b"123")
    server.redirect("/x", f"{scheme}://{secret}")
    with pytest.raises(FetchError, match=r"(?i)redirect") as error:
        download(server.base + "x", 3)
    assert scheme in str(error.value)


def test_redirects_in_a_circle_end(server):
    server.redirect("/x", server.base + "x")
    with pytest.raises(FetchError, match="infinite loop"):
        download(server.base + "x", 3)
    assert len(server.asked) < 20


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "/etc/passwd", "http:///x"])
def test_only_http_addresses(url):
    with pytest.raises(FetchError, match="is not an http or https address"):
        download(url, 3)


def test_the_server_says_no(server):
    with pytest.raises(FetchError, match="the server answered 404 Not Found"):
        download(server.base + "x", 3)
    server.routes["/x"] = b"123"  # a server that answers is reachable: the next request is made
    assert download(server.base + "x", 3) == b"123"


def test_reading_stops_at_the_expected_size(server):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(1 << 16))
                sent.append(1)
        except OSError:
            pass

    server.routes["/x"] = endless
    with pytest.raises(FetchError, match="more than the expected 3 bytes arrived"):
        download(server.base + "x", 3)
    assert len(sent) < 1000


def test_a_transfer_that_breaks_off_is_short_or_an_error(server):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"123")

    server.routes["/x"] = half
    try:
        assert download(server.base + "x", 1000) == b"123"  # its hash will not match
    except FetchError as error:
        assert "broke off" in str(error)


def test_silence_ends_after_seconds(monkeypatch):
    monkeypatch.setattr(network, "PATIENCE", 0.3)
    monkeypatch.setattr(network, "STALL", 1.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        start = time.monotonic()
        with pytest.raises(FetchError, match="cannot be reached: no answer within"):
            download(url, 3)
        assert time.monotonic() - start < 2
        start = time.monotonic()
        with pytest.raises(FetchError, match="skipped: the network could not be reached"):
            download(url, 3)  # remembered
        assert time.monotonic() - start < 0.1
        network.forget_failures()
        with pytest.raises(FetchError, match="no answer within"):
            download(url, 3)
    time.sleep(1.1)  # let the abandoned requests end inside of this test


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_one_dead_host_does_not_condemn_the_others_but_two_do(server):
    server.routes["/x"] = b"123"
    for _ in range(2):
        assert download(server.base + "x", 3) == b"123"
        with pytest.raises(FetchError, match=r"cannot be reached: .*refused"):
            download(f"http://127.0.0.1:{closed_port()}/x", 3)
    with pytest.raises(FetchError, match="skipped"):
        download(server.base + "x", 3)


def test_the_memory_fades(server, monkeypatch):
    port = closed_port()
    with pytest.raises(FetchError, match="cannot be reached"):
        download(f"http://127.0.0.1:{port}/x", 3)
    monkeypatch.setattr(network, "MEMORY", 0.0)
    with pytest.raises(FetchError, match="cannot be reached"):
        download(f"http://127.0.0.1:{port}/x", 3)


def test_an_unknown_name_falls_through_quickly():
    start = time.monotonic()
    with pytest.raises(FetchError, match="cannot be reached"):
        download("https://no-such-host.invalid/x", 3)
    assert time.monotonic() - start < network.PATIENCE + 2
