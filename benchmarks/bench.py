"""The plumbing of all benchmarks: turn about, medians, equal answers, peak memory, one table.

A case is measured in a child process of its own, ours and the peer in turn (A B A B) over the same data,
after a check that the answers agree. Peak memory is that of a second child that runs ours alone. A
benchmark file lists its cases and calls ``main``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = ("case", "size", "ours_s", "peer", "peer_s", "ratio", "equal", "ours_peak_mb", "target", "met")
CHILD_LIMIT_S = 1800


@dataclass(frozen=True)
class Clocked:
    """A result with the seconds its own side counted, where calling costs more than the work."""

    result: Any
    seconds: float


@dataclass(frozen=True)
class Duel:
    """The two sides over one set of data, and whether two results are the same answer (True or a remark).

    Without a peer ``equal`` gets None for its result and checks ours by itself; None checks nothing.
    """

    ours: Callable[[], Any]
    peer: Callable[[], Any] | None
    equal: Callable[[Any, Any], bool | str] | None


@dataclass(frozen=True)
class Case:
    """One row for each size up to ``largest``.

    ``prepare`` builds the data of a size and returns the duel, or a text saying why it cannot be run.
    ``target`` is (">=", 6.0) for how many times faster than the peer, ("<=", 1.33) for our time over the
    peer's, ("s<=", 0.3) for our seconds, ("mb<=", 4096) for our peak memory; by size where it is a mapping.
    ``at`` are sizes of the case's own, measured whatever sizes are asked. With ``workers`` the peak is
    that of the largest process among the timed child and its own children.
    """

    name: str
    peer: str
    prepare: Callable[[int], Duel | str]
    target: tuple[str, float] | dict[int, tuple[str, float]] | None = None
    largest: int = 10**9
    repeats: int = 5
    sized: bool = True
    at: tuple[int, ...] = ()
    workers: bool = False


def main(cases: Sequence[Case], *, sizes: Sequence[int], file: str) -> int:
    """Run the cases, print the table, write the JSON; 1 if a target is missed or answers differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the rows here")
    parser.add_argument("--size", type=int, nargs="+", default=list(sizes), help="numbers of communities")
    parser.add_argument("--case", nargs="+", help="only these cases", choices=[case.name for case in cases])
    parser.add_argument("--child", nargs=3, metavar=("CASE", "SIZE", "WHAT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        name, size, what = asked.child
        print(json.dumps(_child(next(case for case in cases if case.name == name), int(size), what)))
        return 0
    rows = []
    print(_line(dict.fromkeys(COLUMNS)), flush=True)
    for case in cases:
        if asked.case and case.name not in asked.case:
            continue
        for size in (case.at or asked.size) if case.sized else [0]:
            if size <= case.largest:
                rows.append(_row(case, size, file))
                print(_line(rows[-1]), flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return int(any(row["met"] == "missed" or row["equal"] == "no" for row in rows))


def _child(case: Case, size: int, what: str) -> dict[str, Any]:
    """Times of both sides, or the peak memory of ours alone."""
    duel = case.prepare(size)
    if isinstance(duel, str):
        return {"remark": duel}
    if what == "memory":
        duel.ours()
        return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    equal: bool | str | None = None
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "peer": []}
    for turn in range(case.repeats):
        ours = _timed(duel.ours, times["ours"])
        peer = None if duel.peer is None else _timed(duel.peer, times["peer"])
        if turn == 0 and duel.equal is not None:
            equal = duel.equal(ours, peer)
    # Of children, the peak of the largest one.
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"equal": equal, "peak_mb": peak / 1024, **times}


def _timed(side: Callable[[], Any], times: list[tuple[float, float]]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    result = side()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if isinstance(result, Clocked):
        result, wall, cpu = result.result, result.seconds, result.seconds
    times.append((wall, cpu))
    return result


def _row(case: Case, size: int, file: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {"case": case.name, "size": size or None, "peer": case.peer}
    measured = _in_child(case, size, file, "time")
    if "remark" in measured:
        return row | {"equal": measured["remark"], "met": "not run"}
    row["ours_s"], row["ours_cpu_s"] = _medians(measured["ours"])
    target = case.target.get(size) if isinstance(case.target, dict) else case.target
    if measured["peer"]:
        row["peer_s"], row["peer_cpu_s"] = _medians(measured["peer"])
        over = target is not None and target[0] == "<="
        row["ratio"] = row["ours_s"] / row["peer_s"] if over else row["peer_s"] / row["ours_s"]
    row["equal"] = {True: "yes", False: "no"}.get(measured["equal"], measured["equal"])
    if case.workers:
        row["ours_peak_mb"] = measured["peak_mb"]
    elif case.sized:
        row["ours_peak_mb"] = _in_child(case, size, file, "memory").get("peak_mb")
    if target is not None:
        sign, bound = target
        row["target"] = f"{sign} {bound:g}"
        found = row[{"s<=": "ours_s", "mb<=": "ours_peak_mb"}.get(sign, "ratio")]
        reached = found >= bound if sign == ">=" else found <= bound
        row["met"] = "met" if reached else "missed"
    return row


def _in_child(case: Case, size: int, file: str, what: str) -> dict[str, Any]:
    command = [sys.executable, file, "--child", case.name, str(size), what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CHILD_LIMIT_S, check=False)
    if done.returncode:
        return {"remark": f"failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def _medians(times: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times)


def _line(row: dict[str, Any]) -> str:
    widths = dict(zip(COLUMNS, (28, 9, 8, 34, 8, 6, 6, 12, 9, 7), strict=True))
    cells = []
    for name, width in widths.items():
        value = name if row["case"] is None else row[name]
        text = "" if value is None else f"{value:.3f}" if name.endswith("_s") and isinstance(value, float) else value
        text = f"{value:.2f}" if name == "ratio" and isinstance(value, float) else text
        text = f"{value:.0f}" if name == "ours_peak_mb" and isinstance(value, float) else str(text)
        cells.append(text.ljust(width) if name in ("case", "peer", "equal") else text.rjust(width))
    return "  ".join(cells).rstrip()
