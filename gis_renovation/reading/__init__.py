"""A city's files to layers: cards, files of every kind, what a card asks of them."""
