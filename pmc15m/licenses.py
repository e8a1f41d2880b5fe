"""Classes of licences, and what is flagged of the rights of a figure: closed lists."""

LICENSE_CLASSES = (
    "CC0",
    "public domain",
    "CC BY",
    "CC BY-SA",
    "CC BY-NC",
    "CC BY-NC-SA",
    "CC BY-ND",
    "CC BY-NC-ND",
    "TDM",
    "none",
)
"""Classes from the most to the least permissive: the stricter of two is the later one."""

NO_LICENSE = "none"
"""The class of what no known licence covers: all rights reserved, or terms of the publisher's own."""

OPEN_LICENSES = LICENSE_CLASSES[:4]
"""Classes under which anyone may pass on a changed image, also for money."""

RIGHTS_FLAGS = tuple(
    "own_permissions license_conflict license_by_words license_by_metadata_only license_in_caption "
    "reproduced reprinted republished reproduced_with_permission adapted with_permission copyright_statement "
    "courtesy credit".split()
)
"""What `rights_flags` of a figure may hold: where its licence stands, then what its words say (jats.phrases)."""
