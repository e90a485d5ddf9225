"""How long the yearly plan of digs takes, and how near it comes to its bound.

    python benchmarks/excavation.py            all sizes
    python benchmarks/excavation.py 500        one

Works are drawn from a seed: each operator needs work in two streets of three, within a window of one to four years;
the money of an operator in a year is its works' cost over the years and a tenth more.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from gis_renovation.excavation.solver import DigProblem, plan_digs

# Streets, operators, years, the gap to prove, the seconds it may take.
TARGETS = ((500, 5, 5, 0.001, 5.0), (2000, 5, 5, 0.005, 20.0), (5000, 6, 5, 0.01, 60.0))


def drawn_problem(streets: int, operators: int, years: int, seed: int, *, reopen_years: int = 2) -> DigProblem:
    """A random problem; budgets leave a tenth."""
    chance = np.random.default_rng(seed)
    asked = np.argwhere(chance.random((streets, operators)) < 2 / 3)
    street, operator = asked[:, 0], asked[:, 1]
    count = len(asked)
    first = chance.integers(0, years, count)
    last = np.minimum(first + chance.integers(0, 4, count), years - 1)
    best = chance.integers(first, last + 1)
    year = np.arange(years)
    allowed = (year >= first[:, None]) & (year <= last[:, None])
    shift = year - best[:, None]
    price = np.where(shift < 0, -shift * 8_000.0, shift * 20_000.0)
    spend = chance.integers(5, 60, count) * 10_000.0
    money = np.bincount(operator, weights=spend, minlength=operators) / years * 1.1
    return DigProblem(
        street=street,
        operator=operator,
        place_yuan=np.where(allowed, price, np.inf),
        defer_yuan=2.0 * spend + 100_000.0,
        spend_yuan=spend,
        open_yuan=np.repeat(chance.integers(8, 40, streets) * 10_000.0, years).reshape(streets, years),
        budget_yuan=np.repeat(money, years).reshape(operators, years),
        reopen_years=reopen_years,
    )


def main(only: list[str]) -> None:
    """The table of sizes, gaps and seconds."""
    print(f"{'streets':>8}{'operators':>11}{'years':>7}{'gap %':>9}{'asked %':>9}{'seconds':>9}{'asked s':>9}  met")
    for streets, operators, years, gap, seconds in TARGETS:
        if only and str(streets) not in only:
            continue
        problem = drawn_problem(streets, operators, years, seed=1)
        began = time.perf_counter()
        plan = plan_digs(problem, gap=gap)
        took = time.perf_counter() - began
        assert not problem.faults(plan.year), problem.faults(plan.year)[:3]
        met = "yes" if plan.gap <= gap and took <= seconds else "NO"
        size = f"{streets:>8}{operators:>11}{years:>7}"
        print(f"{size}{100 * plan.gap:>9.3f}{100 * gap:>9.2f}{took:>9.2f}{seconds:>9.0f}  {met} ({plan.rounds} rounds)")


if __name__ == "__main__":
    main(sys.argv[1:])
