"""What may leave: counts, totals, persons, shapes, places, releases."""
