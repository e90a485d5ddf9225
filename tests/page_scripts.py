"""Node and the development tools of the page's scripts; nothing but these tests needs them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "js"


def run_node(*arguments, given="", folder=FOLDER):
    """What Node prints; the test is skipped where there is no Node or its packages are not installed."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node found (Debian: apt-get install nodejs npm); the page's scripts are not checked")
    if not (FOLDER / "node_modules" / "espree").is_dir():
        pytest.skip("the packages for checking scripts are not installed (npm ci in tests/js)")
    done = subprocess.run([node, *arguments], input=given, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
