"""The preview server, spoken to over a socket: ranges as the standard says, and nothing outside its folder."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from gis_renovation.cli import serve
from gis_renovation.errors import FileError

BODY = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    site = folder / "site"
    (site / "tiles").mkdir(parents=True)
    (site / "empty").mkdir()
    (site / "index.html").write_text("<p>首页</p>", encoding="utf-8")
    (site / "tiles" / "a.pmtiles").write_bytes(BODY)
    (site / "nothing.csv").write_bytes(b"")
    (site / "名称.csv").write_text("小区\n", encoding="utf-8")
    (folder / "secret.txt").write_text("secret")
    (site / "way-out.txt").symlink_to(folder / "secret.txt")
    running = serve.preview_server(site, 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def ask(server, path, *headers, method="GET", host="127.0.0.1"):
    """Status, headers and body of one request, as bytes on the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
    with socket.create_connection(server.server_address, timeout=5) as wire:
        wire.sendall("\r\n".join(lines).encode("utf-8", "surrogateescape"))
        data = b""
        while piece := wire.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}, body


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-6", 0, 6),
        ("bytes=100-199", 100, 199),
        ("bytes=10000-", 10_000, len(BODY) - 1),
        ("bytes=-7", len(BODY) - 7, len(BODY) - 1),
        ("bytes=-99999", 0, len(BODY) - 1),
        ("bytes=10239-99999", 10_239, len(BODY) - 1),
    ],
)
def test_a_range_is_answered_with_exactly_its_bytes(server, asked, first, last):
    status, headers, body = ask(server, "/tiles/a.pmtiles", f"Range: {asked}")
    assert status == 206
    assert body == BODY[first : last + 1]
    assert headers["content-range"] == f"bytes {first}-{last}/{len(BODY)}"
    assert headers["content-length"] == str(len(body))
    assert headers["content-type"] == "application/vnd.pmtiles"


@pytest.mark.parametrize("asked", [f"bytes={len(BODY)}-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_past_the_end_is_416_with_the_size(server, asked):
    status, headers, body = ask(server, "/tiles/a.pmtiles", f"Range: {asked}")
    assert (status, headers["content-range"], body) == (416, f"bytes */{len(BODY)}", b"")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=0-1,5-9", "lines=0-3", "bytes=", "bytes=-", "bytes=a-b", "bytes=" + "9" * 40 + "-"]
)
def test_what_is_no_single_range_gives_the_whole_file(server, asked):
    status, headers, body = ask(server, "/tiles/a.pmtiles", f"Range: {asked}")
    assert (status, body) == (200, BODY)
    assert "content-range" not in headers
    assert headers["accept-ranges"] == "bytes"


def test_if_range_of_another_edition_gives_the_whole_file(server):
    _, headers, _ = ask(server, "/tiles/a.pmtiles")
    for mark, status in ((headers["etag"], 206), (headers["last-modified"], 206), ('"other"', 200)):
        assert ask(server, "/tiles/a.pmtiles", "Range: bytes=0-6", f"If-Range: {mark}")[0] == status


def test_an_unchanged_file_is_not_sent_again(server):
    _, headers, _ = ask(server, "/index.html")
    assert ask(server, "/index.html", f"If-None-Match: {headers['etag']}")[::2] == (304, b"")


def test_head_says_what_get_would_send(server):
    for extra in ((), ("Range: bytes=5-9",)):
        status, headers, _ = ask(server, "/tiles/a.pmtiles", *extra)
        again, same, body = ask(server, "/tiles/a.pmtiles", *extra, method="HEAD")
        assert (again, body) == (status, b"")
        assert {**same, "date": ""} == {**headers, "date": ""}


def test_an_empty_file_is_sent_and_has_no_range(server):
    assert ask(server, "/nothing.csv")[::2] == (200, b"")
    assert ask(server, "/nothing.csv", "Range: bytes=0-6")[0] == 416


def test_folders_show_their_index_and_are_not_listed(server):
    assert ask(server, "/")[2] == "<p>首页</p>".encode()
    assert ask(server, "/empty/")[0] == 404
    assert ask(server, "/tiles/")[0] == 404


def test_chinese_names_are_found(server):
    assert ask(server, "/%E5%90%8D%E7%A7%B0.csv")[2] == "小区\n".encode()


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/tiles/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%5csecret.txt",
        "//etc/passwd",
        "/way-out.txt",
        "/tiles/a.pmtiles%00.html",
        "/%ff%fe",
        "/" + "a" * 5000,
    ],
)
def test_nothing_outside_the_folder_is_sent(server, path):
    status, _, body = ask(server, path)
    assert status == 404
    assert b"secret" not in body.lower().replace(b"secret.txt", b"")


def test_only_this_machine_is_listened_to_and_spoken_to(server):
    assert server.server_address[0] == "127.0.0.1"
    assert ask(server, "/", host="evil.example")[0] == 403
    assert ask(server, "/", host="localhost:8000")[0] == 200


def test_nothing_is_written_or_run(server):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/index.html", "Content-Length: 0", method=method)[0] == 501


def test_a_reader_that_hangs_up_is_no_fault(server, capfd):
    """Closing with a reset (linger 0) in the middle of a kept connection, as browsers do."""
    for sent in (b"", b"GET /tiles/a.pmtiles HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):
        wire = socket.create_connection(server.server_address, timeout=5)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.sendall(sent)
        if sent:
            wire.recv(100)
        wire.close()
    time.sleep(0.3)
    assert capfd.readouterr().err == ""
    assert ask(server, "/")[0] == 200


def test_a_taken_port_is_said_with_what_to_do(server, tmp_path):
    with pytest.raises(FileError, match="--port 0"):
        serve.preview_server(tmp_path, server.server_address[1])
