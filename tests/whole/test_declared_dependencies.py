"""Each distribution imports whole in an environment that has what it declares and nothing else."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("environments")]  # made once, by one worker

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


@pytest.mark.parametrize(
    ("package", "folders"),
    [
        ("basalt", ["basalt-core"]),
        ("basalt_analytics", ["basalt-core", "basalt-analytics"]),
        ("basalt_io", ["basalt-core", "basalt-io"]),
        ("basalt_ui", ["basalt-core", "basalt-ui"]),
        ("basalt_dagster", ["basalt-core", "basalt-io", "basalt-dagster"]),
    ],
)
def test_every_module_imports_with_the_declared_dependencies_alone(clean_environment, package, folders):
    assert int(clean_environment(*folders).run(IMPORT_ALL, package)) > 0
