"""Which communities are neighbours, across which gap, cut or joined by what."""
