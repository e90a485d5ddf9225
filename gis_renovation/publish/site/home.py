"""Overview, open data and about: the pages of the site that speak of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from gis_renovation.display import safe
from gis_renovation.maps import Download, file_size
from gis_renovation.maps.encoding import layer_label, row_id
from gis_renovation.progress import PLAN_BATCHES, STATE_ORDER
from gis_renovation.publish.site.facts import (
    ABOUT,
    COMMUNITIES,
    DATA,
    HOME,
    MAP,
    STEPS,
    ZONES,
    Site,
    column_of,
    feature_names,
    h2,
    has,
    how_to_ask,
    month_before,
    page_paths,
    percent,
    photos_html,
    say,
    share_bar,
    state_label,
    states_on,
    with_navigation,
)
from gis_renovation.publish.site.figures import county_figure, drawn_units
from gis_renovation.publish.site.frame import (
    cell,
    encoded_columns,
    head_cell,
    page_html,
    table_html,
)
from gis_renovation.publish.site.frame import (
    say as frame_say,
)
from gis_renovation.publish.site.places import community_pages, zone_pages
from gis_renovation.publish.site.sources import LayerSource, source_cells
from gis_renovation.schemas import APPROXIMATE, Field, layer_schemas
from gis_renovation.unknowns import ABOUT_MEANS
from gis_renovation.words import Lang, Text, unit_text

_METHOD: tuple[Text, ...] = (
    Text(
        "开工率、完工率的分母是已下达的年度计划，不含储备；一个小区无论有几个项目只算一次。",
        "Rates are of the issued plan, without the reserve list; a community counts once, whatever its projects.",
    ),
    Text(
        "任一项目开工，小区即为已开工；所有项目都完工，小区才算完工。",
        "A community has started when any of its projects has, and is completed only when all of them are.",
    ),
    Text(
        "状态取截至数据日期最近一次填报；同日两条不一致时取进度较低者。",
        "The state is that of the latest record up to the date; of two records of one day the less advanced counts.",
    ),
    Text(
        "“未知”表示尚无资料，既不是零，也不是“否”。",
        "“Unknown” means no information: neither zero nor no.",
    ),
)
_LEFT_OUT: tuple[Text, ...] = (
    Text(
        "管线的位置、埋深、阀门，高程和地形：涉及公共安全和测绘成果保密。",
        "Pipes with their places, depths and valves, heights and terrain: public safety and the secrecy of surveys.",
    ),
    Text(
        "宗地、产权人、合同和资金明细：涉及商业秘密和工作秘密。",
        "Parcels, holders, contracts and money in detail: business secrets and work in progress.",
    ),
    Text(
        "联系人、门牌和户级数据：个人信息。",
        "Contacts, house numbers and anything of single households: personal data.",
    ),
)
_ACCESS = Text(
    "除交互地图外，各页不依赖脚本，可用键盘和读屏软件阅读；地图上的内容在小区、片区和开放数据页都有对应的表格。右上角“大字”可放大文字。",
    "All pages but the map work without a script, by keyboard and with a screen reader; what the map shows is also in "
    "tables on the pages of communities, zones and open data. “Large type” is at the top right.",
)


def site_pages(site: Site) -> dict[str, str]:
    """Every page of the site but the map: path -> HTML. The same site gives the same bytes. O(pages x cells)."""
    site = with_navigation(site)
    pages = {HOME: _home(site), DATA: _data(site), ABOUT: _about(site)}
    if has(site, "communities"):
        pages |= community_pages(site)
    if has(site, "zones"):
        pages |= zone_pages(site)
    return pages


# --- overview -------------------------------------------------------------------------------------


def _home(site: Site) -> str:
    lang = site.facts.lang
    dated = frame_say("as_of", lang, date=site.facts.as_of.isoformat())
    lead = f'<p class="lead">{safe(dated)}{" " if lang == "en" else ""}{safe(say("lead", lang))}</p>\n'
    to_map = f'<p><a class="go" href="{MAP}">{safe(say("to_map", lang))}</a></p>\n'
    body = "".join(
        [
            lead,
            _headline(site),
            to_map,
            _stages(site),
            _photos(site),
            _units(site),
            _targets(site),
            _changes(site),
            _lists(site),
            how_to_ask(site),
        ]
    )
    heading = say("heading", lang, year=site.facts.as_of.year, month=site.facts.as_of.month)
    return page_html(
        site.facts, path=HOME, title=site.facts.title, heading=heading, body=body, description=say("lead", lang)
    )


def _top_units(site: Site) -> pd.DataFrame | None:
    """Reporting units that add up to the whole: a subdistrict is counted in its county already."""
    frame = site.frames.get("unit_progress")
    if frame is None or len(frame) == 0:
        return None
    return frame[frame["level"].ne("subdistrict").fillna(value=True)] if "level" in frame.columns else frame


def _sum(frame: pd.DataFrame, column: str) -> float | None:
    """The sum of a column, None if a part is missing or withheld: a sum would give it back."""
    if column not in frame.columns:
        return None
    numbers = pd.to_numeric(frame[column], errors="coerce")
    return None if numbers.isna().any() else float(numbers.sum())


def _headline(site: Site) -> str:
    """Four numbers everybody asks for; what cannot be summed is left out."""
    frame, lang = _top_units(site), site.facts.lang
    if frame is None:
        return ""
    planned = _sum(frame, "community_count")
    items = []
    for key, column in (
        ("planned", "community_count"),
        ("started", "started_count"),
        ("completed", "completed_count"),
        ("households", "households"),
    ):
        number = _sum(frame, column)
        if number is None:
            continue
        share = percent(number / planned) if key in {"started", "completed"} and planned else ""
        note = f" <small>{safe(say('of_planned', lang, share=share))}</small>" if share else ""
        items.append(f"<div><dt>{safe(say(key, lang))}</dt><dd>{number:,.0f}{note}</dd></div>")
    return f'<dl class="figures">{"".join(items)}</dl>\n' if items else ""


def _stages(site: Site) -> str:
    """How many planned communities stand at which of the five steps: a bar, and the same as a list."""
    lang, frame = site.facts.lang, site.frames.get("communities")
    states = column_of(site, "community_progress", "state")
    if frame is None or len(states) == 0:
        return ""
    batched = "plan_batch" in frame.columns and bool(frame["plan_batch"].notna().any())
    planned = frame.index[frame["plan_batch"].isin(PLAN_BATCHES)] if batched else frame.index
    marks = [STATE_ORDER.index(first) for first, _ in STEPS]
    ranks = [STATE_ORDER.index(states[key]) if states.get(key) in STATE_ORDER else None for key in planned]
    steps = [sum(rank is not None and rank >= mark for mark in marks) if rank is not None else -1 for rank in ranks]
    labels = [
        *((at, STEPS[at - 1][1].in_language(lang)) for at in range(len(STEPS), 0, -1)),
        (0, say("not_listed", lang)),
        (-1, say("stage_unknown", lang)),
    ]
    shown = [(at, label, steps.count(at)) for at, label in labels if at > 0 or steps.count(at)]
    bars, left = [], 0
    for at, _, count in shown:
        bars.append(f'<rect class="s{max(at, 0)}" x="{left}" width="{count}" height="10"/>')
        left += count
    items = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="s{max(at, 0)}" width="10" height="10"/></svg>'
        f"{safe(label)} <b>{safe(say('stage_count', lang, n=count))}</b></li>"
        for at, label, count in shown
    )
    bar = f'<svg class="stages-bar" viewBox="0 0 {max(left, 1)} 10" preserveAspectRatio="none" aria-hidden="true">'
    lead = safe(say("stages_lead" if batched else "stages_lead_all", lang, n=f"{len(steps):,}"))
    return f'{h2("stages", lang)}<p>{lead}</p>\n{bar}{"".join(bars)}</svg>\n<ul class="stages">{items}</ul>\n'


# Pairs of photos on the front page; more would push what people look for out of sight.
_FRONT_PAIRS = 2


def _photos(site: Site) -> str:
    """The first communities that have a photo from before and one from after."""
    names = feature_names(site, "communities") if has(site, "communities") else {}
    called = {row_id(key): name for key, name in names.items()}
    paths = page_paths(site.frames["communities"].index, "communities") if names else {}
    pairs = []
    for place, own in site.photos.items():
        pair = [next((photo for photo in own if photo["stage"] == stage), None) for stage in ("before", "after")]
        if all(pair):
            pairs.append((place, [photo for photo in pair if photo]))
    parts = [
        f'<div><h3><a href="{safe(paths[place])}">{safe(called[place])}</a></h3>\n{photos_html(pair, "")}</div>'
        for place, pair in pairs[:_FRONT_PAIRS]
    ]
    return f'{h2("photos", site.facts.lang)}<div class="pairs">{"".join(parts)}</div>\n' if parts else ""


def _units(site: Site) -> str:
    frame, lang = site.shown.get("unit_progress"), site.facts.lang
    if frame is None or len(frame) == 0:
        return ""
    columns = encoded_columns(
        "unit_progress", frame, ("community_count", "started_count", "completed_count", "households"), lang
    )
    names = feature_names(site, "unit_progress")
    bars = [(c, css) for c, css in (("started_share", "began"), ("completed_share", "done")) if c in frame.columns]
    fields = layer_schemas()["unit_progress"].fields
    numbers = {key: at for at, key in enumerate(drawn_units(site.frames, "completed_share").index, start=1)}
    rows = [
        [
            head_cell(f"{numbers[key]} {names[key]}" if key in numbers else names[key]),
            *(_rate(frame[column].iloc[row], css) for column, css in bars),
            *(cell(column, row, lang) for column in columns.values()),
        ]
        for row, key in enumerate(frame.index)
    ]
    heads = [
        say("unit", lang),
        *(fields[column].label.in_language(lang) for column, _ in bars),
        *(column["label"] for column in columns.values()),
    ]
    drawn = county_figure(
        site.frames,
        column="completed_share",
        title=say("unit_map", lang),
        caption=safe(say("shades", lang, number=site.facts.number)),
        lang=lang,
    )
    return h2("units", lang) + table_html(heads, rows, label=say("units", lang)) + drawn


def _rate(share: Any, css: str) -> str:
    said = percent(share)
    return f'<td class="keep">{share_bar(share, css)}{said}</td>' if said else "<td>—</td>"


def _targets(site: Site) -> str:
    """The plan's own totals beside the number of communities on the list."""
    lang = site.facts.lang
    if not site.targets:
        return ""
    frame = site.frames.get("communities")
    batches = frame["plan_batch"] if frame is not None and "plan_batch" in frame.columns else None
    labels = layer_schemas()["communities"].fields["plan_batch"].values
    reached = {word: column_of(site, "community_progress", word) for word in ("started", "completed")}
    rows = []
    for batch in [*(b for b in PLAN_BATCHES if b in site.targets), *sorted(set(site.targets) - set(PLAN_BATCHES))]:
        wanted = site.targets[batch]
        label = labels[batch].in_language(lang) if batch in labels else batch
        listed = "—" if batches is None else f"{int((batches == batch).sum()):,}"
        rows.append(
            [
                head_cell(label),
                _target(wanted.get("communities"), "", lang),
                f'<td class="number">{listed}</td>',
                *(_reached(batches, batch, column) for column in reached.values()),
                _target(wanted.get("households"), "", lang),
                _target(wanted.get("floor_area_m2"), " m²", lang),
            ]
        )
    words = ("batch", "target_communities", "listed", "started", "completed", "target_households", "target_area")
    return h2("targets", lang) + table_html([say(w, lang) for w in words], rows, label=say("targets", lang))


def _reached(batches: pd.Series[Any] | None, batch: str, column: pd.Series[Any]) -> str:
    """How many listed communities of a batch have begun or are completed, and their share of the list."""
    if batches is None or len(column) == 0:
        return "<td>—</td>"
    own = batches.index[batches == batch]
    count = int(column.reindex(own).eq("yes").sum())
    share = f" <small>{percent(count / len(own))}</small>" if len(own) else ""
    return f'<td class="number">{count:,}{share}</td>'


def _target(number: float | None, unit: str, lang: Lang) -> str:
    if number is None:
        return f'<td class="unknown">{safe(say("not_stated", lang))}</td>'
    return f'<td class="number">{number:,.0f}{unit}</td>'


def _changes(site: Site) -> str:
    """What moved since the end of last month, community by community."""
    lang, before_on = site.facts.lang, month_before(site.facts.as_of)
    now, before = states_on(site, site.facts.as_of), states_on(site, before_on)
    if now is None or before is None:
        return ""
    rank = {state: float(at) for at, state in enumerate(STATE_ORDER)}
    ranks = pd.DataFrame({"now": now["state"].map(rank), "before": before["state"].map(rank)}, dtype=float)
    began, done = float(rank["started"]), float(rank["completed"])
    # An unknown state last month may have been anything, so it is no proof of a start.
    groups = {"newly_completed": (ranks["now"] >= done) & (ranks["before"] < done)}
    groups["newly_started"] = (ranks["now"] >= began) & (ranks["before"] < began) & ~groups["newly_completed"]
    same = now["state"].fillna("") == before["state"].fillna("")
    groups["moved"] = ~same & ~groups["newly_completed"] & ~groups["newly_started"]
    shares = now["progress_share"].fillna(-1.0) != before["progress_share"].fillna(-1.0)
    groups["advanced"] = same & shares
    parts = [_change_table(site, key, now[mask], before[mask]) for key, mask in groups.items() if mask.any()]
    head = h2("changes", lang, before=before_on.isoformat())
    return head + ("".join(parts) or f"<p>{safe(say('no_changes', lang))}</p>\n")


def _change_table(site: Site, key: str, now: pd.DataFrame, before: pd.DataFrame) -> str:
    lang = site.facts.lang
    names, paths = feature_names(site, "communities"), page_paths(site.frames["communities"].index, "communities")
    rows = [
        [
            head_cell(names[place], paths[row_id(place)]),
            f"<td>{safe(_state_and_share(before.loc[place], lang))}</td>",
            f"<td>{safe(_state_and_share(now.loc[place], lang))}</td>",
        ]
        for place in now.index
    ]
    title = say(key, lang, n=len(rows))
    heads = [say("name", lang), say("before", lang), say("now", lang)]
    opened = " open" if key.startswith("newly") else ""
    return f"<details{opened}><summary>{safe(title)}</summary>{table_html(heads, rows, label=title)}</details>\n"


def _state_and_share(row: pd.Series[Any], lang: Lang) -> str:
    state = row["state"] if isinstance(row["state"], str) else None
    return f"{state_label(state, lang)} {percent(row['progress_share'])}".strip()


def _lists(site: Site) -> str:
    """Ways on to every place."""
    lang = site.facts.lang
    links = [
        (page, say(word, lang, n=len(site.frames[layer])))
        for page, word, layer in ((COMMUNITIES, "all_communities", "communities"), (ZONES, "all_zones", "zones"))
        if has(site, layer)
    ]
    items = "".join(f'<li><a href="{page}">{safe(text)}</a></li>' for page, text in links)
    return f"{h2('places', lang)}<ul>{items}</ul>\n" if items else ""


# --- open data ------------------------------------------------------------------------------------

_FORMATS: Mapping[str, Text] = {
    "csv": Text("CSV（UTF-8，Excel 可直接打开）", "CSV (UTF-8, opens in a spreadsheet)"),
    "geojson": Text("GeoJSON（经纬度，CGCS2000）", "GeoJSON (longitude and latitude, CGCS2000)"),
    "gpkg": Text("GeoPackage（带样式，QGIS 可直接打开）", "GeoPackage (with styles, opens in QGIS)"),
    "xlsx": Text("Excel 工作簿（附字段说明）", "Excel workbook (with a description of the columns)"),
}


def _data(site: Site) -> str:
    lang = site.facts.lang
    layers = [file.layer for file in site.downloads]
    rows = [
        [
            head_cell(_content(site, layer)),
            f'<td class="number">{_row_count(site, layer)}</td>',
            f"<td>{_links([file for file in site.downloads if file.layer == layer])}</td>",
        ]
        for layer in sorted(
            dict.fromkeys(layers), key=lambda layer: (layer != "", list(site.frames).index(layer) if layer else 0)
        )
    ]
    heads = [say(word, lang) for word in ("content", "row_count", "file")]
    files = table_html(heads, rows, label=say("data", lang)) if rows else ""
    kinds = dict.fromkeys(file.path.rpartition(".")[2] for file in site.downloads)
    formats = _list([_FORMATS[kind].in_language(lang) for kind in sorted(kinds) if kind in _FORMATS])
    columns = "".join(_layer_columns(site, layer) for layer in site.frames)
    body = (
        f'<p class="lead">{safe(say("data_lead", lang, date=site.facts.as_of.isoformat()))}</p>\n{files}{formats}'
        f'<p>{safe(say("verify", lang))} <a href="publish.json">publish.json</a></p>\n'
        f"{h2('licence', lang)}<p>{safe(site.licence or say('no_licence', lang))}</p>\n"
        f"{h2('columns', lang)}{columns}{how_to_ask(site)}"
    )
    return page_html(site.facts, path=DATA, title=say("data", lang), body=body, crumbs=[(HOME, say("home", lang))])


def _links(files: Sequence[Download]) -> str:
    return "<br>".join(
        f'<a href="{safe(file.path)}" download>{safe(file.path.rpartition("/")[2])}</a> '
        f"<small>{file_size(file.size)}</small>"
        for file in files
    )


def _content(site: Site, layer: str) -> str:
    return layer_label(layer, site.facts.lang) if layer else say("everything", site.facts.lang)


def _row_count(site: Site, layer: str) -> str:
    return f"{len(site.frames[layer]):,}" if layer in site.frames else ""


def _layer_columns(site: Site, layer: str) -> str:
    """Every column of one layer: what it means, its unit, its codes."""
    lang, frame, schema = site.facts.lang, site.frames[layer], layer_schemas().get(layer)
    present = [str(c) for c in frame.columns if str(frame[c].dtype) != "geometry"]
    names = [schema.key, *present] if schema and schema.key and schema.key == frame.index.name else present
    rows = []
    for name in names:
        field = schema.fields.get(name) if schema else None
        rows.append(
            [
                f'<th scope="row"><code>{safe(name)}</code></th>',
                f"<td>{safe(field.label.in_language(lang) if field else name)}</td>",
                f"<td>{safe(_unit(field, lang))}</td>",
                f"<td>{safe(_codes(field, lang))}</td>",
            ]
        )
    label = layer_label(layer, lang)
    heads = [say(word, lang) for word in ("column", "meaning", "unit_of", "codes")]
    count = say("rows", lang, n=len(frame))
    table = table_html(heads, rows, label=label)
    return f"<details><summary>{safe(label)} <small>{safe(count)}</small></summary>{table}</details>\n"


def _unit(field: Field | None, lang: Lang) -> str:
    if field is None:
        return ""
    if field.name.endswith("_share") and not field.unit:
        return "0–1"
    return unit_text(field.unit, lang)


def _codes(field: Field | None, lang: Lang) -> str:
    if field is None:
        return ""
    codes = [f"{code} = {label.in_language(lang)}" for code, label in field.values.items()]
    return ("；" if lang == "zh" else "; ").join(text for text in (*codes, field.note.in_language(lang)) if text)


# --- about ----------------------------------------------------------------------------------------


def _about(site: Site) -> str:
    lang = site.facts.lang
    source = site.facts.attribution or say("no_source", lang)
    body = "".join(
        [
            f"{h2('sources', lang)}<p>{safe(source)}</p>\n",
            f"<p>{safe(frame_say('as_of', lang, date=site.facts.as_of.isoformat()))}</p>\n",
            _sources(site),
            h2("method", lang),
            _paragraphs([*(text.in_language(lang) for text in _METHOD), *_remarks(site), *site.notes]),
            h2("map_number", lang),
            _paragraphs([site.facts.number]),
            h2("left_out", lang),
            _list([text.in_language(lang) for text in _LEFT_OUT] + _small_counts(site)),
            h2("access", lang),
            _paragraphs([_ACCESS.in_language(lang)]),
            how_to_ask(site),
        ]
    )
    return page_html(site.facts, path=ABOUT, title=say("about", lang), body=body, crumbs=[(HOME, say("home", lang))])


def _sources(site: Site) -> str:
    """A line a published layer: who provides it, under which licence, of which day; or what it was computed from."""
    lang = site.facts.lang
    rows = []
    for layer in site.frames:
        cells = source_cells(site.sources.get(layer, LayerSource()), lang)
        kinds = [' colspan="3"'] if len(cells) == 1 else ["", "", ' class="keep"']
        rows.append(
            [
                head_cell(layer_label(layer, lang)),
                *(f"<td{kind}>{safe(text)}</td>" for kind, text in zip(kinds, cells, strict=True)),
            ]
        )
    heads = [say(word, lang) for word in ("content", "owner", "licence", "observed")]
    return f"<p>{safe(say('sources_lead', lang))}</p>\n{table_html(heads, rows, label=say('sources', lang))}"


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{safe(text)}</p>\n" for text in texts)


def _list(texts: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{safe(text)}</li>' for text in texts)}</ul>\n"


def _estimates(site: Site) -> list[str]:
    """What “约” means, on a site where it stands somewhere."""
    if not any(APPROXIMATE in frame.columns for frame in site.frames.values()):
        return []
    return [ABOUT_MEANS.in_language(site.facts.lang)]


def _remarks(site: Site) -> list[str]:
    return [*_estimates(site), *_coarse(site)]


def _coarse(site: Site) -> list[str]:
    if not (site.generalise_m or site.grid_m):
        return []
    zh = f"图形概括到 {site.generalise_m:g} m、坐标取整到 {site.grid_m:g} m，仅供了解进度，不作为权属、规划或工程依据。"
    en = (
        f"Shapes are generalised to {site.generalise_m:g} m and coordinates rounded to {site.grid_m:g} m; they show "
        "progress and prove no right, plan or works."
    )
    return [Text(zh, en).in_language(site.facts.lang)]


def _small_counts(site: Site) -> list[str]:
    """The rule of small counts, and how many cells it took; never which value."""
    k, count = site.minimum_count, site.withheld_count
    return [
        Text(
            f"小于 {k} 的户数、人数，以及可由合计反推出它们的数值，写作“不公开”：避免涉及个别住户。本期共 {count} 处。",
            f"Counts of households and people below {k}, and numbers from which totals would give them back, are "
            f"“withheld” so as not to speak of single households: {count} in this edition.",
        ).in_language(site.facts.lang)
    ]
