"""The page's own texts, of its controls and of what its scripts say."""

from __future__ import annotations

from collections.abc import Mapping

from gis_renovation.unknowns import ABOUT
from gis_renovation.words import Lang, Text

WORDS: Mapping[str, Text] = {
    "unknown": Text("未知", "unknown"),
    "about": ABOUT,
    "yes": Text("是", "yes"),
    "no": Text("否", "no"),
    "myriad_yuan": Text("万元", "×10,000 yuan"),
    "zoom_in": Text("放大", "Zoom in"),
    "zoom_out": Text("缩小", "Zoom out"),
    "found": Text("共找到 {n} 处", "{n} found"),
    "not_found": Text("没有找到", "nothing found"),
    "bubble": Text("{n} 个{layer}，放大查看", "{n} {layer}, zoom in"),
    "zoom_to_see": Text("放大后显示", "shown when zoomed in"),
    "in_view": Text("当前视野：{layer} {n} / {all}", "In view: {layer} {n} / {all}"),
    "in_view_none": Text("未打开任何图层", "No layer is switched on"),
    "search": Text("按名称查找", "Search by name"),
    "example": Text("名称、编号或首字母，如 lhxc", "name or number"),
    "layers": Text("图层与图例", "Layers and legend"),
    "layers_short": Text("图层", "Layers"),
    "county": Text("只看一个县区", "Only one county"),
    "county_chosen": Text("县区：{name}", "County: {name}"),
    "all_counties": Text("全部", "all"),
    "community_count": Text("{n} 个小区", "{n} communities"),
    "base": Text("底图", "Basemap"),
    "no_base": Text("无（本项目图层）", "None (own layers)"),
    "base_labels": Text("底图注记", "Labels of the basemap"),
    "check_base": Text("核对偏移", "Check offset"),
    "base_refused": Text(
        "底图“{name}”没有内容：密钥被拒绝或未授权本网站，或网络不通。已改回本项目图层。",
        "The basemap {name} gives nothing: its key is refused or not for this site, or there is no network. "
        "The map is back on the project's own layers.",
    ),
    "labels_refused": Text(
        "底图“{name}”的注记没有内容，已关闭注记。",
        "The labels of the basemap {name} give nothing and are switched off.",
    ),
    "check_first": Text(
        "核对底图位置：先点击本项目图层中的一处（如路口、墙角）；键盘：十字对准后按 Enter。",
        "First point at one thing in the project's layers (a crossing, a corner).",
    ),
    "check_second": Text("再点击同一处在底图上的位置。", "Now point at the same thing in the basemap."),
    "offset": Text("底图偏移 {m} m（东 {east} m，北 {north} m）。", "Offset {m} m ({east} m east, {north} m north). "),
    "offset_none": Text("与本项目图层一致。", "It lies with the project's layers."),
    "offset_gcj": Text(
        '与 GCJ-02 的偏移一致：请在发布配置中把此底图写为 datum = "gcj02"。',
        'This is the shift of GCJ-02: write datum = "gcj02" for this basemap in the profile.',
    ),
    "offset_not_gcj": Text(
        '此底图不是 GCJ-02：请在发布配置中改为 datum = "cgcs2000"。',
        'This basemap is not in GCJ-02: write datum = "cgcs2000" in the profile.',
    ),
    "offset_other": Text(
        "不是已知的坐标偏移：请换一处再核对，或向底图提供方了解其坐标系。",
        "This is no known shift: check at another place, or ask the maker of the basemap.",
    ),
    "scheme": Text("显示的方案", "Scheme shown"),
    "rate": Text("显示的比率", "Rate shown"),
    "pair": Text("两月对比", "Compare months"),
    "pair_from": Text("左", "Left"),
    "pair_to": Text("右", "Right"),
    "pair_line": Text("分界线：左侧为较早月份，右侧为较晚月份", "Dividing line: earlier month left, later month right"),
    "pair_share": Text("左侧占 {share}%", "{share}% left"),
    "pair_changed": Text("{from} 到 {to}：{n} 个小区有变化", "{from} to {to}: {n} communities changed"),
    "pair_end": Text("结束对比", "End"),
    "home": Text("全图", "Whole map"),
    "print": Text("打印出图", "Print"),
    "share": Text("分享", "Share"),
    "paper": Text("纸张", "Paper"),
    "way": Text("方向", "Direction"),
    "lying": Text("横向", "landscape"),
    "standing": Text("纵向", "portrait"),
    "png": Text("存为图片（PNG）", "Save as PNG"),
    "to_printer": Text("打印", "Print"),
    "preview": Text("预览：", "Preview: "),
    "legend": Text("图例", "Legend"),
    "on_sheet": Text("数字为本图范围内的数量", "numbers: within this sheet"),
    "crowd": Text("{layer}个数", "{layer}, number of them"),
    "png_saved": Text("图片已生成，请在下载文件夹查看。", "The picture is in your downloads."),
    "png_refused": Text(
        "浏览器不允许把底图画进图片。请先把底图改为“无”，再出图。",
        "The browser does not let the basemap be drawn into a picture. Set the basemap to none and try again.",
    ),
    "share_link": Text("当前视图的链接", "Link to this view"),
    "share_code": Text("嵌入其他网页的代码", "Code to embed in another page"),
    "share_file": Text(
        "本页从文件打开，链接只在本机有效；发布到网站后再分享。",
        "This page was opened from a file: the link works on this machine only. Publish it, then share.",
    ),
    "copy": Text("复制链接", "Copy link"),
    "copy_code": Text("复制代码", "Copy code"),
    "copied": Text("已复制。", "Copied."),
    "copy_by_hand": Text("已选中，请按 Ctrl+C 复制。", "Selected; press Ctrl+C to copy."),
    "embed_open": Text("打开完整地图", "Open the whole map"),
    "tools": Text("地图工具", "Map tools"),
    "measure": Text("量测距离和面积", "Measure"),
    "full": Text("全屏", "Full screen"),
    "full_refused": Text("浏览器不允许本页全屏显示；可按 F11。", "The browser refuses full screen; try F11."),
    "locate": Text("我的位置", "My position"),
    "locate_waiting": Text("正在取得位置……", "Finding your position …"),
    "locate_found": Text(
        "位置误差约 {m} m；位置只显示在本页，不会发送。", "Within about {m} m; it stays on this page."
    ),
    "locate_refused": Text(
        "没有定位权限。如需定位，请在浏览器地址栏旁允许本页使用位置。",
        "Positioning was refused. To use it, allow this page to know your position beside the address bar.",
    ),
    "locate_failed": Text("未能取得位置，请到开阔处再试。", "Your position could not be found; try again outdoors."),
    "locate_file": Text(
        "从文件打开的网页不能定位；请在发布后的网站（https）上使用。",
        "A page opened from a file cannot know your position; use the published site (https).",
    ),
    "locate_insecure": Text(
        "此网站不是 https，浏览器不提供定位。", "This site is not https, so the browser gives no position."
    ),
    "distance": Text("距离", "Distance"),
    "area": Text("面积", "Area"),
    "around": Text("周长", "perimeter"),
    "mu": Text("亩", "mu"),
    "measure_start": Text(
        "在地图上依次点击；键盘：按 Enter 在十字中心加点。", "Click on the map; by keyboard: Enter at the cross."
    ),
    "measure_more": Text("面积至少需要三个点。", "An area needs three points."),
    "measure_middle": Text("在中心加点", "Add at the cross"),
    "undo": Text("撤销", "Undo"),
    "clear": Text("清除", "Clear"),
    "table": Text("表格", "Table"),
    "table_rows": Text("表格内容", "Rows of the table"),
    "overview": Text("进度总览与数据下载", "Overview and downloads"),
    "own_page": Text("查看详情页", "Its own page"),
    "no_script": Text(
        "交互地图需要浏览器启用 JavaScript；不启用时请查看同一文件夹的表格与总览。",
        "The interactive map needs JavaScript; without it, see the tables and the overview beside this page.",
    ),
    "notice": Text("数据说明", "About the data"),
    "table_layer": Text("图层", "Layer"),
    "month": Text("月份", "Month"),
    "play": Text("播放", "Play"),
    "pause": Text("暂停", "Pause"),
    "filter": Text("筛选", "Filter"),
    "only_view": Text("只列当前视野", "Only what is in view"),
    "rows": Text("第 {from}–{to} 行，共 {n} 行（全部 {all}）", "Rows {from}–{to} of {n} (all: {all})"),
    "rows_none": Text("没有符合条件的行（全部 {all}）", "No row fits (all: {all})"),
    "save_rows": Text("存为 CSV", "Save as CSV"),
    "rows_saved": Text("已存下 {n} 行。", "{n} rows saved."),
    "downloads": Text("数据下载（{n} 个文件）", "Downloads ({n} files)"),
    "all_layers": Text("全部图层", "All layers"),
    "no_downloads": Text(
        "数据下载：本页是单个文件，不附数据文件；需要数据时，请向制图单位索取。",
        "Downloads: this page is a single file and brings no data files; ask its makers for them.",
    ),
    "before": Text("上一页", "Previous"),
    "after": Text("下一页", "Next"),
    "large": Text("大字", "Large type"),
    "as_of": Text("数据截至 {date}", "As of {date}"),
    "synthetic": Text("合成示例数据，非真实", "Synthetic sample data, not real"),
    "synthetic_note": Text("仅供演示与测试，不得用于任何决策", "for demonstration and tests only"),
    "skip": Text("跳到地图", "Skip to the map"),
    "map": Text("地图", "Map"),
    "names": Text("显示名称注记", "Show names on the map"),
    "shown": Text("显示 {drawn} / {all}", "showing {drawn} / {all}"),
    "no_shape": Text("{n} 个没有图形，仅列于表中", "{n} have no shape"),
    "simplified": Text("屏幕图形简化 {m} m，数量不减", "shapes simplified by {m} m on screen, none left out"),
    "number": Text("审图号：", "Map number: "),
    "no_number": Text(
        "内部工作底图，未经地图审核，不得公开", "Internal working map, not reviewed, not for publication"
    ),
    "number_wanted": Text("审图号：尚未取得，公开前须依法送审", "Map number: to be obtained before publication"),
    "north": Text("北", "N"),
    "close": Text("关闭", "Close"),
    "source": Text("来源：", "Source: "),
    "tiles_street": Text("放大到 {z} 级逐个显示", "each shown from zoom {z} on"),
    "tiles_far": Text("显示 {n} / {all}（按 {units} 个区域汇总）", "showing {n} / {all} (as counts of {units} areas)"),
    "tiles_near": Text(
        "显示 {n} / {all}（视野所在图幅），全图共 {total}", "showing {n} / {all} (map sheets in view) of {total}"
    ),
    "tiles_loading": Text("正在读取：{n} / {all}", "reading: {n} / {all}"),
    "tiles_failed": Text(
        "“{layer}”的数据文件没有读到。请确认 {folder} 文件夹与本网页放在一起、已完整复制；"
        "网站须允许访问其中的 .pmtiles 与 .pm.js 文件。",
        "The data files of “{layer}” could not be read. Keep the folder {folder} beside this page, copied whole; "
        "a web server must deliver its .pmtiles and .pm.js files.",
    ),
    "tiles_table": Text(
        "只列视野内的，移动地图列出别处的；共 {all} 个", "lists what is in view: move the map for others; {all} in all"
    ),
    "tiles_zoom_in": Text(
        "放大到 {z} 级后逐个列出；此前见“{units}”", "zoom in to {z} to list each; before that see “{units}”"
    ),
    "tiles_unnamed": Text("名称超过 {n} 个，不参与名称检索", "more than {n} names: not searched by name"),
}


def ui(key: str, lang: Lang, **values: object) -> str:
    """A text of the page itself, its places filled with ``values``."""
    text = WORDS[key].in_language(lang)
    return text.format(**values) if values else text
