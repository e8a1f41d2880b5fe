"""Guarded decoding, probing, hashing and encoding of images. Pillow stays in here."""
