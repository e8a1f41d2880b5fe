"""What a set of generated articles is made of."""

from dataclasses import dataclass

from pmc15m.synth.curation import Part, parse_curations, part_of
from pmc15m.synth.faults import Fault, parse_faults

FIRST_NUMBER = 80_000_000
"""Article n is PMC80000000 + n: far above real numbers, and below those of rebuilt test articles."""

MAX_ARTICLES = 9_999_999


@dataclass(frozen=True, slots=True)
class SynthConfig:
    """Everything that the bytes of article n depend on, besides n."""

    seed: int = 0
    faults: tuple[str, ...] = ()  # names of `faults.Fault`
    fault_every: int = 0  # every so-manieth article has the next fault of the list; 0: none
    duplicates_every: int = 0  # every so-manieth article copies a figure of an earlier one; 0: none
    image_scale: float = 1.0  # of width and height: 1 gives images some 300 to 1,200 pixels wide
    curations: tuple[str, ...] = parse_curations("all")  # names of `curation.Curation`
    curation_every: int = 0  # every so-manieth article is there to be curated, see `curation`; 0: none

    def __post_init__(self) -> None:
        """Check the values."""
        parse_faults(",".join(self.faults))
        parse_curations(",".join(self.curations))
        if self.curation_every < 0:
            raise ValueError("curation_every must be 0 or above")
        if self.fault_every < 0 or self.duplicates_every < 0 or self.duplicates_every == 1:
            raise ValueError("fault_every and duplicates_every must be 0 or above; duplicates_every not 1")
        if not 0.05 <= self.image_scale <= 4:
            raise ValueError(f"image_scale must be in [0.05, 4], not {self.image_scale}")

    def fault_of(self, number: int) -> Fault | None:
        """Return what is wrong with an article, or None; a curated one is sound."""
        if not self.faults or not self.fault_every or number % self.fault_every != self.fault_every - 1:
            return None
        if self.curation_of(number) is not None:
            return None
        return Fault(self.faults[number // self.fault_every % len(self.faults)])

    def is_copying(self, number: int) -> bool:
        """Return whether an article is to copy a figure of an earlier one."""
        every = self.duplicates_every
        is_due = every > 0 and number >= every and number % every == every // 2
        return is_due and self.fault_of(number) is None and self.curation_of(number) is None

    def curation_of(self, number: int) -> Part | None:
        """Return the part that an article has in a group of curated ones, or None."""
        return part_of(self.curations, self.curation_every, number)


def pmcid_of(number: int) -> str:
    """Return the pmcid of article n."""
    if not 0 <= number <= MAX_ARTICLES:
        raise ValueError(f"article numbers go from 0 to {MAX_ARTICLES}, not {number}")
    return f"PMC{FIRST_NUMBER + number}"
