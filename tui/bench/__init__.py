"""The benchmark: how fast it is, beside something known, in one run.

Invariant: every number is measured beside its base, the two taking turns over several rounds; the medians are
reported, and ratios are medians of the rounds' own ratios, so that a machine that is busy with something else slows
both. Nothing here is hard-coded but the floors, which only say what the project wants of itself.
Forbidden here: printing, and touching any directory but the one that is given.
"""
