"""A benchmark of near duplicates: drawn look-alikes, their transforms, and the bars that the hashes have to reach."""
