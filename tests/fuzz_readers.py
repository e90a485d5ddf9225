"""Files of every driver changed at random: read and checked, or refused in words; never a trace, never a file touched.

``python tests/fuzz_readers.py --seconds 600 --seed 1`` runs it for as long as one likes and prints what failed, each
with the seed that gives it again; ``tests/reading/test_fuzz.py`` runs a short one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from pathlib import Path

from gis_renovation.checking.draft import draft_card
from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import GisRenovationError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files

CARD = '[source]\npath = "{}"\ncrs = "EPSG:4548"\nreplace_crs = true\nlayer_name = "*"\n{}[repair]\nmake_valid = true\n[columns]\ncommunity_id = {{ number = "C" }}\n'
WORDS = (
    b"", b"\0", b"\xff" * 8, b"-1", b"1e999", b"NaN", b"<", b"]]>", b'"', b"}", b"[" * 200, b"\x7f\xff\xff\xff", b"\r\n",
    "乱".encode("gbk"), "乱".encode(), b"../../etc/passwd", b"http://127.0.0.1:9/", b"99999999999999999999", b"&#0;",
    b"encoding=", b"POLYGON EMPTY", b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"$DWGCODEPAGE\n3\nANSI_950\n",
)  # fmt: skip


def originals(folder: Path) -> dict[str, Path]:
    """One file of every driver, each in a folder of its own, by name."""
    from zoo import drawing, mapinfo, ods_ledger, survey_txt
    from zoo_files import DRIVERS, made, truth

    found = {}
    for driver in DRIVERS:
        place = folder / driver
        (place / "layers").mkdir(parents=True)
        found[driver] = place / "layers" / made(place, driver, truth())
    for name, write in {
        "dxf": drawing,
        "txt": lambda place: survey_txt(place / "a.txt"),
        "ods": lambda place: ods_ledger(place / "a.ods"),
        "mif-neutral": lambda place: mapinfo(place / "a.mif", charset="Neutral"),
        "dbf": _table_alone,
        "tif": _raster,
        "xls": lambda place: _binary(place / "a.xls", small=False),
        "et": lambda place: _binary(place / "a.et", small=True),
        "xls-page": lambda place: _written(place / "a.xls", PAGE),
        "xls-2003": lambda place: _written(place / "b.xls", SHEET_2003),
    }.items():
        place = folder / name
        place.mkdir()
        found[name] = write(place)
    return found


PAGE = (
    "<html><table><tr><td>编号</td><td>名称</td></tr><tr style='display:none'><td rowspan=2>C1</td><td>甲</td></tr>"
    "<tr><td>乙</td></tr></table></html>"
)
SHEET_2003 = (
    '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table><Row ss:Index="2">'
    '<Cell ss:MergeDown="1"><Data ss:Type="String">编号</Data></Cell><Cell ss:Index="3" ss:Formula="=1/0">'
    '<Data ss:Type="Error">#DIV/0!</Data></Cell></Row><Row ss:Hidden="1"><Cell><Data ss:Type="Number">1</Data></Cell>'
    "</Row></Table></Worksheet></Workbook>"
)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _binary(path: Path, *, small: bool) -> Path:
    from binary_workbook import ERROR, sheet, workbook

    cells = {(0, 0): "编号", (0, 1): "户数", (1, 0): "C1", (1, 1): (2.0, 0), (2, 0): "C2", (2, 1): (ERROR, 0)}
    path.write_bytes(workbook({"台账": sheet(cells, {2})}, small=small))
    return path


def _table_alone(place: Path) -> Path:
    from zoo import shapefile

    table = shapefile(place).with_suffix(".dbf")
    for other in place.iterdir():
        if other != table:
            other.unlink()
    return table


def _raster(place: Path) -> Path:
    import numpy as np
    import rasterio
    from affine import Affine

    kind = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "float32", "crs": "EPSG:4548"}
    with rasterio.open(place / "a.tif", "w", transform=Affine(10, 0, 500000, 0, -10, 3613000), **kind) as target:
        target.write(np.ones((1, 8, 8), dtype="float32"))
    return place / "a.tif"


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The bytes with one to six changes: bits, words, cuts, copies, zeros."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        size = max(1, len(changed))
        at, length = dice.randrange(size), dice.choice((1, 2, 4, 8, 64, 1024))
        kind = dice.randrange(7)
        if kind == 0:
            changed[at : at + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            changed[at : at + length] = dice.choice(WORDS)
        elif kind == 2:
            changed[at:at] = dice.choice(WORDS)
        elif kind == 3:
            del changed[at : at + length]
        elif kind == 4:
            other = dice.randrange(size)
            changed[at : at + length] = changed[other : other + length]
        elif kind == 5:
            changed[at : at + length] = bytes(length)
        else:
            del changed[max(1, size * dice.randint(20, 100) // 100) :]
    return bytes(changed) or b"\0"


def _inside_archive(path: Path, dice: random.Random) -> None:
    """Change a member, and pack it again, so that not every change ends at the checksum."""
    with zipfile.ZipFile(path) as archive:
        members = {m.filename: archive.read(m) for m in archive.infolist() if not m.is_dir()}
    name = dice.choice(sorted(members))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, mutated(data, dice) if member == name else data)


def change(file: Path, dice: random.Random) -> None:
    """Change the file, one of those beside it, or a member of the archive that it is."""
    files = sorted(p for p in (file if file.is_dir() else file.parent).rglob("*") if p.is_file())
    chosen = dice.choice(files) if dice.random() < 0.5 or file.is_dir() else file
    if zipfile.is_zipfile(chosen) and dice.random() < 0.7:
        _inside_archive(chosen, dice)
    else:
        chosen.write_bytes(mutated(chosen.read_bytes(), dice))


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def attempt(file: Path, folder: Path) -> str:
    """Draft, read, conform and check, as the program does; ``read`` or ``refused``. Raises whatever is a fault."""
    before = state(folder)
    outcome, said = "read", []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            draft_card(file, layer="terrain" if file.suffix == ".tif" else "communities", beside=folder)
        except GisRenovationError as error:
            said.append(str(error))
        try:
            _read(file, folder)
        except GisRenovationError as error:
            outcome = "refused"
            said.append(str(error))
    assert all(text.strip() and "Traceback" not in text for text in said)
    assert state(folder) == before, "a file was changed, made or removed"
    return outcome


def _read(file: Path, folder: Path) -> None:
    if file.suffix == ".tif":
        from gis_renovation.reading import read_raster

        read_raster(read_card(f'[source]\npath = "{file.name}"\n', stem="terrain", where="card"), folder)
        return
    table = '[geometry]\nwkt = "wkt"\n' if file.suffix in (".csv", ".xlsx") else ""
    text = CARD.format(file.name, table)
    alone = file.suffix in (".dbf", ".xls", ".et", ".ods")
    if alone or table:
        text = text.replace('layer_name = "*"\n', "")
    if alone:  # no shapes: a layer that needs none
        text = text.replace('crs = "EPSG:4548"\nreplace_crs = true\n', "").replace("community_id", "project_id")
    card = read_card(text, stem="projects" if alone else "communities", where="card")
    raw = read_files(card, folder)
    done = conform(raw.frame, card, columns=raw.columns)
    record = done.record
    assert record["rows_read"] == record["rows_used"] + record["rows_not_selected"] + record["rows_dropped"]
    check_layer(done.frame, card.schema_)


def one(files: dict[str, Path], seed: int) -> tuple[str, str, str]:
    """The driver, the outcome (``read``, ``refused``, ``fault``) and the trace of the attempt with this seed."""
    dice = random.Random(seed)
    driver = sorted(files)[seed % len(files)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "files"
        shutil.copytree(files[driver].parent, folder)
        change(folder / files[driver].name, dice)
        try:
            return driver, attempt(folder / files[driver].name, folder), ""
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for; some are no Exception
            return driver, "fault", traceback.format_exc()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    end, seed, counts, faults = time.monotonic() + asked.seconds, asked.seed, Counter(), Counter()
    with tempfile.TemporaryDirectory() as scratch:
        files = originals(Path(scratch))
        while time.monotonic() < end:
            driver, outcome, trace = one(files, seed)
            counts[driver, outcome] += 1
            if trace and not faults[last := trace.strip().splitlines()[-1][:120]]:
                print(f"--- seed {seed}, {driver}\n{trace}", flush=True)  # noqa: T201
            if trace:
                faults[last] += 1
            seed += 1
    for (driver, outcome), count in sorted(counts.items()):
        print(f"{driver:12} {outcome:8} {count}")  # noqa: T201
    print(f"seeds {asked.seed} to {seed - 1}, {sum(faults.values())} faults of {len(faults)} kinds")  # noqa: T201
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
