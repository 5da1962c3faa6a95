"""Code digests: which files stand for what a component does. Each digest is taken in a fresh interpreter."""

import os
import subprocess
import sys
from importlib import import_module
from textwrap import dedent

import pytest

from basalt.planning.code import NOWHERE, code_digest, distribution_digest, import_digest

PACKAGE = {
    "desk/__init__.py": "",
    "desk/flow.py": "from desk.deep.signs import sign\nclass Flow: pass\n",
    "desk/deep/__init__.py": "",
    "desk/deep/signs.py": "def sign(): return 1\n",
    "desk/aside.py": "x = 1\n",
    "notes.py": "x = 1\n",
    "README.md": "A package.",
}
CODE = """
import sys
from importlib import import_module
from basalt.planning.code import distribution_digest, import_digest
module, name, how, distribution = sys.argv[1:]
made = getattr(import_module(module), name)
print(import_digest(made) if how == "imports" else distribution_digest(made, distribution))
"""


@pytest.fixture
def folder(tmp_path):
    """The editable package, in a folder of its own."""
    made = tmp_path / "src"
    put(made, PACKAGE)
    return made


def put(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))


def digest(folder, how="whole", made="desk.flow:Flow", distribution=""):
    """As another process finds it."""
    module, _, name = made.partition(":")
    done = subprocess.run(
        [sys.executable, "-c", CODE, module, name, how, distribution],
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_module_of_an_editable_package_counts_and_nothing_else_does(folder):
    """Not a file beside it that nothing imports, nor text, nor the bytecode that importing leaves."""
    first = digest(folder)
    assert digest(folder) == first
    put(folder, {"notes.py": "x = 2\n", "README.md": "Another."})
    assert digest(folder) == first
    seen = {first}
    for name in ("desk/flow.py", "desk/deep/signs.py", "desk/aside.py", "desk/__init__.py"):
        put(folder, {name: PACKAGE[name] + "y = 2\n"})
        seen.add(digest(folder))
    put(folder, {"desk/new.py": ""})
    seen.add(digest(folder))
    assert len(seen) == 6


def test_the_same_files_elsewhere_are_the_same_code(folder, tmp_path):
    put(tmp_path / "other", PACKAGE)
    assert digest(tmp_path / "other") == digest(folder)


def test_a_module_moved_within_the_package_is_other_code(folder):
    first = digest(folder)
    (folder / "desk/aside.py").rename(folder / "desk/moved.py")
    assert digest(folder) != first


@pytest.mark.parametrize(
    "how", ["import notes", "import os, notes as n", "from notes import x", "if True:\n    import notes"]
)
def test_a_module_beside_the_package_counts_once_it_is_imported(folder, how):
    put(folder, {"desk/aside.py": how + "\n"})
    first = digest(folder)
    put(folder, {"notes.py": "x = 2\n"})
    assert digest(folder) != first


def test_an_installed_distribution_counts_whole_and_its_neighbours_do_not(folder):
    """`desk` and `desk_kernels` are of one distribution, `polite` of another, which the first imports."""
    put(
        folder,
        {
            "desk/aside.py": "import polite\n",
            "desk_kernels/__init__.py": "",
            "polite/__init__.py": "",
            "acme_desk-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme-desk\nVersion: 1.0\n",
            "acme_desk-1.0.dist-info/RECORD": "".join(
                f"{name},,\n" for name in [*PACKAGE, "desk_kernels/__init__.py", "gone.py"] if name != "notes.py"
            ),
        },
    )
    first = digest(folder, distribution="acme-desk")
    put(folder, {"polite/__init__.py": "x = 1\n", "notes.py": "x = 3\n"})
    assert digest(folder, distribution="acme-desk") == first
    put(folder, {"desk_kernels/__init__.py": "x = 1\n"})
    assert digest(folder, distribution="acme-desk") != first


def test_what_is_unknown_to_the_installer_counts_by_its_package(folder):
    first = digest(folder, distribution="acme-unknown")
    assert first == digest(folder)


@pytest.mark.parametrize(
    ("how", "file"),
    [
        ("from desk.deep.signs import sign", "desk/deep/signs.py"),
        ("from desk.deep import (\n    signs,\n)", "desk/deep/signs.py"),
        ("from .deep import signs", "desk/deep/signs.py"),
        ("from . import aside", "desk/aside.py"),
        ("from .deep.signs import sign", "desk/deep/__init__.py"),
        ("import desk.deep.signs as s", "desk/deep/signs.py"),
        ("def late():\n    from desk.deep import signs", "desk/deep/signs.py"),
    ],
)
def test_a_source_counts_by_what_it_imports_of_its_package(folder, how, file):
    put(folder, {"desk/flow.py": f"{how}\nclass Flow: pass\n"})
    first = digest(folder, "imports")
    put(folder, {"desk/unrelated.py": "x = 5\n", "desk/__init__.py": ""})
    assert digest(folder, "imports") == first
    put(folder, {file: "def sign(): return 2\n"})
    assert digest(folder, "imports") != first


def test_imports_in_a_circle_are_followed_once(folder):
    put(folder, {"desk/deep/signs.py": "import desk.flow\ndef sign(): return 1\n"})
    assert len(digest(folder, "imports")) == 65


def test_a_class_it_derives_from_counts_wherever_it_stands(folder):
    put(
        folder,
        {"vendor/__init__.py": "class Above: pass\n", "alone.py": "import vendor\nclass Flow(vendor.Above): pass\n"},
    )
    (folder / "x-1.dist-info").mkdir()
    first = digest(folder, made="alone:Flow")
    put(folder, {"vendor/__init__.py": "class Above: x = 1\n"})
    assert digest(folder, made="alone:Flow") != first


def test_a_single_file_is_its_own_code_even_beside_a_folder_of_its_name(tmp_path):
    put(tmp_path, {"desk.py": "class Flow: pass\n", "desk/notes.py": ""})
    first = digest(tmp_path, made="desk:Flow")
    put(tmp_path, {"desk/notes.py": "x = 1\n"})
    assert digest(tmp_path, made="desk:Flow") == first
    put(tmp_path, {"desk.py": "class Flow: x = 1\n"})
    assert digest(tmp_path, made="desk:Flow") != first


def test_a_class_of_this_process_keeps_its_digest_when_its_file_changes(folder, monkeypatch):
    """The file that was edited is not the code that runs here."""
    monkeypatch.syspath_prepend(folder)
    made = import_module("desk.flow").Flow
    first = distribution_digest(made, ""), import_digest(made), code_digest("desk.flow")
    put(folder, {"desk/flow.py": "class Flow: x = 1\n"})
    assert (distribution_digest(made, ""), import_digest(made), code_digest("desk.flow")) == first
    for name in [name for name in sys.modules if name.partition(".")[0] == "desk"]:
        del sys.modules[name]


def test_code_that_stands_in_no_file_is_the_same_in_this_process_alone():
    made = type("Flow", (), {"__module__": "typed_at_a_prompt"})
    again = type("Flow", (), {"__module__": "typed_at_a_prompt"})
    assert distribution_digest(made, "") == distribution_digest(again, "")
    out = subprocess.check_output([sys.executable, "-c", "from basalt.planning.code import NOWHERE; print(NOWHERE)"])
    assert out.decode().strip() != NOWHERE
