"""A card is drafted for every file that reading takes, whatever the file is called and however its text is coded."""

from pathlib import Path

import pytest

from gis_renovation.checking import draft_card, propose_folder
from tests.reading.test_traps import EXCEL_2003, PAGE

TWO_SHEETS = EXCEL_2003.replace("</Workbook>", "") + EXCEL_2003[EXCEL_2003.index("<Worksheet") :].replace(
    'ss:Name="台账"', 'ss:Name="说明"'
)


@pytest.mark.parametrize("suffix", ["xls", "xlsx", "et"])
@pytest.mark.parametrize("content", [PAGE, EXCEL_2003, "编号\t户数\n0012\t100\n"])
def test_tables_that_are_only_called_workbooks_are_drafted(tmp_path: Path, suffix: str, content: str) -> None:
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(content.encode("gbk"))
    draft = draft_card(file, layer="communities", beside=tmp_path)
    assert 'community_id = "编号"' in draft.text
    (found,) = propose_folder(tmp_path, beside=tmp_path / "layers")
    assert found.left is None or "密码" not in found.left.zh


def test_the_sheets_of_a_workbook_of_2003_can_be_chosen_among(tmp_path: Path) -> None:
    file = tmp_path / "a.xls"
    file.write_bytes(TWO_SHEETS.encode("gbk"))
    draft = draft_card(file, layer="communities", sublayer="说明", beside=tmp_path)
    assert 'layer_name = "说明"' in draft.text


RING = "117.0,32.6,0 117.001,32.6,0 117.001,32.601,0 117.0,32.6,0"
KML = (
    '<?xml version="1.0" encoding="{e}"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>小区</name>'
    "<Placemark><name>朝阳一村</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
    f"{RING}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
)
GPX = (
    '<?xml version="1.0" encoding="{e}"?>\n<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk>'
    '<name>朝阳一村</name><trkseg><trkpt lat="32.6" lon="117.0"/><trkpt lat="32.601" lon="117.001"/></trkseg></trk></gpx>'
)


@pytest.mark.parametrize("encoding", ["GB2312", "GBK", "UTF-8"])
@pytest.mark.parametrize(("suffix", "text", "layer"), [("kml", KML, "communities"), ("gpx", GPX, "slow_paths")])
def test_xml_in_the_encodings_of_chinese_tools_is_drafted(
    tmp_path: Path, encoding: str, suffix: str, text: str, layer: str
) -> None:
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(text.format(e=encoding).encode(encoding))
    before = file.read_bytes()
    draft = draft_card(file, layer=layer, sublayer="tracks" if suffix == "gpx" else "", beside=tmp_path)
    assert draft.layer == layer
    assert file.read_bytes() == before
    assert not any("试读不成功" in doubt.zh for doubt in draft.doubts)
