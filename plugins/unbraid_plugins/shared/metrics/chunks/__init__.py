"""Tests of the chunks of a code: retrieval, neighbours, linear probes, live factors."""
