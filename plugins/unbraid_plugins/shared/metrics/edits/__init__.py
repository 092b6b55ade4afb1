"""Whether an edit changes what it should and nothing else, as oracles see it."""
