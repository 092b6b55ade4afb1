"""`unbraid demo`: train a small model on built-in data and show what it learned."""
