"""A whole folder as an office keeps it: what each file is for, cards for all, one list of what is left to decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gis_renovation.checking.draft import Draft, draft_card, write_card
from gis_renovation.checking.draft_ledger import JoinDraft, draft_join, write_join
from gis_renovation.checking.inspecting import (
    drawn_layers,
    filled_sublayers,
    inspect_file,
    ranked_layers,
)
from gis_renovation.checking.which_layer import clear, name_strength
from gis_renovation.errors import FileError, GisRenovationError
from gis_renovation.reading import RASTER_SUFFIXES, SUFFIXES, read_card
from gis_renovation.schemas import layer_schema, layer_schemas
from gis_renovation.words import Lang, Text

# Files that belong to another one, or to a program.
_BESIDE = (
    ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".xml", ".qmd", ".qml", ".tfw", ".ovr", ".aux", ".lock", ".map",
    ".dat", ".id", ".mid",
)  # fmt: skip
_OWN = ("project.toml",)


@dataclass
class Proposal:
    """What one file, sheet or drawing is taken for: its layer and why, and the card or the ``[join]`` drafted for it.

    ``name`` is the card's name without ``.toml``; ``left`` says why nothing was drafted.
    """

    path: Path
    sublayer: str = ""
    layer: str = ""
    why: Text = field(default_factory=lambda: Text("", ""))
    sure: bool = False
    draft: Draft | None = None
    join: JoinDraft | None = None
    name: str = ""
    left: Text | None = None

    @property
    def doubts(self) -> list[Text]:
        """What a person must still decide about it."""
        told = self.draft.doubts if self.draft is not None else self.join.doubts if self.join is not None else []
        return list(told)


def propose_folder(
    folder: Path,
    *,
    beside: Path,
    project_crs: str = "",
    lang: Lang = "zh",
    on_progress: Callable[[str, int, int], None] = lambda _name, _done, _total: None,
) -> list[Proposal]:
    """A proposal for every file of ``folder`` and what is below it, in the order of names; nothing is written.

    A workbook gives one for each sheet that holds something, a drawing one for each layer of ours that its CAD layers
    are for. A table for a layer that has shapes elsewhere is drafted as the ``[join]`` of that card; further files of a
    layer get cards of their own. A file that cannot be read is told, and stops nothing. Raises FileError for a folder
    without files.
    """
    files = [path for path in _files(folder) if not _lies_in(path, beside)]
    if not files:
        raise FileError(f"{folder} 里没有文件。", f"{folder} holds no file.")
    found: list[Proposal] = []
    for number, path in enumerate(files):
        on_progress(path.name, number, len(files))
        found += _of_file(path)
    on_progress("", len(files), len(files))
    taken = {path.stem for path in beside.glob("*.toml")}
    # Shapes before tables: a ledger is put beside boundaries that have a card.
    for one in sorted((p for p in found if p.layer), key=_shapes_first):
        _draft(one, found, beside, project_crs=project_crs, lang=lang, taken=taken)
    return found


def write_proposals(found: Iterable[Proposal], folder: Path) -> list[Path]:
    """The drafted cards written where none stands, then the ``[join]`` of ledgers into theirs; the files written.

    A ``[join]`` that a person must decide is left out of its card, and said in ``left``.
    """
    proposals = list(found)
    written = [write_card(one.draft, folder, one.name) for one in proposals if one.draft is not None]
    for one in proposals:
        if one.join is None:
            continue
        try:
            written.append(write_join(one.join, layer=one.layer))
        except GisRenovationError as error:
            one.left = error.text
    return list(dict.fromkeys(written))


# --- files ----------------------------------------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    """The data files below a folder: no parts of others, no marks of open programs, a geodatabase as one."""
    found: list[Path] = []
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if path.name.startswith((".", "~$")) or path.name in _OWN:
            continue
        if path.is_dir():
            found += [path] if path.suffix.lower() == ".gdb" else _files(path)
        elif not _belongs(path):
            found.append(path)
    return found


def _belongs(path: Path) -> bool:
    """Whether a file is part of another one beside it; a .dbf alone is a table."""
    suffix = path.suffix.lower()
    if suffix == ".dbf":
        return any(path.with_suffix(s).exists() for s in (".shp", ".SHP", ".tab", ".TAB"))
    return suffix in _BESIDE


def _lies_in(path: Path, beside: Path) -> bool:
    return path.suffix.lower() == ".toml" and path.resolve().parent == beside.resolve()


def _of_file(path: Path) -> list[Proposal]:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES and path.suffix.lower() != ".gdb":
        return [Proposal(path, left=Text("不是能读的数据格式，没有看", "not a format that is read; not looked into"))]
    try:
        if suffix in RASTER_SUFFIXES:
            return [_of_raster(path)]
        return [one for name in filled_sublayers(path) for one in _of_sublayer(path, name)]
    except GisRenovationError as error:
        return [Proposal(path, left=error.text)]


def _of_sublayer(path: Path, sublayer: str) -> list[Proposal]:
    found = inspect_file(path, "", sublayer, [])
    if not len(found.frame):
        return [Proposal(path, sublayer, left=Text("没有内容", "holds nothing"))]
    drawn = list(dict.fromkeys(drawn_layers(found).values()))
    ranked = ranked_layers(found)
    if drawn:
        best = {one.schema.name: one for one in ranked}
        return [Proposal(path, sublayer, name, _why(best[name].reasons), sure=True) for name in drawn]
    first = ranked[0]
    return [Proposal(path, sublayer, first.schema.name, _why(first.reasons), sure=clear(ranked))]


def _of_raster(path: Path) -> Proposal:
    """A raster by its name alone; what it shows cannot be told from its cells."""
    texts = (path.stem, path.resolve().parent.name)
    schemas = [schema for schema in layer_schemas().values() if schema.raster]
    for text in texts:
        best = max(schemas, key=lambda schema: name_strength(schema, text)[1])
        word = name_strength(best, text)[0]
        if word:
            return Proposal(path, "", best.name, Text(f"名称有“{word}”", f"the name has {word!r}"), sure=True)
    unknown = Text("栅格，从名称看不出是什么；用 --layer 指定", "a raster whose name does not say what; give --layer")
    return Proposal(path, left=unknown)


def _why(reasons: Sequence[Text]) -> Text:
    return Text("，".join(r.zh for r in reasons), ", ".join(r.en for r in reasons))


def _shapes_first(one: Proposal) -> tuple[int, str, str]:
    from gis_renovation.reading import SHEET_SUFFIXES

    table = one.path.suffix.lower() in (*SHEET_SUFFIXES, ".csv", ".txt", ".dbf")
    return int(table), str(one.path), one.sublayer


# --- drafting -------------------------------------------------------------------------------------


def _draft(
    one: Proposal, found: Sequence[Proposal], beside: Path, *, project_crs: str, lang: Lang, taken: set[str]
) -> None:
    """The card of a proposal, or its ``[join]`` where another file of the folder has the shapes."""
    try:
        shapes = next((p for p in found if p.draft is not None and p.layer == one.layer), None)
        if layer_schema(one.layer).geometry and shapes is not None and shapes.draft is not None:
            card = read_card(shapes.draft.text, stem=one.layer, where=f"layers/{shapes.name}.toml")
            standing = (beside / f"{shapes.name}.toml", card)
            one.join = draft_join(
                one.path, layer=one.layer, sublayer=one.sublayer, beside=beside, lang=lang, standing=standing
            )
        if one.join is None:
            draft = draft_card(
                one.path, layer=one.layer, sublayer=one.sublayer, beside=beside, project_crs=project_crs, lang=lang
            )
            one.draft, one.name = draft, _free_name(one, taken)
            taken.add(one.name)
    except GisRenovationError as error:
        one.left = error.text


def _free_name(one: Proposal, taken: set[str]) -> str:
    """The layer's name for its first card; for a further one the file's beside it."""
    if one.layer not in taken:
        return one.layer
    clean = re.sub(r"[^\w\u4e00-\u9fff]+", "-", f"{one.path.stem}-{one.sublayer}".strip("-")).strip("-")
    name, number = f"{one.layer}-{clean}", 1
    while name in taken:
        number += 1
        name = f"{one.layer}-{clean}-{number}"
    return name
