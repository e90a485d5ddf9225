"""The Chinese letters that maps and figures are set in: which face of which file, found anew on every machine.

No font is shipped. The usual names come first; where none is installed under its name, every font file is opened
and asked whether it has the characters. Which one was used is told, for a map printed elsewhere looks different.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from matplotlib import font_manager, rcParams
from PIL import ImageFont

from gis_renovation.errors import FileError
from gis_renovation.words import Lang

# What offices here have on their machines, the common ones first.
_CHINESE_FONTS: Final = (
    "SimHei", "Microsoft YaHei", "SimSun", "FangSong", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC",
    "Source Han Sans CN", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC", "Heiti SC", "Noto Serif CJK SC",
)  # fmt: skip
_LATIN_FONT: Final = "DejaVu Sans"
# Characters that only a font for simplified Chinese has together.
_ASKED: Final = "区划鉴谢闲置"
_FACES_IN_A_FILE = 16


class Face(NamedTuple):
    """One face of a font file: its family, the file, and its number in a collection."""

    family: str
    file: str
    number: int


@cache
def chinese_face() -> Face | None:
    """The first of the usual Chinese fonts that is installed, else any that has the characters; None where none has."""
    listed = [font for font in font_manager.fontManager.ttflist if Path(font.fname).is_file()]
    for name in _CHINESE_FONTS:
        faces = sorted((font for font in listed if font.name == name), key=_oddness)
        if faces:
            return Face(name, faces[0].fname, faces[0].index)
    # A list that is kept from one start to the next knows nothing of a font installed since.
    return next((face for file in sorted(font_manager.findSystemFonts()) for face in _faces_with_chinese(file)), None)


def _oddness(font: font_manager.FontEntry) -> tuple[bool, bool, bool, str]:
    """Upright, of normal width and weight first; then by file, so that the choice is always the same."""
    return font.style != "normal", font.stretch != "normal", font.weight != 400, font.fname


def _faces_with_chinese(file: str) -> list[Face]:
    """The upright faces of a file that have the characters, simplified Chinese before its neighbours."""
    found = []
    for index in range(_FACES_IN_A_FILE):
        try:
            font = ImageFont.truetype(file, 16, index=index, layout_engine=ImageFont.Layout.BASIC)
        except OSError:
            break
        family, style = font.getname()
        missing = bytes(font.getmask("\U0010ffff"))
        if all(bytes(font.getmask(letter)) not in (b"", missing) for letter in _ASKED) and "Italic" not in (
            style or ""
        ):
            found.append(Face(family or Path(file).stem, file, index))
    return sorted(found, key=lambda face: (not face.family.endswith((" SC", " CN")), face.number))


def require_chinese_face() -> Face:
    """The face to set Chinese in. Raises FileError, with what to install, where no font has Chinese."""
    face = chinese_face()
    if face is None:
        raise FileError(
            "没有找到中文字体，地图上的中文写不出来，所以没有生成。请安装一种中文字体后再运行："
            "Windows 一般自带黑体、宋体；Debian/Ubuntu：sudo apt-get install fonts-noto-cjk；"
            "麒麟、统信等系统在软件商店安装“思源黑体”或“文泉驿”。只要英文的，加 --lang en。",
            "No Chinese font was found, so the Chinese words of the maps cannot be set and nothing was made. Install "
            "one and run again (Windows brings SimHei and SimSun; Debian/Ubuntu: sudo apt-get install "
            "fonts-noto-cjk), or ask for English: --lang en.",
        )
    return face


def use_chinese_font() -> Lang:
    """Have matplotlib write Chinese if a font for it is installed; the language that its texts can then be in.

    Once before the first figure: ``lang = use_chinese_font()``.
    """
    face = chinese_face()
    if face is not None and face.family not in {font.name for font in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(face.file)
    family = [_LATIN_FONT] if face is None else [face.family, _LATIN_FONT]
    rcParams.update({"font.family": family, "axes.unicode_minus": False})
    return "en" if face is None else "zh"


@cache
def letters(pixels: int) -> ImageFont.FreeTypeFont:
    """The letters of a map at a size: Chinese where a font has them, else matplotlib's own Latin ones."""
    face = chinese_face() or Face(_LATIN_FONT, font_manager.findfont(_LATIN_FONT), 0)
    # The basic layout needs no library that may be there or not, and so gives the same letters everywhere.
    return ImageFont.truetype(face.file, pixels, index=face.number, layout_engine=ImageFont.Layout.BASIC)


def font_used() -> str:
    """The face that maps are set in, by family and file, as people are told."""
    face = chinese_face()
    return _LATIN_FONT if face is None else f"{face.family}（{Path(face.file).name}）"
