"""What all tests share: no deadline for a random example, whose first query may meet a cold or busy machine."""

from hypothesis import settings

settings.register_profile("basalt", deadline=None)
settings.load_profile("basalt")
