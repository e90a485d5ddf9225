"""QGIS itself opens the result GeoPackage styled and renders it (opt-in: ``scripts/test --run-qgis``).

Needs Debian's QGIS: apt-get install --no-install-recommends qgis python3-qgis qgis-providers. It runs in
the system's own Python, because QGIS is not on PyPI.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.qgis

SYSTEM_PYTHON = Path("/usr/bin/python3")

SCRIPT = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer, QgsMapSettings, QgsMapRendererParallelJob
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

package, picture, *names = sys.argv[1:]
app = QgsApplication([], False)
app.initQgis()
layers, told = [], {}
for name in names:
    layer = QgsVectorLayer(f"{package}|layername={name}", name, "ogr")
    renderer = layer.renderer()
    classes = [c.label() for c in renderer.categories()] if hasattr(renderer, "categories") else []
    told[name] = {"valid": layer.isValid(), "features": layer.featureCount()}
    told[name] |= {"renderer": renderer.type(), "classes": classes}
    layers.append(layer)
settings = QgsMapSettings()
settings.setLayers(layers)
settings.setBackgroundColor(QColor("white"))
settings.setOutputSize(QSize(800, 600))
settings.setDestinationCrs(layers[0].crs())
settings.setExtent(layers[0].extent())
job = QgsMapRendererParallelJob(settings)
job.start()
job.waitForFinished()
image = job.renderedImage()
image.save(picture)
colours = {image.pixel(x, y) for x in range(0, 800, 4) for y in range(0, 600, 4)}
print(json.dumps({"layers": told, "colours": len(colours)}))
sys.stdout.flush()
import os
os._exit(0)  # exitQgis() may crash without a display; the answer is already out
"""


@pytest.fixture(scope="module")
def told(sample_run, tmp_path_factory):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(tmp_path_factory.mktemp("run"))}
    environment.pop("PYTHONPATH", None)
    asked = subprocess.run([SYSTEM_PYTHON, "-c", "import qgis.core"], capture_output=True, check=False, env=environment)
    if asked.returncode:
        pytest.skip(
            "the system Python has no QGIS: apt-get install --no-install-recommends qgis python3-qgis qgis-providers"
        )
    picture = tmp_path_factory.mktemp("qgis") / "map.png"
    names = ["zones", "communities", "community_links", "idle_parcels", "barriers", "slow_paths"]
    ended = subprocess.run(
        [SYSTEM_PYTHON, "-c", SCRIPT, sample_run.folder / "layers.gpkg", picture, *names],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env=environment,
    )
    return json.loads(ended.stdout.strip().splitlines()[-1])


def test_every_layer_opens_with_all_its_features(told, sample_run):
    for name, layer in told["layers"].items():
        assert layer["valid"], name
        assert layer["features"] == len(sample_run.layers[name]), name


def test_styles_are_taken_from_the_file_with_chinese_classes(told):
    assert told["layers"]["community_links"]["renderer"] == "categorizedSymbol"
    assert any("隔断" in label for label in told["layers"]["community_links"]["classes"])


def test_the_rendered_picture_is_not_blank(told):
    assert told["colours"] > 10
