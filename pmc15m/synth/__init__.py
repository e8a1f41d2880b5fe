"""Generated articles with figures whose right answers are known: for demo, tests and benchmarks."""
