"""What a page says of itself as a whole, as its scripts read it: settings, and how its names are searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import numpy as np

from gis_renovation.display import layer_style, safe
from gis_renovation.maps.contents import PageContents
from gis_renovation.maps.encoding import DETAIL_LIMIT, DISPLAY_CRS, LayerBlock, SearchBlock, SettingsBlock
from gis_renovation.maps.page_facts import PageFacts, number_line, sheet_facts
from gis_renovation.maps.texts import WORDS


def settings_block(contents: PageContents, facts: PageFacts) -> SettingsBlock:
    """Everything that concerns more than one layer. Attributions are markup for the map library: escaped here."""
    blocks = contents.blocks
    tiled = {block["name"]: block["tiles"]["street_zoom"] for block in blocks if "tiles" in block}
    return {
        "ui": {key: text.in_language(facts.lang) for key, text in WORDS.items()},
        "order": [block["name"] for block in blocks],
        "dense": dense_layers(blocks),
        "labels": {block["name"]: block["label"] for block in blocks},
        "min_zoom": {block["name"]: layer_style(block["name"]).min_zoom for block in blocks} | tiled,
        "end_zoom": {block["name"]: block["end_zoom"] for block in blocks if "end_zoom" in block},
        "units": {block["units_of"]: block["name"] for block in blocks if "units_of" in block},
        "bubble_layer": next((b["name"] for b in blocks if layer_style(b["name"]).bubbles), None),
        "bounds": opening_bounds(contents.drawn),
        "attribution": safe(facts.attribution),
        "as_of": facts.as_of.isoformat() if facts.as_of else "",
        "sheet": sheet_facts(facts),
        "number": safe(number_line(facts)),
        "basemaps": facts.basemaps.sources,
        "months": contents.months,
        "counties": contents.counties,
    }


def dense_layers(blocks: Sequence[LayerBlock]) -> list[str]:
    """Layers painted on tiles: those of more than 2,000 shapes, and every area or line that lies below one.

    Painted layers lie under all separate shapes, so one that belongs below a painted layer must be
    painted itself. ``blocks`` are in drawing order.
    """
    large = [at for at, b in enumerate(blocks) if "tiles" in b or len(b["ids"]) > DETAIL_LIMIT]
    return [
        block["name"]
        for at, block in enumerate(blocks)
        if "tiles" not in block and (at in large or (large and at < large[-1] and block["kind"] in {"polygon", "line"}))
    ]


def opening_bounds(drawn: Mapping[str, gpd.GeoDataFrame]) -> list[list[float]]:
    """What the map shows first: the communities, else everything; south-west and north-east in degrees."""
    name = next((n for n in ("communities", "zones", "idle_parcels") if n in drawn), None)
    frames = [drawn[name]] if name else list(drawn.values())
    boxes = [frame.geometry.to_crs(DISPLAY_CRS).total_bounds for frame in frames]
    left, bottom = np.nanmin([box[:2] for box in boxes], axis=0)
    right, top = np.nanmax([box[2:] for box in boxes], axis=0)
    # A single point has no extent; about 300 m around it shows where it is.
    margin = max(0.0, 0.003 - max(right - left, top - bottom)) / 2
    return [
        [round(float(v), 6) for v in corner]
        for corner in ((bottom - margin, left - margin), (top + margin, right + margin))
    ]


# --- search ---------------------------------------------------------------------------------------

# Layers whose names can be searched, the most asked for first.
SEARCHED = (
    "communities",
    "zones",
    "parks",
    "facilities",
    "streets",
    "reporting_units",
    "idle_premises",
    "idle_parcels",
)


# Where the initials of pinyin change in the first level of GB 2312, whose 3,755 characters stand in
# the order of their pinyin (GB/T 2312-1980, rows 16 to 55), and rarer characters (ordered by radical
# there) that are common in names of places and estates. The page's script reads both.
PINYIN_STARTS: tuple[tuple[int, str], ...] = (
    (0xB0A1, "a"), (0xB0C5, "b"), (0xB2C1, "c"), (0xB4EE, "d"), (0xB6EA, "e"), (0xB7A2, "f"), (0xB8C1, "g"),
    (0xB9FE, "h"), (0xBBF7, "j"), (0xBFA6, "k"), (0xC0AC, "l"), (0xC2E8, "m"), (0xC4C3, "n"), (0xC5B6, "o"),
    (0xC5BE, "p"), (0xC6DA, "q"), (0xC8BB, "r"), (0xC8F6, "s"), (0xCBFA, "t"), (0xCDDA, "w"), (0xCEF4, "x"),
    (0xD1B9, "y"), (0xD4D1, "z"), (0xD7FA, ""),
)  # fmt: skip
PINYIN_RARE = (
    (
        "庵馨邸泗濠淝颍濉亳圩瑾翡榭茗楠桦梓槿曦珑玺昊晟鑫淼泮畲垸昱晖煜烨琦瑜璐珂珀璞琪恺岚嵘崂岷岱泓洹淇湄溧"
        "潋瀛灏鹭麒麟骐馥芷荟菀蓓蕙榕桢桉棣禧祺祯邺邳郢隽霁雯颢飒熠昕昶晗暄曜钰铖懿翎翊羿胤婺绮绫缤炜焱璋琨琬"
        "琰璨瑗瑛珩玮珉阆闵阙邕邗邛鄄鄞郦沅沣沭洮洵浔涞湟湫溱滹漯澧濮嵊嵩峄岐崆萃葳茉苒莘芮苡茜菁萱楹榉橄橼鹂"
    ),
    (
        "axdshfysbwjfxmnhzjxlxhsxmpsyyhyyqylkppqklrlmdhhqmllyhlqlqfzhwbhrzadxqzypyjjwhsyxchxyycylyyywqlbwyzkw"
        "ycyyhwmlmqyhqjylyfstxxlhqqhllpssyqkcwmrxryqjxyjgyl"
    ),
)

# Characters whose readings begin with different letters, by these letters: 重庆 is cq or zq to those who type it.
PINYIN_SEVERAL = {
    "ae": "阿", "aw": "凹", "ay": "艾", "bf": "佛", "bm": "泌秘", "bp": "堡埔泊辟扁便屏瀑曝刨炮暴",
    "cd": "澄坻", "cds": "单", "cj": "车", "cq": "仇", "cs": "盛晟乘匙伺", "cx": "畜臭", "cy": "涌",
    "cz": "重长朝藏查曾传种侧颤枞嘲攒", "ds": "石", "dt": "弹调提囤侗峒驮", "dz": "丁翟", "ew": "恶",
    "fp": "番冯繁否脯", "gh": "合红桧蛤", "gj": "夹贾给颈柜句", "gjq": "龟", "gk": "括亢", "gy": "谷",
    "gyz": "轧", "hj": "虹", "hk": "会咳吭溃阚", "hx": "浒", "jl": "靓", "jq": "奇期圈强将茄犍",
    "jx": "解校见降系浚", "jy": "筠", "kq": "壳卡", "ln": "弄", "ls": "率泷", "ly": "乐栎", "mn": "乜",
    "ms": "渑", "mw": "蔓万", "ns": "尿", "nz": "粘", "oq": "区", "qtx": "覃", "qx": "纤栖蹊荨", "qy": "铅",
    "st": "汤", "sy": "蛇食俞", "tz": "屯", "wx": "圩", "wy": "尉蔚尾遗", "xh": "行巷戏吓", "xs": "厦省宿莘歙",
    "xy": "叶荥邪", "zs": "峙殖召折术属识氏栅",
}  # fmt: skip


def search_index(blocks: Iterable[LayerBlock]) -> SearchBlock:
    """Which layers can be searched, the most asked for first, and how names become initials (lhxc)."""
    present = {block["name"] for block in blocks}
    return {
        "layers": [name for name in SEARCHED if name in present],
        "starts": list(PINYIN_STARTS),
        "rare": list(PINYIN_RARE),
        "several": dict(PINYIN_SEVERAL),
    }
