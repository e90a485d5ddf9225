"""Works records at a date: state, money, units."""
