"""One project: its ``project.toml``, its cards, and the parameters bound to the analyses.

The signature is the configuration: ``[contiguity] max_gap_m = 60`` reaches the keyword-only parameter
of that name in the step functions of ``contiguity``. An unknown key fails with the nearest known one.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gis_renovation.config import check_model, faults_error, nearest_key, read_toml
from gis_renovation.errors import ConfigError, FileError, GisRenovationError
from gis_renovation.reading import Card, read_card
from gis_renovation.run.binding import parameters_model
from gis_renovation.run.schemes import AS_IT_STANDS, SchemeWishes, read_schemes, require_chosen
from gis_renovation.run.steps import parameter_tables

PROJECT_FILE = "project.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Target(_Strict):
    """What the plan promises for one batch; what it does not state stays unknown."""

    communities: int | None = Field(default=None, ge=0)
    households: int | None = Field(default=None, ge=0)
    floor_area_m2: float | None = Field(default=None, ge=0)


class ProjectTable(_Strict):
    """The ``[project]`` table. ``area`` is left, bottom, right, top in degrees (CGCS2000 / WGS-84).

    ``city_rules`` names the shipped pack of the project's city, ``rules`` are files of its own.
    ``scheme`` names the scheme that is chosen. ``prepared_by``, ``document_number`` and ``security_class`` are the
    unit that files the documents, the number they go out under, and what is written of their secrecy (编制单位、文号、
    密级); they stand on documents and forms as they are given.
    """

    name: str
    crs: str
    as_of: datetime.date
    synthetic: bool = False
    attribution: str = ""
    area: tuple[float, float, float, float] | None = None
    city_rules: str | None = None
    rules: list[str] = Field(default_factory=list)
    scheme: str = ""
    prepared_by: str = ""
    document_number: str = ""
    security_class: str = ""


class Settings(_Strict):
    """``project.toml`` without the analyses' own tables."""

    project: ProjectTable
    targets: dict[str, Target] = Field(default_factory=dict)
    schemes: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Project:
    """A folder with ``project.toml`` and ``layers/``; everything below it is read on demand.

    ``stated`` are the analyses' tables as they stand, ``wished`` are the schemes over them by name.
    """

    folder: Path
    settings: Settings
    stated: Mapping[str, Mapping[str, Any]]
    wished: Mapping[str, SchemeWishes] = field(default_factory=dict)

    @cached_property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        """The analyses' tables with the wishes of the chosen scheme."""
        return self.scheme.over(self.stated)

    @property
    def scheme(self) -> SchemeWishes:
        """The chosen scheme; the tables as they stand where none is."""
        return self.wished.get(self.settings.project.scheme, AS_IT_STANDS)

    @property
    def schemes(self) -> Mapping[str, SchemeWishes]:
        """All that are compared, in written order; before them the tables as they stand, if those are chosen."""
        if not self.wished:
            return {}
        return self.wished if self.scheme.name else {AS_IT_STANDS.name: AS_IT_STANDS, **self.wished}

    @property
    def name(self) -> str:
        """The project's name, as people read it."""
        return self.settings.project.name

    @property
    def as_of(self) -> datetime.date:
        """The day the results speak of."""
        return self.settings.project.as_of

    @property
    def layers_folder(self) -> Path:
        """Where the source cards lie."""
        return self.folder / "layers"

    @cached_property
    def cards(self) -> Mapping[str, Card]:
        """Every source card by layer, sorted. Raises ConfigError with the faults of all cards at once."""
        return read_cards(self.layers_folder)


def open_project(folder: str | Path) -> Project:
    """The project in ``folder``. Raises FileError without a ``project.toml``, ConfigError for faults in it."""
    folder = Path(folder)
    path = folder / PROJECT_FILE
    if not path.is_file():
        raise FileError(
            f"{folder.resolve()} 中没有 project.toml，不是一个项目。"
            "请换到项目文件夹，或先运行 gis-renovation init my-city。",
            f"{folder.resolve()} has no project.toml, so it is no project. "
            "Go to a project, or run gis-renovation init my-city.",
        )
    data = read_toml(read_text(path), where=PROJECT_FILE)
    known = parameter_tables()
    own = {key: value for key, value in data.items() if key in Settings.model_fields}
    tables = {key: value for key, value in data.items() if key not in own}
    unknown = [key for key in tables if key not in known]
    if unknown:
        hints = [nearest_key(key, [*Settings.model_fields, *known]) for key in unknown]
        raise ConfigError(
            "\n".join(f"project.toml：没有名为 [{k}] 的表；{h.zh}" for k, h in zip(unknown, hints, strict=True)),
            "\n".join(f"project.toml: there is no table [{k}]; {h.en}" for k, h in zip(unknown, hints, strict=True)),
        )
    settings = check_model(own, Settings, where=PROJECT_FILE)
    wished = read_schemes(settings.schemes)
    require_chosen(settings.project.scheme, wished)
    return Project(folder, settings, _check_tables(tables, known), wished)


def read_settings(folder: Path) -> Settings:
    """The project's own tables only, without looking at those of the analyses; quick, for drafting a card."""
    data = read_toml(read_text(folder / PROJECT_FILE), where=PROJECT_FILE)
    own = {key: value for key, value in data.items() if key in Settings.model_fields}
    return check_model(own, Settings, where=PROJECT_FILE)


def read_text(path: Path) -> str:
    """A TOML file's text; UTF-8 with or without BOM, as Notepad writes it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(
            f"{path} 不是 UTF-8 编码；请用记事本“另存为”，编码选 UTF-8。",
            f"{path} is not UTF-8; save it again as UTF-8.",
        ) from None


def read_cards(folder: Path) -> dict[str, Card]:
    """All ``*.toml`` cards of a folder by layer; faults of all cards together, one error."""
    if not folder.is_dir():
        raise FileError(
            f"没有来源卡文件夹 {folder}；请新建并为每个图层放一张来源卡。", f"No folder of source cards: {folder}."
        )
    cards: dict[str, Card] = {}
    errors: list[GisRenovationError] = []
    for path in sorted(folder.glob("*.toml"), key=lambda path: path.stem):
        where = f"layers/{path.name}"
        try:
            card = read_card(read_text(path), stem=path.stem, where=where)
            first = cards.get(card.source.layer)
            if first is not None:  # several cards for one layer, each for its own files
                card = first.model_copy(update={"parts": (*first.parts, *card.sources)})
            if len(card.sources) > 1 and card.schema_.raster:
                layer = card.source.layer
                raise ConfigError(
                    f"{where}：栅格图层 {layer} 只能有一个文件，已有另一张来源卡；请先拼接。",
                    f"{where}: the raster layer {layer} takes one file and has a card already; mosaic them first.",
                )
            cards[card.source.layer] = card
        except GisRenovationError as error:
            errors.append(error)
    if errors:
        raise ConfigError("\n".join(e.text.zh for e in errors), "\n".join(e.text.en for e in errors))
    if not cards:
        raise ConfigError(
            f"{folder} 里还没有来源卡。把数据放进 layers/data/，"
            "再用 gis-renovation card 文件 --layer 图层 --write 起草一张。",
            f"{folder} holds no source card yet. Put data into layers/data/, then draft one with "
            "gis-renovation card FILE --layer LAYER --write.",
        )
    return dict(sorted(cards.items()))


# --- binding parameters ---------------------------------------------------------------------------


def _check_tables(
    tables: Mapping[str, Any], known: Mapping[str, tuple[Callable[..., Any], ...]]
) -> dict[str, dict[str, Any]]:
    checked = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"project.toml：[{name}] 应为一张表", f"project.toml: [{name}] must be a table")
        model = parameters_model(name, known[name])
        try:
            checked[name] = model.model_validate(table).model_dump(exclude_unset=True)
        except ValidationError as error:
            raise faults_error(error, model, where=f"project.toml [{name}]") from None
    return checked
