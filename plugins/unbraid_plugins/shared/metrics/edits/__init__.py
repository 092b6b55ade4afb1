"""Tests of edits: whether an edit changes what it should and nothing else, as oracles see it."""
