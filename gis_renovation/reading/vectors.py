"""Vector files into raw frames: GeoPackage, Shapefile, FileGDB, GeoJSON, FlatGeobuf, KML, GML, DXF, MapInfo, Parquet.

Read in bulk; what a file lacks is restored on a copy, what its driver warns of is said, what cannot be
built is kept as a row without geometry and named.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis_renovation.arrays import Flags
from gis_renovation.errors import FeatureRef, FileError, by_row
from gis_renovation.reading.cards import Card
from gis_renovation.reading.conforming import columns_needed
from gis_renovation.reading.formats import (
    AS_BYTES,
    Opened,
    Reading,
    borrow,
    bytes_at,
    digests,
    driver_words,
    open_drawing,
    open_mapinfo,
    open_xml,
    prepare_shapefile,
    prepare_table,
    say_drawing_units,
    say_if_partial,
    say_undecodable,
    text_encoding,
    unmerged,
    unreadable,
)
from gis_renovation.reading.values import (
    Built,
    FileColumns,
    better_encoding,
    column_meanings,
    decode,
    frame_of,
    joined_shapes,
    read_placemarks,
    row_refs,
    rows_of,
    shapes_from_wkb,
    stacked,
    text_made_whole,
    with_attributes,
)
from gis_renovation.words import Text
from gis_renovation.writing import temporary_folder

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def read_vector(path: Path, reading: Reading) -> gpd.GeoDataFrame:
    """The layer of a vector file that the card names; all of them for ``layer_name = "*"``."""
    reading.original = path
    opened = _opened(path, reading)
    own = path.suffix.lower() in (".shp", ".dbf")
    names = [path.stem] if own else _layer_names(opened.path, path, reading.layer)
    wanted = reading.card.source.layer_name
    if wanted == "*" and len(names) > 1:
        frame = stacked([_read_named(opened, n, reading).assign(layer_name=n) for n in names])
    else:
        name = _pick_layer(names, reading.card, path)
        frame = _read_named(opened, opened.path.stem if own else name, reading)
    say_if_partial(opened.path, len(frame), reading)
    if path.suffix.lower() == ".dxf":
        say_drawing_units(path, frame.bounds.to_numpy(), reading)
    return frame


def _opened(path: Path, reading: Reading) -> Opened:
    """How to open the file: side files restored, text recoded and databases merged on a copy, never beside it."""
    source, suffix, stated = borrow(path, reading.scratch), path.suffix.lower(), reading.card.source.encoding
    if suffix == ".shp":
        return _shapefile(source, reading)
    if suffix == ".dbf":
        return Opened(source, AS_BYTES, prepare_table(source, reading))
    if suffix in (".kml", ".gml", ".gpx"):
        return open_xml(source, reading)
    if suffix in (".geojson", ".json", ".geojsonl", ".geojsons"):
        return Opened(_as_utf8(source, reading))
    if suffix in (".tab", ".mif"):
        return open_mapinfo(source, reading)
    if suffix == ".dxf":
        return open_drawing(source, reading)
    if beside := unmerged(path):
        reading.facts["beside"] = digests(beside)
        listed = ", ".join(one.name for one in beside)
        reading.say(
            "note", "unmerged_read", path,
            f"旁边的 {listed} 里有尚未写进主文件的修改（或未完成的写入），已在临时副本上合并（或退回）后读取；"
            "原文件没有改动。复制给别人时请连同这些文件一起复制。",
            f"{listed} beside it holds changes not yet in the file itself, or an unfinished write; merged or taken "
            "back on a copy, no file was changed. Whoever copies the file must copy these too.",
        )  # fmt: skip
    return Opened(source, stated)


def _shapefile(source: Path, reading: Reading) -> Opened:
    """A Shapefile; text that its driver cannot be trusted with is decoded here, where a cut character can be told."""
    path, encoding = prepare_shapefile(source, reading)
    odd = reading.facts.get("cut_texts") or any(f.code == "text_undecodable" for f in reading.findings)
    if odd or encoding not in _RECODED:
        return Opened(path, AS_BYTES, encoding)
    return Opened(path, encoding)


# The encodings that the Shapefile driver is trusted with; text in all others is decoded here.
_RECODED = ("", "UTF-8", "GB18030")


def _as_utf8(path: Path, reading: Reading) -> Path:
    """The JSON file itself if it is UTF-8, else a copy in UTF-8."""
    _refuse_pipeline(path, reading)
    found = text_encoding(path, reading.card.source.encoding, reading.layer)
    reading.facts["encoding"] = found
    reading.say_doubt(better_encoding(bytes_at(path, 0, 2**18), found), found, path)
    if found == "UTF-8":
        return path
    target = Path(tempfile.mkdtemp(dir=reading.scratch)) / path.name
    with path.open(encoding=found) as source, target.open("w", encoding="utf-8") as sink:
        shutil.copyfileobj(source, sink)
    reading.say("note", "recoded", path, f"文字编码为 {found}，已转为 UTF-8 读取。", f"Text is {found}; read as UTF-8.")
    return target


def _refuse_pipeline(path: Path, reading: Reading) -> None:
    """JSON of which a driver makes commands to run on other files or addresses; geodata never is one."""
    if b"gdal_streamed_alg" in bytes_at(path, 0, 2**16).replace(b"\0", b""):
        own = reading.own(path)
        raise FileError(
            f"图层 {reading.layer}：{own.name} 不是数据，而是读取其他文件或网址的命令，可能有害，未读取。"
            "请让提供单位导出数据本身。",
            f"Layer {reading.layer}: {own.name} holds no data but commands that read other files or addresses; not "
            "read. Ask for the data itself.",
        )


def _read_named(opened: Opened, name: str, reading: Reading) -> gpd.GeoDataFrame:
    """One layer of a vector file in bulk; what the driver warns of becomes findings."""
    import pyarrow as pa
    import pyogrio

    path = opened.path
    suffix = path.suffix.lower()
    options: dict[str, Any] = {"encoding": opened.driver} if opened.driver else {}
    reading.columns = column_meanings(path, name)
    if not options and suffix in _COLUMNAR and not reading.all_columns:
        options |= _only_needed(path, name, reading)
    try:
        with _driver_settings(path), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            frame = _bulk(path, name, options, reading)
    except UnicodeDecodeError:
        shown = reading.own(path).name
        raise FileError(
            f'图层 {reading.layer}：{shown} 的文字编码不对；请在来源卡写 encoding = "GB18030" 或 "UTF-8"。',
            f'Layer {reading.layer}: the text encoding of {shown} is wrong; set encoding = "GB18030" or "UTF-8".',
        ) from None
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise unreadable(reading.own(path), reading.layer, error) from None
    for text in sorted({str(w.message).splitlines()[0] for w in caught}):
        said = driver_words(text)
        reading.say("warning", "driver_warning", path, f"读取时的提示：{said.zh}", f"The reader warns: {said.en}")
    frame = _all_promised_rows(path, name, frame, options, reading)
    if opened.decode:
        frame = _decoded(frame, opened.decode)
        if suffix in (".tab", ".mif"):
            _say_unread(frame, opened.decode, path, reading)
    if suffix == ".kml":
        frame = _placemarks_whole(frame, path, name, reading)
    return _named_once(frame, path, reading)


@contextmanager
def _driver_settings(path: Path) -> Iterator[None]:
    """What drivers are told beyond their options, for as long as the block takes."""
    import pyogrio

    suffix = path.suffix.lower()
    settings = {
        "SHAPE_RESTORE_SHX": "YES" if suffix == ".shp" and not _beside(path, ".shx") else None,
        # One GML feature that cannot be built ends the reading unless the driver is told to go on; the count tells.
        "GML_SKIP_CORRUPTED_FEATURES": "YES",
        # The driver would guess numbers, and ids would lose the zeros in front.
        "GML_FIELDTYPES": "ALWAYS_STRING",
        "DXF_ENCODING": "UTF-8" if suffix == ".dxf" else None,
    }
    pyogrio.set_gdal_config_options(settings)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(dict.fromkeys(settings))


def _say_unread(frame: pd.DataFrame, encoding: str, path: Path, reading: Reading) -> None:
    """Name the rows that hold characters which could not be decoded."""
    bad = np.zeros(len(frame), dtype=bool)
    for number, name in enumerate(frame.columns):
        if name != "geometry":
            bad |= frame.iloc[:, number].map(lambda v: isinstance(v, str) and "\ufffd" in v).to_numpy(dtype=bool)
    stated = bool(reading.card.source.encoding)
    say_undecodable(by_row(bad.nonzero()[0] + 1), encoding, path, reading, stated=stated)


def _placemarks_whole(frame: gpd.GeoDataFrame, path: Path, name: str, reading: Reading) -> gpd.GeoDataFrame:
    placemarks = read_placemarks(path)
    reading.columns = FileColumns(aliases=placemarks.aliases)
    frame, lost = with_attributes(frame, name, placemarks)
    if lost:
        reading.say(
            "warning", "kml_attributes_lost", path,
            f"有些属性与地标对不上，没有读出：{'、'.join(lost)}；请在原软件中另存为 GeoPackage 或 Shapefile。",
            f"Attributes that cannot be matched to placemarks were not read: {', '.join(lost)}; save it as GeoPackage.",
        )  # fmt: skip
    return frame


# Formats whose column names are read as they are, without a doubt about their encoding.
_COLUMNAR = (".gpkg", ".gdb", ".fgb")


def _only_needed(path: Path, name: str, reading: Reading) -> dict[str, Any]:
    """The option to read the columns the card needs, if it lets others alone; all names are kept to be said."""
    found = [str(column) for column in _info(path, name, "")["fields"]]
    needed = columns_needed(reading.card, found, reading.columns.aliases)
    if needed is None or len(set(found)) < len(found):
        return {}
    reading.columns = replace(reading.columns, names=tuple(found))
    return {"columns": needed}


def _bulk(
    path: Path, name: str, options: dict[str, Any], reading: Reading, *, fids: Sequence[int] | None = None
) -> gpd.GeoDataFrame:
    """A layer through Arrow, or its rows ``fids`` one by one; a shape that cannot be built leaves its row without."""
    # Arrow text is UTF-8; only the Shapefile driver recodes before it hands over.
    if fids is None and ("encoding" not in options or path.suffix.lower() in (".shp", ".dbf")):
        table, binary, crs, no_text = _columnar(path, name, options)
        say_undecodable(by_row(no_text.nonzero()[0] + 1), "UTF-8", path, reading, stated=False)
    else:
        table, binary, crs = _row_by_row(path, name, options, fids)
    return _with_shapes(table, binary, crs, path, reading)


_CANNOT_BE_BUILT = Text(
    "几何无法读出（如环未闭合、只有两个点），已按空几何保留该行；请在源数据中改正，"
    "或在来源卡写 [repair] drop_empty_geometry = true。",
    "Geometry cannot be built (an open ring, or one of two points); the row is kept without it. Mend it at the "
    "source, or write [repair] drop_empty_geometry = true in the card.",
)


def _with_shapes(table: pd.DataFrame, built: Built | None, crs: object, path: Path, reading: Reading) -> Any:
    """The table beside its shapes; what was drawn anew or could not be built is said."""
    import geopandas as gpd

    if built is None:
        return table
    say_built(built, path, reading)
    return gpd.GeoDataFrame(table, geometry=built.shapes, crs=crs)


def say_built(
    built: Built, path: Path, reading: Reading, *, index: pd.Index | None = None, words: Text = _CANNOT_BE_BUILT
) -> None:
    """Say which rows hold arcs or surfaces, and in ``words`` which hold a shape that cannot be built.

    Rows are called by ``index`` where the reader kept a sheet's own numbers.
    """

    def rows(hit: Flags) -> Sequence[FeatureRef]:
        return by_row(hit.nonzero()[0] + 1) if index is None else row_refs(index[hit])

    if built.curved.any():
        reading.say(
            "note", "curves_approximated", path,
            "图层含有圆弧等曲线，已按折线近似读取（每段圆弧不超过 4°）；面积与原软件中的可能略有出入。",
            "The layer holds true curves; they are read as lines of at most 4 degrees of arc each, so areas may differ "
            "slightly from those of its own software.",
            features=rows(built.curved),
        )  # fmt: skip
    if built.surfaces.any():
        reading.say(
            "note", "surfaces_flattened", path,
            "图层含有三维表面（TIN、多面体、MultiPatch），已取其俯视覆盖的范围作为面。",
            "The layer holds surfaces in space (TIN, polyhedral surface, MultiPatch); the ground they cover is taken "
            "as the area.",
            features=rows(built.surfaces),
        )  # fmt: skip
    if built.broken.any():
        reading.say("error", "unreadable_geometry", path, *words, features=rows(built.broken))


def _columnar(path: Path, name: str, options: dict[str, Any]) -> tuple[Any, Built | None, Any, Flags]:
    """Attributes, shapes, the CRS, and which rows hold bytes that are no text.

    Batch by batch: the driver reads the next ones meanwhile, and the bytes of a batch go when its shapes are built.
    A batch whose parts contradict each other raises ArrowInvalid.
    """
    import pyarrow as pa
    import pyogrio

    tables, built, no_text = [], [], []
    with pyogrio.open_arrow(path, layer=name, use_pyarrow=True, datetime_as_string=True, **options) as (meta, batches):
        column = batches.schema.get_field_index(meta["geometry_name"] or "wkb_geometry")
        schema = batches.schema if column < 0 else batches.schema.remove(column)
        for batch in batches:
            if column >= 0:
                shapes = batch.column(column)
                shapes.validate(full=True)
                built.append(_shapes(shapes))
            texts, bad = text_made_whole(batch if column < 0 else batch.remove_column(column))
            tables.append(texts)
            no_text.append(bad)
    table = pa.Table.from_batches(tables, schema).combine_chunks()  # rows are taken from one piece much faster
    del tables
    bad_rows = np.concatenate([np.zeros(0, dtype=bool), *no_text])
    return frame_of(table), joined_shapes(built) if column >= 0 else None, meta["crs"], bad_rows


def _shapes(column: Any) -> Built:
    """The shapes of an Arrow array of well-known binary."""
    return shapes_from_wkb(getattr(column, "storage", column).to_numpy(zero_copy_only=False))


def _row_by_row(
    path: Path, name: str, options: dict[str, Any], fids: Sequence[int] | None
) -> tuple[Any, Built | None, Any]:
    """As :func:`_columnar`, for text that Arrow cannot hand over, and for rows asked for by number."""
    import pyogrio

    with warnings.catch_warnings():
        if fids is not None:
            warnings.simplefilter("ignore")  # what is wrong with the file is said by the caller
        options = {**options, "fids": fids}
        table = rows_of(path, name, read_geometry=False, **options)
        meta, _, wkb, _ = pyogrio.raw.read(path, layer=name, **{**options, "columns": []})
    return table, None if wkb is None else shapes_from_wkb(wkb), meta["crs"]


def _beside(path: Path, suffix: str) -> bool:
    return path.with_suffix(suffix).is_file() or path.with_suffix(suffix.upper()).is_file()


def _decoded(frame: gpd.GeoDataFrame, encoding: str) -> gpd.GeoDataFrame:
    """Latin-1 text, which is bytes one to one, as text of ``encoding``; half characters at the end left out."""
    import pandas as pd

    def text(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        try:
            raw = value.encode("latin-1")
        except UnicodeEncodeError:  # the driver has decoded it
            return value
        return decode(raw, encoding)[0].lstrip("\ufeff")

    decoded = [text(str(name)) if name != "geometry" else name for name in frame.columns]
    for number, kind in enumerate(frame.dtypes):  # by place: names may be equal, whole or in what is left of them
        if isinstance(kind, pd.StringDtype | np.dtypes.ObjectDType):
            cells = [text(value) for value in frame.iloc[:, number]]
            frame.isetitem(number, pd.Series(cells, index=frame.index, dtype="str"))
    frame.columns = pd.Index(decoded)
    return frame


_SAID_OF_SHAPES = ("curves_approximated", "surfaces_flattened", "unreadable_geometry")


def _all_promised_rows(
    path: Path, name: str, frame: gpd.GeoDataFrame, options: Mapping[str, Any], reading: Reading
) -> gpd.GeoDataFrame:
    """The frame, or all its rows that can be read one by one: a damaged database stops early without an error.

    Its own count tells; what is still missing is said.
    """
    promised = max(_info(path, name, options.get("encoding", ""))["features"], _rows_of_text(path))
    if promised < 0 or len(frame) in (promised, promised - reading.facts.get("rows_deleted", 0)):
        return frame
    rows = readable_rows(path, name, promised)
    if len(rows) > len(frame):
        reading.findings = [f for f in reading.findings if f.code not in _SAID_OF_SHAPES]
        frame = _bulk(path, name, dict(options), reading, fids=rows)
        reading.facts["rows_salvaged"] = len(rows)
    span = range(rows[0], rows[0] + promised) if rows else range(0)
    lost = sorted(set(span) - set(rows)) if len(frame) == len(rows) else []
    reading.say(
        "error", "rows_missing", path,
        f"文件登记有 {promised:,} 个要素，只读出 {len(frame):,} 个，其余已损坏，没有读入；请让提供单位重新导出。",
        f"The file lists {promised:,} features but only {len(frame):,} could be read; the rest is damaged. Export it "
        "again.",
        features=[FeatureRef(value=f"FID {number}") for number in lost],
    )  # fmt: skip
    return frame


def _rows_of_text(path: Path) -> int:
    """How many rows the lines of a text format promise, whose drivers skip what they cannot parse; else -1."""
    suffix = path.suffix.lower()
    if suffix == ".mif":
        path = next((p for p in (path.with_suffix(".mid"), path.with_suffix(".MID")) if p.is_file()), path)
    if path.suffix.lower() not in (".geojsonl", ".geojsons", ".mid"):
        return -1
    with path.open("rb") as stream:
        if b"\x1e" in stream.read(4):  # each feature begins with this mark and may take several lines
            stream.seek(0)
            return sum(line.count(b"\x1e") for line in stream)
        stream.seek(0)
        return sum(1 for line in stream if line.strip(b"\xef\xbb\xbf \t\r\n"))


def _info(path: Path, name: str, encoding: str) -> dict[str, Any]:
    """What the driver knows of a layer; its warnings are heard when the rows are read."""
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(pyogrio.read_info(path, layer=name, **({"encoding": encoding} if encoding else {})))


def _named_once(frame: gpd.GeoDataFrame, path: Path, reading: Reading) -> gpd.GeoDataFrame:
    """Columns of one name (a Shapefile cuts names to ten bytes) get “_2”, “_3”; said, not silent."""
    names: list[str] = []
    for name in map(str, frame.columns):
        number, new = 2, name
        while new in names:
            new, number = f"{name}_{number}", number + 1
        names.append(new)
    changed = [new for old, new in zip(map(str, frame.columns), names, strict=True) if old != new]
    if changed:
        frame.columns = names
        reading.say(
            "warning", "same_column_names", path,
            f"列名重复（Shapefile 只保留 10 个字节），后出现的改称：{'、'.join(changed)}。",
            f"Columns share a name (Shapefiles keep ten bytes); the later are called {', '.join(changed)}.",
        )  # fmt: skip
    return frame


def layers_in(path: Path, layer: str = "") -> list[str]:
    """Names of the layers in a vector file, opened as reading it would. Raises FileError if it cannot be opened."""
    card = Card.model_validate({"source": {"path": path.name, "layer": layer or "communities"}})
    with temporary_folder() as scratch:
        return _layer_names(_opened(path, Reading(card, scratch)).path, path, layer)


def _layer_names(source: Path, path: Path, layer: str) -> list[str]:
    """The layers of ``source``, by which ``path`` is opened."""
    import pyogrio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever it is, reading the layer says it again, and is heard there
            names = [str(row[0]) for row in pyogrio.list_layers(source)]
    except pyogrio.errors.DataSourceError as error:
        raise unreadable(path, layer or path.stem, error) from None
    return names


def _pick_layer(names: list[str], card: Card, path: Path) -> str:
    wanted = card.source.layer_name
    if wanted in names:
        return wanted
    if len(names) == 1 and wanted in ("", "*", path.name, path.stem):
        return names[0]
    if not wanted and card.source.layer in names:
        return card.source.layer
    if not names:
        raise unreadable(path, card.source.layer, Text("其中没有任何图层", "it holds no layer"))
    listed = ", ".join(names)
    raise FileError(
        f"图层 {card.source.layer}：{path.name} 中"
        + (f"没有名为 {wanted} 的图层" if wanted else '有多个图层，请在来源卡写明 layer_name（全部合并写 "*"）')
        + f"；现有：{listed}。",
        f"Layer {card.source.layer}: {path.name} "
        + (
            f"has no layer {wanted}"
            if wanted
            else 'holds several layers; name one as layer_name in the card ("*": all)'
        )
        + f"; found: {listed}.",
    )


def read_parquet_file(path: Path, reading: Reading) -> gpd.GeoDataFrame:
    """A GeoParquet or plain Parquet file; its geometry column is called ``geometry``."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        stated = json.loads((schema.metadata or {}).get(b"geo", b"{}"))
        shapes = [name for name in schema.names if name in stated.get("columns", {})]
        frame: Any = frame_of(pq.read_table(path, columns=[n for n in schema.names if n not in shapes]))
        frame = frame.reset_index(drop=not frame.index.name)
        return _parquet_shapes(frame, path, stated, reading) if shapes else frame
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise unreadable(path, reading.layer, error) from None


def _parquet_shapes(frame: pd.DataFrame, path: Path, stated: Mapping[str, Any], reading: Reading) -> gpd.GeoDataFrame:
    """The rows of a GeoParquet file with their shapes."""
    import geopandas as gpd

    name = stated["primary_column"]
    try:
        with np.errstate(invalid="ignore"):
            column = gpd.read_parquet(path, columns=[name]).geometry
    except Exception as error:
        # GEOS refuses one impossible ring and with it the whole file, shapely one arc; any other is a fault of ours.
        if type(error).__name__ not in ("GEOSException", "NotImplementedError"):
            raise
        return _parquet_shape_by_shape(frame, path, stated, reading)
    return gpd.GeoDataFrame(frame, geometry=column.to_numpy(), crs=column.crs)


def _parquet_shape_by_shape(
    frame: pd.DataFrame, path: Path, stated: Mapping[str, Any], reading: Reading
) -> gpd.GeoDataFrame:
    """A GeoParquet file in which some shapes are arcs or cannot be built: its rows all the same."""
    import pyarrow.parquet as pq

    name = stated["primary_column"]
    built = _shapes(pq.read_table(path, columns=[name]).column(name).combine_chunks())
    crs = stated["columns"][name].get("crs", "OGC:CRS84")
    return _with_shapes(frame, built, crs, path, reading)


# Beyond this many rows asking for each takes minutes; such a file is exported again.
MOST_ROWS = 200_000


def readable_rows(path: Path, layer: str, promised: int) -> list[int]:
    """The feature ids, ascending, that can be read one by one; none if the file has more than ``MOST_ROWS`` rows.

    ``promised`` is how many rows the file lists. Ids are tried from 0 up to twice that, as deleted rows leave
    gaps. O(rows), some 30,000 a second.
    """
    import fiona
    from fiona.errors import FionaError

    found: list[int] = []
    if promised > MOST_ROWS:
        return found
    log = logging.getLogger("fiona")
    level = log.level
    log.setLevel(logging.CRITICAL)  # every row that cannot be read is counted by the caller
    try:
        with warnings.catch_warnings(), fiona.open(path, layer=layer) as source:
            warnings.simplefilter("ignore")
            for number in range(2 * promised + 2):
                try:  # names that are no UTF-8 end in a SystemError, for fiona's log cannot hold them
                    found += [number] if source.get(number) is not None else []
                except (FionaError, OSError, RuntimeError, ValueError, KeyError, UnicodeError, SystemError):
                    continue
                if len(found) == promised:
                    break
    except (FionaError, OSError, RuntimeError, ValueError, TypeError, SystemError):
        return found
    finally:
        log.setLevel(level)
    return found
