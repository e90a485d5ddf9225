"""Blank workbooks and their cards, put where a project keeps its data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gis_renovation.errors import ConfigError, FileError
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    from gis_renovation.schemas import LayerSchema


def asked_schemas(layers: Sequence[str], *, filled: bool, form: str) -> list[LayerSchema]:
    """The layers named, each once. Raises ConfigError for what has no table, or none in that form."""
    from gis_renovation.schemas import layer_schema

    schemas = [layer_schema(name) for name in dict.fromkeys(layers)]
    unfit = [schema for schema in schemas if schema.raster or (schema.result and not filled)]
    if unfit:
        listed = "、".join(f"{schema.label.zh} {schema.name}" for schema in unfit)
        raise ConfigError(
            f"{listed}：栅格和算出来的图层没有表格可填；算出来的图层加 --filled 连同结果导出。",
            f"{', '.join(schema.name for schema in unfit)}: rasters and results have no table to fill in; results "
            "leave with their rows by --filled.",
        )
    if form not in ("xlsx", "gpkg") or (form == "gpkg" and not filled):
        raise ConfigError(
            f"--format {form}：只有 xlsx 和 gpkg 两种；gpkg 要与 --filled 同用。",
            f"--format {form}: xlsx or gpkg; gpkg goes with --filled.",
        )
    return schemas


def write_blanks(schemas: Sequence[LayerSchema], folder: Path, cards: Path | None, lang: Lang) -> list[Text]:
    """A workbook for each layer in ``folder``, and a card in ``cards`` where none stands; what was done, for each.

    Raises FileError before anything is written if one of the workbooks is there already.
    """
    from gis_renovation.checking import card_beside
    from gis_renovation.writing import blank_card, new_file, write_blank

    paths = [folder / f"{schema.label.zh}.xlsx" for schema in schemas]
    there = [path for path in paths if path.exists()]
    if there:
        listed = "、".join(map(str, there))
        raise FileError(
            f"{listed} 已经存在，没有改动；请先移走，或用 --to 换一个文件夹。", f"{listed} exists; nothing was changed."
        )
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for schema, path in zip(schemas, paths, strict=True):
        with new_file(path) as work:
            write_blank(work, schema)
        said = Text(f"{path}", f"{path}")
        shapes = schema.geometry and "point" not in schema.geometry
        if shapes:
            said += Text(
                f"；图形另给文件，为它起草来源卡后运行 card {path} --layer {schema.name} --write，表就接到图形上",
                f"; the shapes come by a file of their own: draft its card, then card {path} --layer {schema.name} "
                "--write puts this table beside them",
            )
        elif cards is not None and card_beside(cards, schema.name) is None:
            target = cards / f"{schema.name}.toml"
            with new_file(target) as work:
                text = blank_card(Path(os.path.relpath(path.resolve(), cards.resolve())).as_posix(), schema, lang)
                work.write_text(text, encoding="utf-8", newline="\n")
            said += Text(f"；来源卡 {target}，填好表即可 check", f"; card {target}: fill the table in, then check")
        elif cards is not None:
            said += Text("；已有来源卡，没有改动", "; it has a card, which was not touched")
        told.append(said)
    return told


def write_filled(
    schemas: Sequence[LayerSchema], project: Path, folder: Path, form: Literal["xlsx", "gpkg"], lang: Lang
) -> list[Text]:
    """The project's layers with their rows, those that a run makes from a run of today; what was done, for each.

    Raises ConfigError for a layer that the project neither has nor can make.
    """
    from gis_renovation.run import open_project, read_layer, run_project
    from gis_renovation.writing import export_layers

    opened = open_project(project)
    made = run_project(opened).layers if any(schema.result for schema in schemas) else {}
    lacking = [schema for schema in schemas if schema.result and schema.name not in made]
    if lacking:
        listed = "、".join(f"{schema.label.zh} {schema.name}" for schema in lacking)
        raise ConfigError(
            f"{listed}：这个项目的数据算不出这些图层；缺什么见 gis-renovation run 的说明。",
            f"{', '.join(schema.name for schema in lacking)}: not made of this project's data; run says why.",
        )
    frames = {s.name: made[s.name] if s.result else read_layer(opened, s.name) for s in schemas}
    places = export_layers(frames, folder, form=form, lang=lang)
    return [
        Text(f"{len(frames[s.name]):,} 行，{places[s.name]}", f"{len(frames[s.name]):,} rows, {places[s.name]}")
        for s in schemas
    ]
