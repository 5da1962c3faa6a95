"""What all tests share: what stands beside this file, and no deadline for a random example.

Its first query may meet a cold or busy machine.
"""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("basalt", deadline=None)
settings.load_profile("basalt")
