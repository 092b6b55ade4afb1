"""What the chunks of a code carry: retrieval, neighbours, linear probes, live factors."""
