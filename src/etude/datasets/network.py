"""Downloads over http and https: short patience, bounded size, no other protocol ever.

A machine without internet must fall through to the next source within seconds, whether its name
server is missing, its firewall drops packets, or its proxy refuses. `urlopen` alone cannot promise
that (looking up a name has no timeout), so the request runs in a thread that is left behind when
its time is up.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from etude.datasets import progress
from etude.errors import FetchError

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

PATIENCE = 8.0  # seconds until an answer must have begun
STALL = 20.0  # seconds without a byte, once it has
MEMORY = 60.0  # seconds for which a host that could not be reached is not asked again
CHUNK = 1 << 16

_unreachable: dict[str, float] = {}  # host -> time.monotonic() of the last failure


def download(url: str, size: int) -> bytes:
    """The bytes at an address.

    Args:
        url: an http or https address.
        size: how many bytes to expect; reading stops there.

    Raises:
        FetchError: the host cannot be reached, refuses, redirects elsewhere than to http(s),
            stops answering, or sends more than `size` bytes.
    """
    from http.client import HTTPException  # noqa: PLC0415  (keeps `import etude.datasets` cheap)

    host = _checked_host(url)
    _refuse_if_unreachable(host)
    try:
        with _open(url, host) as response, progress.transfer(url.split("/")[-1], size) as advance:
            return _read(response, size, advance)
    except FetchError:
        raise
    except (OSError, HTTPException) as error:
        raise FetchError(f"the transfer broke off: {error or type(error).__name__}") from error


@contextmanager
def stream(url: str) -> Generator[Any]:
    """The answer of an address of any size, opened with the same patience and care.

    Raises:
        FetchError: as `download`.
    """
    host = _checked_host(url)
    _refuse_if_unreachable(host)
    with _open(url, host) as response:
        yield response


def forget_failures() -> None:
    """Makes hosts that could not be reached worth a new attempt."""
    _unreachable.clear()


def _checked_host(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"refused: {url} is not an http or https address")
    return parts.netloc


def _refuse_if_unreachable(host: str) -> None:
    # One host that is down says nothing about the others; two say that there is no network.
    recent = {h for h, when in _unreachable.items() if time.monotonic() - when < MEMORY}
    if host in recent or len(recent) >= 2:
        raise FetchError("skipped: the network could not be reached a moment ago")


def _open(url: str, host: str) -> IO[bytes]:
    from urllib.error import HTTPError  # noqa: PLC0415  (keeps `import etude.datasets` cheap)

    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_opener().open(_request(url), timeout=STALL))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, name="etude-download", daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE)
    except queue.Empty:
        answer = TimeoutError(f"no answer within {PATIENCE:g} s")
    if isinstance(answer, HTTPError):
        answer.close()
        raise FetchError(f"the server answered {answer.code} {answer.reason}")
    if isinstance(answer, FetchError):
        raise answer
    if isinstance(answer, Exception):
        _unreachable[host] = time.monotonic()
        raise FetchError(f"cannot be reached: {getattr(answer, 'reason', answer)}") from answer
    return answer


def _request(url: str) -> Any:
    from urllib.request import Request  # noqa: PLC0415  (keeps `import etude.datasets` cheap)

    # Hashes are of the bytes themselves, so the server must not compress them on the way.
    return Request(url, headers={"User-Agent": "etude", "Accept-Encoding": "identity"})


def _opener() -> OpenerDirector:
    """An opener that speaks http and https only: no file, no ftp, no data, also after redirects."""
    from urllib import request  # noqa: PLC0415  (keeps `import etude.datasets` cheap)

    class Redirects(request.HTTPRedirectHandler):
        max_redirections = 5

        def redirect_request(
            self,
            req: request.Request,
            fp: IO[bytes],
            code: int,
            msg: str,
            headers: Any,
            newurl: str,
        ) -> request.Request | None:
            # The base class refuses file: and data: itself, but would follow to ftp.
            if urlsplit(newurl).scheme not in ("http", "https"):
                fp.close()
                raise FetchError(f"refused: redirected to {newurl}, not an http(s) address")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        Redirects(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _read(response: IO[bytes], size: int, advance: Any) -> bytes:
    data = bytearray()
    while chunk := response.read(CHUNK):
        data += chunk
        if len(data) > size:
            raise FetchError(f"more than the expected {size} bytes arrived")
        advance(len(chunk))
    return bytes(data)
