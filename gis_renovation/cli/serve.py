"""Preview a published folder in the browser, on this machine only.

The tiles of large layers are read by byte ranges (RFC 9110, section 14), which the standard library's
server does not know; this one answers them as a good static host would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from gis_renovation.errors import FileError

_BLOCK = 1 << 16
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".geojson": "application/geo+json",
    ".csv": "text/csv; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".pmtiles": "application/vnd.pmtiles",
    ".gpkg": "application/geopackage+sqlite3",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


def requested_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range header asks for of a file of ``size`` bytes; None to send the whole file.

    One range is answered (from-to, from-, or the last bytes); several, or what is not understood, give
    the whole file, as the standard allows. Raises ValueError if no byte of the range exists.
    """
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.replace(" ", ""))
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if length == 0:
            raise ValueError(header)
        return size - length, size - 1
    first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        raise ValueError(header)
    return first, min(last, size - 1)


class _Preview(SimpleHTTPRequestHandler):
    """GET and HEAD of the files of one folder, whole or by byte range; no listing, no log, no other host's name."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""

    def handle(self) -> None:
        """Serve one connection; a reader that closes it in between is no fault to report."""
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_GET(self) -> None:
        """Send a file or the part of it that was asked for."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send what GET would, without the body."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        # A page of another site that has its name point here may read nothing.
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host not in {"127.0.0.1", "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        path = self._file()
        if path is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with path.open("rb") as source:
            self._send(source, path, body=body)

    def _file(self) -> Path | None:
        """The file a request names; None if there is none inside the folder, links followed."""
        asked = unquote(urlsplit(self.path).path, errors="surrogateescape")
        root = Path(self.directory).resolve()
        if "\0" in asked or "\\" in asked:
            return None
        try:
            path = (root / asked.lstrip("/")).resolve()
            if path.is_dir():
                path = (path / "index.html").resolve()
            inside = path.is_relative_to(root) and path.is_file()
        except (OSError, ValueError, UnicodeError):
            return None
        return path if inside else None

    def _send(self, source: BinaryIO, path: Path, *, body: bool) -> None:
        facts = path.stat()
        size, changed = facts.st_size, formatdate(facts.st_mtime, usegmt=True)
        mark = f'"{facts.st_mtime_ns:x}-{size:x}"'
        if mark in [one.strip() for one in self.headers.get("If-None-Match", "").split(",")]:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", mark)
            self.end_headers()
            return
        asked = self.headers.get("Range", "")
        # The range is of the file the reader already has a part of; of a changed one the whole is sent.
        if self.headers.get("If-Range") not in {None, mark, changed}:
            asked = ""
        try:
            part = requested_range(asked, size)
        except ValueError:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last = part or (0, size - 1)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        if part:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        for key, value in (
            ("Content-Type", _TYPES.get(path.suffix.lower(), "application/octet-stream")),
            ("Content-Length", str(last - first + 1)),
            ("Accept-Ranges", "bytes"),
            ("ETag", mark),
            ("Last-Modified", changed),
            ("Cache-Control", "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
        ):
            self.send_header(key, value)
        self.end_headers()
        if body:
            self._copy(source, first, last - first + 1)

    def _copy(self, source: BinaryIO, first: int, length: int) -> None:
        source.seek(first)
        try:
            while length > 0 and (piece := source.read(min(_BLOCK, length))):
                self.wfile.write(piece)
                length -= len(piece)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the reader moved on, as maps do when they are zoomed


def preview_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of ``folder`` on 127.0.0.1, not yet started; port 0 is any free one. FileError if it is taken."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(_Preview, directory=str(folder)))
    except OSError as error:
        raise FileError(
            f"端口 {port} 已被占用（{error.strerror}）；请用 --port 换一个，或 --port 0 自动选择。",
            f"Port {port} is taken ({error.strerror}); choose another with --port, or --port 0.",
        ) from None


def serve_folder(folder: Path, *, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve ``folder`` on 127.0.0.1 until interrupted. Raises FileError if the port is taken."""
    with preview_server(folder, port) as server:
        on_ready(f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
