"""A file's own numbers of features, which repeat where tiles have cut the features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gis_renovation.config import toml_inline
from gis_renovation.words import Text

if TYPE_CHECKING:
    import pandas as pd

# What software and agencies call the number of a feature.
SOURCE_IDS = ("id", "osm_id", "fid", "objectid", "gid", "uid", "uuid", "globalid", "标识码", "编号", "bsm")


def repeated_source_ids(rows: pd.DataFrame, key: str, taken: object) -> Iterator[tuple[Text, pd.Index]]:
    """Columns of numbers that repeat, where another column (``taken``) or the program gives the layer's ``key``.

    Files put together from tiles have a feature once for each tile it reaches into: counted, it is several. What to
    say of each column, and the rows that share a number. O(rows).
    """
    for column in map(str, rows.columns):
        if column.strip().lower() not in SOURCE_IDS or column == taken:
            continue
        known = rows[column].dropna()
        again = known[known.duplicated(keep=False)]
        # A number of few values for many rows is none of features.
        if not len(again) or known.nunique() < len(known) / 2:
            continue
        line, numbers, count = toml_inline({"from": column}), f"{known.nunique():,}", f"{len(known):,}"
        yield (
            Text(
                f"列“{column}”有 {numbers} 个号，却有 {count} 行：同一要素可能因分幅被切成几块，会多算。"
                f"确是几块的，请在来源卡写 [columns] {key} = {line} 和 [repair] merge_pieces = true。",
                f"Column {column!r} has {numbers} numbers in {count} rows: features may have been cut at the edges of "
                f"tiles and would be counted more than once. If so, write [columns] {key} = {line} and [repair] "
                "merge_pieces = true in the card.",
            ),
            again.index,
        )
