"""Drawn pictures of communities before and after their works, in place of photographs; every caption says so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_WIDTH, _HEIGHT = 960, 720
_EXIF_GPS, _EXIF_MAKE, _EXIF_DESCRIPTION = 0x8825, 0x010F, 0x010E

# Which communities have pictures, and the colour of their walls afterwards.
PICTURES = {"340403-001": (216, 190, 152), "340403-004": (196, 205, 196)}
_DATES = {"前": "2023-11-06", "后": "2024-09-12"}
_NOTE = "示意图，非实景"


class _Look(NamedTuple):
    """Colours of one picture."""

    sky: tuple[int, int, int]
    wall: tuple[int, int, int]
    frame: tuple[int, int, int]
    glass: tuple[int, int, int]
    ground: tuple[int, int, int]


def write_photos(folder: Path, *, seed: int) -> None:
    """Pictures and their table into ``folder``; one carries place and name in its notes, as telephones write them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["小区编号,前后,文件,拍摄日期,说明"]
    for at, (place, paint) in enumerate(PICTURES.items()):
        for stage, day in _DATES.items():
            name = f"{place}-{stage}.jpg"
            picture = drawn(paint, renewed=stage == "后", seed=seed + at)
            (folder / name).write_bytes(_jpeg(picture, with_notes=at == 0 and stage == "前"))
            rows.append(f"{place},{stage},{name},{day},{_NOTE}")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n", encoding="utf-8-sig", newline="\n")


def drawn(paint: tuple[int, int, int], *, renewed: bool, seed: int) -> Image.Image:
    """A block of flats of five floors: stained, with cages and wires, or painted, with awnings and trees."""
    random = np.random.default_rng(seed)
    look = (
        _Look((206, 222, 233), paint, (244, 242, 236), (128, 158, 176), (176, 178, 174))
        if renewed
        else _Look((198, 202, 203), (150, 141, 128), (112, 104, 94), (92, 98, 99), (141, 134, 124))
    )
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), look.sky)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 590, _WIDTH, _HEIGHT), fill=look.ground)
    pen.rectangle((90, 96, 870, 596), fill=look.wall)
    pen.rectangle((76, 78, 884, 100), fill=(152, 84, 62) if renewed else (104, 98, 92))
    if not renewed:
        _stain(picture, pen, random, look.wall)
    for floor in range(5):
        for column in range(8):
            _window(pen, (112 + column * 95, 122 + floor * 94), look, renewed=renewed, caged=random.random() < 0.55)
    for door in (205, 490, 775):
        pen.rectangle((door - 32, 512, door + 20, 596), fill=(70, 96, 88) if renewed else (83, 68, 58))
        pen.rectangle((door - 46, 500, door + 34, 510), fill=look.frame)
    _foreground(pen, random, renewed=renewed)
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def _stain(
    picture: Image.Image, pen: ImageDraw.ImageDraw, random: np.random.Generator, wall: tuple[int, int, int]
) -> None:
    """Damp that ran down from the roof and patches where plaster fell."""
    for x in random.integers(95, 865, 34).tolist():
        length, shade = int(random.integers(60, 420)), int(random.integers(8, 24))
        pen.rectangle(
            (x, 100, x + int(random.integers(3, 12)), 100 + length), fill=tuple(max(0, c - shade) for c in wall)
        )
    for x, y in zip(random.integers(100, 840, 9).tolist(), random.integers(120, 560, 9).tolist(), strict=True):
        pen.ellipse((x, y, x + 44, y + 26), fill=(128, 106, 88))
    picture.paste(picture.filter(ImageFilter.GaussianBlur(2.2)))


def _window(pen: ImageDraw.ImageDraw, at: tuple[int, int], look: _Look, *, renewed: bool, caged: bool) -> None:
    x, y = at
    pen.rectangle((x, y, x + 62, y + 58), fill=look.frame)
    pen.rectangle((x + 5, y + 5, x + 57, y + 53), fill=look.glass)
    pen.line((x + 31, y + 5, x + 31, y + 53), fill=look.frame, width=4)
    if renewed:
        pen.rectangle((x - 4, y - 8, x + 66, y - 1), fill=(120, 142, 138))
        pen.rectangle((x + 66, y + 34, x + 84, y + 56), fill=(232, 232, 228))
    elif caged:
        for step in range(0, 70, 9):
            pen.line((x - 5 + step, y - 4, x - 5 + step, y + 66), fill=(72, 68, 64), width=2)
        pen.rectangle((x - 6, y + 60, x + 68, y + 68), fill=(96, 86, 76))


def _foreground(pen: ImageDraw.ImageDraw, random: np.random.Generator, *, renewed: bool) -> None:
    if renewed:
        pen.rectangle((0, 640, _WIDTH, 652), fill=(214, 214, 208))
        for x in (60, 330, 620, 900):
            pen.rectangle((x - 5, 520, x + 5, 612), fill=(108, 84, 62))
            for dx, dy, size in ((-34, -18, 62), (6, -30, 66), (-18, -66, 64)):
                pen.ellipse((x + dx - 12, 480 + dy, x + dx + size - 12, 480 + dy + size), fill=(98, 142, 92))
        for x in range(110, 880, 76):
            pen.rectangle((x, 664, x + 58, 706), outline=(240, 240, 236), width=3)
        return
    for y in (150, 166, 188):
        sag = int(random.integers(20, 60))
        pen.arc((-80, y - 200 - sag, _WIDTH + 80, y + sag), 10, 170, fill=(48, 46, 44), width=3)
    for x, y in zip(random.integers(20, 900, 12).tolist(), random.integers(612, 690, 12).tolist(), strict=True):
        pen.ellipse((x, y, x + 50, y + 16), fill=(112, 104, 96))


def _jpeg(picture: Image.Image, *, with_notes: bool) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    if with_notes:
        exif[_EXIF_MAKE] = "手机"
        exif[_EXIF_DESCRIPTION] = "张三 摄"
        exif.get_ifd(_EXIF_GPS).update({1: "N", 2: (32.0, 38.0, 12.5), 3: "E", 4: (117.0, 1.0, 3.25)})
    picture.save(out, "JPEG", quality=78, optimize=True, exif=exif)
    return out.getvalue()
