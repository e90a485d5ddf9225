"""The contract between the program and the page's scripts: every record that stands on a page as data.

What a script of ``assets/page`` reads is named here, and what is named here is read; a test parses the
scripts and holds both against each other. A field that may be missing is absent from the JSON, not null.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Cell = str | int | float | bool | None
Kind = Literal["point", "line", "polygon"]

# Whole microdegrees, each vertex a step from the one before: a flat list for a point or a single ring,
# lists of parts for lines, lists of rings in lists of polygons for areas.
Steps = list[int]
Outline = Steps | list[Steps] | list[list[Steps]]


class SymbolBlock(TypedDict):
    """How one class is drawn: the fields of :class:`gis_renovation.display.Symbol`, and a point's picture."""

    fill: str
    fill_opacity: float
    stroke: str
    stroke_opacity: float
    width: float
    dash: list[float]
    shape: str
    size: float
    glyph: str
    markup: str


class MonthlyBlock(TypedDict):
    """A column at every month's end: each value once, and per month the place of every row's (-1: none)."""

    values: list[Cell]
    rows: list[list[int]]


class ColumnHead(TypedDict):
    """What is said of a column: its name, its label and how its values become words."""

    name: str
    label: str
    money: NotRequired[bool]
    plain: NotRequired[bool]
    share: NotRequired[bool]
    unit: NotRequired[str]
    labels: NotRequired[dict[str, str]]


class ColumnBlock(ColumnHead):
    """One column: values by row, or where texts repeat themselves their places in ``dict``; null is unknown."""

    # Rows whose number is approximate, by row as a text; and the column that says so itself.
    about: NotRequired[dict[str, int]]
    marks: NotRequired[bool]
    monthly: NotRequired[MonthlyBlock]
    data: list[Cell]
    dict: NotRequired[list[str]]


class RelatedBlock(TypedDict):
    """A table on the cards of a layer: its columns, and for every feature its rows."""

    name: str
    label: str
    single: bool
    columns: list[ColumnBlock]
    rows_of: list[list[int]]
    # The same by id, for a layer whose features come from tiles.
    rows_by_id: NotRequired[dict[str, list[int]]]


class RatesBlock(TypedDict):
    """Columns a reader may colour a layer by, and the breaks between their classes."""

    columns: list[str]
    breaks: list[float]


class SchemesBlock(TypedDict):
    """Schemes a reader may choose one of: their titles, the place of every feature's, and the one shown."""

    titles: list[str]
    rows: list[int]
    at: int


class MonthsBlock(TypedDict):
    """The class of every feature at every month's end."""

    labels: list[str]
    class_labels: list[str]
    cls: list[list[int]]


class TilesBlock(TypedDict):
    """Where the tiles of a layer lie, and how many features each of them holds."""

    zoom: int
    street_zoom: int
    features: int
    counts: dict[str, int]
    bytes: int
    folder: str
    file: str
    part_bytes: int
    searched: bool


class ClassBlock(TypedDict):
    """The classes of a layer: codes, names (none where the layer is its only class) and signs."""

    classes: list[str | None]
    class_labels: list[str]
    symbols: list[SymbolBlock]


class ChoiceBlock(TypedDict):
    """What some layers have: shapes of several kinds, rates to choose, schemes to choose one of."""

    kinds: NotRequired[list[Kind]]
    rates: NotRequired[RatesBlock]
    schemes: NotRequired[SchemesBlock]


class LayerHead(ClassBlock):
    """A layer's features: ids, shapes, classes, columns and the tables that speak of them, all by row."""

    name: str
    source: str
    # The table and column that a view shows on the shapes of ``source``.
    view: list[str] | None
    label: str
    key_label: str
    count: int
    without_shape: int
    simplified: bool
    ids: list[str]
    origin: list[int]
    kind: Kind | Literal["mixed"]
    geometry: list[Outline]
    cls: list[int]
    columns: list[ColumnBlock]
    # The place of the column with the name, if any.
    title: int | None
    related: list[RelatedBlock]


class LabelBlock(TypedDict):
    """Names on the map: from which column, where, from and up to which zoom, how large and before which others."""

    label_column: int | None
    label_steps: Steps
    label_zoom: float
    label_end_zoom: float
    label_class: str
    label_size: int
    label_rank: int


class LayerBlock(LayerHead, ChoiceBlock, LabelBlock):
    """One layer of a page."""

    months: NotRequired[MonthsBlock]
    # The place of every feature's county in the settings, -1 where none is known.
    county: NotRequired[list[int]]
    # The attribute that holds the id, in tiles.
    key: NotRequired[str]
    tiles: NotRequired[TilesBlock]
    # The layer whose counts these are, and the zoom from which on its shapes stand for them.
    units_of: NotRequired[str]
    end_zoom: NotRequired[int]


class NamesBlock(TypedDict):
    """Names of the features of a layer of tiles, and where they lie on the grid, each a step from the one before."""

    ids: list[str]
    texts: list[str]
    spots: list[int]


class SearchBlock(TypedDict):
    """Layers that can be searched, and how names become the initials of their pinyin."""

    layers: list[str]
    starts: list[tuple[int, str]]
    rare: list[str]
    several: dict[str, str]


class CountyBlock(TypedDict):
    """A county to choose: south-west and north-east in degrees; a number of communities that is unknown is null."""

    code: str
    name: str
    bounds: list[list[float]]
    count: int | None


class BasemapBlock(TypedDict):
    """A basemap to choose."""

    id: str
    name: str
    url: str
    labels: str
    gcj02: bool
    attribution: str
    note: str
    subdomains: list[str]
    max_zoom: int
    exportable: bool


class SheetBlock(TypedDict):
    """What a printed sheet says beside the map."""

    title: str
    as_of: str
    number: str
    source: str
    synthetic: str
    file: str


class PhotoBlock(TypedDict):
    """A picture on a card: a path beside the page, or a data URI."""

    src: str
    width: int
    height: int
    alt: str
    caption: str


class SettingsBlock(TypedDict):
    """The page as a whole; layers are named in the order in which they are drawn."""

    ui: dict[str, str]
    order: list[str]
    dense: list[str]
    labels: dict[str, str]
    min_zoom: dict[str, float]
    end_zoom: dict[str, int]
    # Layers of tiles, each with the layer of its counts.
    units: dict[str, str]
    bubble_layer: str | None
    bounds: list[list[float]]
    attribution: str
    as_of: str
    sheet: SheetBlock
    number: str
    basemaps: list[BasemapBlock]
    months: list[str]
    counties: list[CountyBlock]
