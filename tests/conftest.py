"""What all tests share: what stands beside this file, no deadline for a random example, loops compiled of this code.

Its first query may meet a cold or busy machine. A compiled loop is kept by the time of its own file, though it has
functions of others inlined: so it is kept in a folder named after all of them.
"""

import os
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("basalt", deadline=None)
settings.load_profile("basalt")

_KERNELS = Path(__file__).parents[1] / "basalt-analytics/src/basalt_analytics/kernels"
_TEXT = b"".join(file.read_bytes() for file in sorted(_KERNELS.glob("*.py")))
os.environ.setdefault("NUMBA_CACHE_DIR", f"{tempfile.gettempdir()}/basalt-kernels-{sha256(_TEXT).hexdigest()[:16]}")
