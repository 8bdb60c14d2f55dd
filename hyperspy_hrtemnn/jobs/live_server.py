# SPDX-License-Identifier: GPL-3.0-or-later
"""Live server: the page and the picture of a live view, on this machine alone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .live_view import PAGE, PICTURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HOST = "127.0.0.1"

_FILES = {
    "/": (PAGE, "text/html; charset=utf-8"),
    f"/{PAGE}": (PAGE, "text/html; charset=utf-8"),
    f"/{PICTURE}": (PICTURE, "image/png"),
}

_NOTHING_YET = (
    b'<!DOCTYPE html><html lang="en"><meta http-equiv="refresh" content="1">'
    b"<title>hrtemnn watch</title><p>No frame has come yet.</p></html>"
)


@contextmanager
def served(folder: Path, port: int) -> Iterator[str]:
    """Serve the two files of the view in a folder, and nothing else.

    Parameters
    ----------
    folder
        The folder.
    port
        The port; 0 for any that is free.

    Yields
    ------
    The address of the page.

    Raises
    ------
    ValueError
        If another program has the port.
    """

    class Handler(BaseHTTPRequestHandler):
        """Answers with one of the files."""

        def do_GET(self) -> None:
            """Answer a request."""
            # A page of somebody else, whose name leads to this machine, gets nothing.
            host = self.headers.get("Host", "").partition(":")[0]
            name, kind = _FILES.get(self.path.partition("?")[0], ("", ""))
            if host not in (_HOST, "localhost") or not name:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                content = (folder / name).read_bytes()
            except OSError:
                content, kind = _NOTHING_YET, _FILES["/"][1]
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing: a line a second would hide the warnings."""

    try:
        server = ThreadingHTTPServer((_HOST, port), Handler)
    except OSError as error:
        raise ValueError(
            f"Port {port} cannot be used: {error.strerror}. Give another one, or 0 for "
            "any that is free."
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
