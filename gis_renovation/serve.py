"""Preview a published folder in the browser, on this machine only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gis_renovation.errors import FileError


class _Quiet(SimpleHTTPRequestHandler):
    """The standard handler without its request log on standard error."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


def serve_folder(folder: Path, *, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve ``folder`` on 127.0.0.1 until interrupted. Raises FileError if the port is taken."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise FileError(
            f"端口 {port} 已被占用（{error.strerror}）；请用 --port 换一个，或 --port 0 自动选择。",
            f"Port {port} is taken ({error.strerror}); choose another with --port, or --port 0.",
        ) from None
    with server:
        on_ready(f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
