"""How a value looks: styles, symbols, and the one gate to HTML."""
