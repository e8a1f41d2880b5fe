"""JATS XML, safely read, to figures, mentions and rights. Pure: bytes in, records out."""
