"""Zip archives from outside, unpacked without trusting them: no way out of the folder, no bomb."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from gis_renovation.errors import FileError

# A city's largest deliveries are a few GB; what claims more, or shrinks by more than text can, is no delivery.
MAX_FILES = 10_000
MAX_BYTES = 8 * 2**30
MAX_RATIO = 250
RATIO_FROM_BYTES = 100 * 2**20

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_CHUNK = 2**20


def check_archive(path: Path, layer: str) -> None:
    """Raise FileError for an archive that is damaged, locked, a bomb, or points out of its folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path, layer)
    except zipfile.BadZipFile as error:
        raise _damaged(path, layer, error) from None


def unpack(path: Path, folder: Path, layer: str) -> list[Path]:
    """The files of a zip archive, written into ``folder``; their paths, sorted.

    Chinese names written by old software in GBK are read as such. Raises FileError before anything is
    written for names that leave the folder, locks and sizes beyond reason; while writing, for a member
    longer than it claims.
    """
    written = []
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path, layer)
            for member in archive.infolist():
                if member.is_dir():
                    continue
                target = folder / member_name(member)
                target.parent.mkdir(parents=True, exist_ok=True)
                _write_member(archive, member, target, path, layer)
                written.append(target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk, not the archive
        raise _damaged(path, layer, error) from None
    return sorted(written)


def member_name(member: zipfile.ZipInfo) -> str:
    """A member's name; without the UTF-8 mark its bytes are UTF-8 or GBK, as Chinese Windows writes it."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    raw = member.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _check_members(archive: zipfile.ZipFile, path: Path, layer: str) -> None:
    members = archive.infolist()
    for member in members:
        name = member_name(member)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        link = (member.external_attr >> 16) & 0o170000 == 0o120000
        if ".." in parts or name.startswith(("/", "\\")) or ":" in name or "\0" in name or link:
            raise FileError(
                f"图层 {layer}：压缩包 {path.name} 中的“{name}”指向压缩包之外，可能有害，未解压。"
                "请让提供单位重新打包。",
                f"Layer {layer}: {name!r} in {path.name} points outside the archive; nothing was unpacked. "
                "Ask for a clean archive.",
            )
        if member.flag_bits & _ENCRYPTED:
            raise FileError(
                f"图层 {layer}：压缩包 {path.name} 加了密码；请先解压，再让来源卡的 path 指向其中的文件。",
                f"Layer {layer}: {path.name} is locked with a password; unpack it first, then name the file.",
            )
    total = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if len(members) > MAX_FILES or total > MAX_BYTES or (total > RATIO_FROM_BYTES and total / packed > MAX_RATIO):
        raise FileError(
            f"图层 {layer}：压缩包 {path.name} 解压后有 {len(members):,} 个文件、{total / 2**20:,.0f} MB，"
            "超出合理范围，未解压。",
            f"Layer {layer}: {path.name} would unpack to {len(members):,} files, {total / 2**20:,.0f} MB; refused.",
        )


def _write_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, path: Path, layer: str) -> None:
    left = member.file_size
    with archive.open(member) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise FileError(
                    f"图层 {layer}：压缩包 {path.name} 的内容比目录所写的大，可能有害，已停止解压。",
                    f"Layer {layer}: {path.name} holds more than its directory says; stopped.",
                )
            sink.write(chunk)


def _damaged(path: Path, layer: str, error: Exception) -> FileError:
    return FileError(
        f"图层 {layer}：压缩包 {path.name} 已损坏或不完整（{error}）；请重新下载或复制。",
        f"Layer {layer}: {path.name} is damaged or cut short ({error}); copy it again.",
    )
