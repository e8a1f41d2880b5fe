"""Which pairs stay, which copy each duplicates, and which split each is in. Pure."""
