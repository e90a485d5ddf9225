"""What the makers go through before a public map leaves: the program's findings, and what people must judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gis_renovation.display import plain_text
from gis_renovation.publish.disclosure import (
    COVERAGE_LIMIT_M2,
    SAME_PLACE_M,
    Carried,
    Displacement,
    Reason,
    Release,
    carried_text,
    spread_text,
)
from gis_renovation.publish.edition import Edition, coverage_m2
from gis_renovation.publish.marker import EditionFacts
from gis_renovation.publish.profile import Profile
from gis_renovation.schemas import layer_schemas


def review_checklist(
    edition: Edition, profile: Profile, facts: EditionFacts, *, number: str, released: Sequence[Release] = ()
) -> str:
    """What the makers go through before the map leaves, as Markdown in Chinese; it stays outside the public folder.

    It states what the program measured and leaves every legal judgement open: no exemption is claimed.
    Of what was withheld it lists ids and reasons, never a number. ``number`` is the sentence on the map number.
    """
    return f"""# 公开前核对表：{facts.title}

数据截至 {facts.as_of.isoformat()}。本表由程序写出，供制图和审核人员逐项核对；程序不代替审核，也不作任何免审判断。

## 程序已核

{_checked(edition, profile.disclosure.minimum_count, profile.geometry.grid_m)}

## 须由人核对

- [ ] 限值 k = {profile.disclosure.minimum_count} 合适：写在 maps/{facts.profile}.toml 的 [disclosure] minimum_count，
  每次发布所用的 k 连同发布人记入 publish-log.jsonl，改动可查。
- [ ] {number}
- [ ] 地图审核：除法定情形外，向社会公开的地图须送审（《地图管理条例》第十五条）；
  主要表现地不超出本市的，由市级自然资源主管部门审核（第十八条）。
- [ ] 县级以上行政区域界线按国家公布的标准画法；改绘界线后不得再沿用标准地图的审图号。
- [ ] 审图号在有效期内（互联网地图两年），新增注记按规定备案；内容变化须重新送审。
{_POSITION}
- [ ] 数据来源与授权：{facts.attribution or "未写明，请补充"}。
{_publisher(profile)}
- [{" " if released else "x"}] 来源卡定级：{_cleared(released, profile.release.approved_by)}
- [{" " if edition.carried else "x"}] {_carried(edition.carried)}
- [ ] 涉密与工作秘密审查、信息公开保密审查已办理（《政府信息公开条例》第十七条）。
- [ ] 个人信息：{_photos(len(edition.photos))}照片中的人脸、车牌、门牌已处理；公示名单已取得同意。
- [ ] 无障碍：小区、片区各页的表格与地图内容一致。
"""


def _checked(edition: Edition, k: int, grid_m: float) -> str:
    """What the program has looked at itself."""
    cover = coverage_m2(edition)
    close = cover >= 0.8 * COVERAGE_LIMIT_M2
    area = f"{cover / 1e6:.2f} km²（限值 {COVERAGE_LIMIT_M2 / 1e6:.0f} km²）"
    listed = [
        f"  - {_layer_label(name)}："
        + "、".join(_column_label(name, column) for column in columns if column != "geometry")
        for name, columns in edition.columns().items()
    ]
    return "\n".join(
        [
            "- [x] 只含允许清单内的图层和列；未定级的一律不出：",
            "\n".join(listed),
            f"- [x] {_withheld(edition.reasons, k)}",
            f"- [x] {_measured(edition.measured, grid_m)}",
            "- [x] 已逐字节查找不得公开的内容，未发现。",
            "- [x] 网页不引用任何外部主机。",
            "- [x] 图片只含画面：拍摄位置、时间、相机、备注、缩略图一律不带。",
            f"- [{' ' if close else 'x'}] 连续成片的详细图形最大面积 {area}"
            + ("：接近或超过限值，须先作保密审查。" if close else "。"),
        ]
    )


def _measured(measured: Mapping[str, Displacement], grid_m: float) -> str:
    """How far the published corners of each layer lie from the data."""
    if not measured:
        return "没有图形公开，无须量测偏差。"
    how = f"角点取在 {grid_m:g} m 格网上，相邻图形仍共用边界" if grid_m else "图形未取格网，按原样公开"
    lines = [
        f"  - {_layer_label(name)}：公开角点 {one.corners:,} 个；到最近的数据角点 {spread_text(one.to_corner).zh}；"
        f"到最近的数据边线 {spread_text(one.to_line).zh}；"
        f"距数据角点不到 {SAME_PLACE_M:g} m 的占 {one.same_place_share * 100:.1f}%"
        for name, one in measured.items()
    ]
    return "\n".join([f"公开图形与项目数据的差异（实测；{how}）：", *lines])


_POSITION = """- [ ] 位置精度：上列实测差异已报测绘地理信息（自然资源）主管部门核定。
  公开地图的位置精度有无限值、限值多少，本程序没有核对过规定原文，不作判断；
  须放大偏差的，改 [geometry] grid_m 后重新发布。"""


def _publisher(profile: Profile) -> str:
    """The publisher's own words, or that there are none."""
    contact, licence = profile.site.contact, profile.site.licence
    return "\n".join(
        [
            f"- [{'x' if contact else ' '}] 咨询方式：{'；'.join(contact) or '未写明，请在 [site] contact 填写'}。",
            f"- [{'x' if licence else ' '}] 开放数据的使用许可：{licence or '未写明，请在 [site] licence 填写'}。",
        ]
    )


def _photos(count: int) -> str:
    return f"本期公开照片 {count} 张，" if count else ""


_WHY: Mapping[Reason, str] = {
    "small": "小于限值 {k}",
    "computable": "不小于限值，但公开后可由合计或其他数推算出不公开的数",
    "before": "往期或另一公众版没有公开，沿用",
    "ratio": "比例、平均数，公开后可推算出不公开的数",
    "sentence": "文字写明了不公开的数或金额",
}
_LISTED = 20


def _withheld(reasons: Mapping[str, Mapping[str, Mapping[Reason, Sequence[str]]]], k: int) -> str:
    """Which cells were withheld and why, by layer and column; the first twenty ids of each reason."""
    lines = []
    for layer, columns in reasons.items():
        for column, by_reason in columns.items():
            count = sum(map(len, by_reason.values()))
            lines.append(f"  - {_layer_label(layer)}·{_column_label(layer, column)}：{count} 处")
            for reason, text in _WHY.items():
                if keys := by_reason.get(reason, ()):
                    rest = f" 等，另有 {len(keys) - _LISTED} 个" if len(keys) > _LISTED else ""
                    ids = "、".join(plain_text(str(key)) for key in keys[:_LISTED])
                    lines.append(f"    - {text.format(k=k)}（{len(keys)} 处）：{ids}{rest}")
    total = sum(len(keys) for columns in reasons.values() for why in columns.values() for keys in why.values())
    head = f"小于限值 k = {k} 的户数、人数及可反推的数值已不公开，共 {total} 处"
    return "\n".join([f"{head}；下列编号和原因供审核，不写数值，不得外传：", *lines]) if lines else f"{head}。"


def _layer_label(name: str) -> str:
    schema = layer_schemas().get(name)
    return schema.label.zh if schema else name


def _cleared(released: Sequence[Release], approved_by: str) -> str:
    """The cards of which something leaves by an explicit release, with their layers."""
    if not released:
        return "没有按 [release] 放行的图层。"
    listed = [
        f"  - {one.card}（{one.classification}）：" + "、".join(_layer_label(name) for name in one.layers)
        for one in released
    ]
    head = f"下列来源卡定级高于公开，按 [release] 放行（同意公开：{approved_by}），请核对批准文件："
    return "\n".join([head, *listed])


def _carried(carried: Sequence[Carried]) -> str:
    """Columns that are not listed and stand in texts that leave: where, and in how many rows."""
    if not carried:
        return "未列出的列没有出现在公开的文字里。"
    lines = [f"  - {carried_text(one).zh}；编号：{_ids(one.rows)}" for one in carried]
    return "\n".join(["未列出的列，内容出现在（或原来出现在）公开的文字里，请逐项核对：", *lines])


def _ids(keys: Sequence[str]) -> str:
    rest = f" 等，另有 {len(keys) - _LISTED} 个" if len(keys) > _LISTED else ""
    return "、".join(plain_text(key) for key in keys[:_LISTED]) + rest


def _column_label(layer: str, column: str) -> str:
    schema = layer_schemas().get(layer)
    field = schema.fields.get(column) if schema else None
    return field.label.zh if field else column
