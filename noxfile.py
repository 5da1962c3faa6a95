"""What is checked, and when: `uv run nox -s lint types contracts wheels`.

Sessions run in the environment that `uv run` has synced, so that they check what is installed there and start at once.
"""

import os
import re
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import nox

PACKAGES = ("basalt-core", "basalt-analytics", "basalt-io", "basalt-dagster", "basalt-ui")
IMPORT_ALL = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    found = importlib.import_module(package)
    for module in pkgutil.walk_packages(found.__path__, package + "."):
        importlib.import_module(module.name)
    print(package, "imports whole")
"""
UV = os.environ.get("UV", "uv")
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "contracts", "tests"]
nox.needs_version = ">=2025.10"


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format. Before every commit; `nox -s lint -- --fix` mends what can be mended."""
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict over the sources. Before every commit."""
    session.run("mypy")


@nox.session
def contracts(session: nox.Session) -> None:
    """Which package may import which. After adding an import."""
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, or those given: `nox -s tests -- tests/io -k lobster`. Before every push."""
    session.run("pytest", *(session.posargs or ["-n", "2"]))


@nox.session
def wheels(session: nox.Session) -> None:
    """Build, inspect and install what would be published. After touching a pyproject.toml, and before a release."""
    dist = Path(session.create_tmp()).resolve() / "dist"
    for old in dist.glob("*"):
        old.unlink()
    for package in PACKAGES:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), package, silent=True)
    built = sorted(dist.glob("*.whl"))
    wrong = [fault for wheel in built for fault in faults_of(wheel)]
    if len(built) != len(PACKAGES) or len(list(dist.glob("*.tar.gz"))) != len(PACKAGES) or wrong:
        session.error(
            "\n".join(wrong) or f"expected a wheel and an sdist of each of {len(PACKAGES)} packages in {dist}"
        )
    session.log(f"{len(built)} wheels and as many sdists are in step")
    install_and_try(session, built)


def install_and_try(session: nox.Session, wheels: list[Path]) -> None:
    """All wheels in one command, in a clean environment, so that no sibling is looked up on an index."""
    clean = wheels[0].parent.parent / "clean"
    python = clean / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = clean.with_name("pins.txt")
    pins.write_text("\n".join(constraints()) + "\n")
    session.run(UV, "venv", "-q", "--clear", "--python", sys.executable, str(clean), external=True)
    install = (UV, "pip", "install", "-q", "--python", str(python), "-c", str(pins))
    session.run(*install, *map(str, wheels), external=True)
    with session.chdir(clean.parent):
        session.run(str(python.with_name("basalt")), "--version", external=True)
        session.run(str(python), "-c", IMPORT_ALL, *map(import_name, PACKAGES), external=True)


def faults_of(wheel: Path) -> list[str]:
    """What is wrong with a wheel: its version, its pins of siblings, or a file it lacks."""
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(about))
    major, minor, *_ = map(int, version.split("."))
    pin = {f">={major}.{minor}", f"<{major}.{minor + 1}"}
    found = []
    if metadata["Version"] != version:
        found.append(f"has version {metadata['Version']}, the workspace {version}")
    for requirement in metadata.get_all("Requires-Dist", []):
        name, bounds = re.fullmatch(r"([\w-]+)(?:\[.*?\])?\s*([^;]*).*", requirement).groups()
        if name in PACKAGES and set(bounds.replace(" ", "").split(",")) != pin:
            found.append(f"requires {requirement}, which is not {','.join(sorted(pin, reverse=True))}")
    if not (metadata.get_payload() or "").strip():
        found.append("has no README")
    for part in (f"{import_name(metadata['Name'])}/py.typed", ".dist-info/licenses/LICENSE"):
        if not any(name.endswith(part) for name in names):
            found.append(f"lacks {part}")
    return [f"{wheel.name} {fault}" for fault in found]


def import_name(package: str) -> str:
    """The package that a distribution is imported as."""
    return "basalt" if package == "basalt-core" else package.replace("-", "_")


def constraints() -> list[str]:
    """The pins of the workspace."""
    return tomllib.loads(Path("pyproject.toml").read_text())["tool"]["uv"]["constraint-dependencies"]


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed. On a quiet machine, before and after a change that may cost time; `nox -s bench -- -k start`."""
    files = sorted(str(file) for file in Path("tests/bench").glob("bench_*.py"))
    session.run("pytest", "-q", "--durations=0", "--durations-min=60", *files, *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Kill runs at a thousand random moments and resume them, and writers of each of six stores at 166; race writers;
    and say what became of them. Ten minutes. After changing how results are published, spooled or recorded, and
    before a release; `BASALT_KILLS=5000 nox -s kills` kills more."""
    env = {"BASALT_KILLS": os.environ.get("BASALT_KILLS", "1000")}
    writers = ["tests/io/test_output_kills.py", "tests/io/test_output_writers.py"]
    for files in (["tests/engine/test_killed.py"], writers):
        session.run("pytest", "-n", "2", "-rP", *files, *session.posargs, env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Spoil files of feeds, and what readers read, in many ways: whole tables or one sentence. Ten minutes. After a
    change of how something is decoded or read, and before a release; `BASALT_FUZZ=500 nox -s fuzz` tries more."""
    env = {"BASALT_FUZZ": os.environ.get("BASALT_FUZZ", "25")}
    files = [f"tests/io/{name}.py" for name in ("test_feed_fuzz", "test_reader_fuzz")]
    session.run("pytest", "-n", "2", *files, *session.posargs, env=env)


@nox.session
def cuts(session: nox.Session) -> None:
    """Cut runs in every combination, and in 2,000 random ways. After a change of how work is cut, ordered, spooled or
    filled, and before a release; `BASALT_CUTS=10000 nox -s cuts` tries more."""
    env = {"BASALT_CUTS": os.environ.get("BASALT_CUTS", "2000")}
    files = [f"tests/engine/{name}.py" for name in ("test_invariance", "test_random_cuts")]
    session.run("pytest", "-n", "2", *files, *session.posargs, env=env)


@nox.session
def numbers(session: nox.Session) -> None:
    """Compute every measure twice, by the engine and slowly row by row, on 2,000 random days a family. Hours: after a
    change of a measure, a frame or a transform, run `BASALT_FUZZ_DAYS=200 nox -s numbers`; before a release, all."""
    env = {"BASALT_FUZZ_DAYS": os.environ.get("BASALT_FUZZ_DAYS", "2000")}
    files = sorted(str(file) for file in Path("tests/analytics").glob("test_*reference.py"))
    session.run("pytest", "-n", "2", *files, *session.posargs, env=env)


@nox.session
def streams(session: nox.Session) -> None:
    """Replay 100,000 random streams of order events by each compiled loop and by plain dictionaries. An hour: after a
    change of a loop run `BASALT_STREAMS=5000 nox -s streams`; before a release, all."""
    env = {"BASALT_STREAMS": os.environ.get("BASALT_STREAMS", "100000")}
    files = sorted(str(file) for file in Path("tests/analytics").glob("test_*_replay.py"))
    session.run("pytest", "-n", "2", *files, *session.posargs, env=env)


@nox.session
def reference(session: nox.Session) -> None:
    """Write docs/reference anew from the code. After a change of a command, key, table or metric; a test reminds."""
    session.run("python", "docs/reference/generate.py")


@nox.session
def pins(session: nox.Session) -> None:
    """Take the newest versions of everything the tests run on into pyproject.toml. Every few weeks; then run all."""
    file = Path("pyproject.toml")
    before = file.read_text()
    file.write_text(with_pins(before, []))
    try:
        session.run(UV, "lock", "--upgrade", "--quiet", external=True)
        export = (UV, "export", "--no-emit-workspace", "--no-hashes", "--no-header", "--no-annotate", "--quiet")
        exported = session.run(*export, external=True, silent=True)
    except BaseException:
        file.write_text(before)
        raise
    found = [line.strip() for line in str(exported).splitlines() if "==" in line]
    file.write_text(with_pins(before, found))
    session.run(UV, "sync", "--quiet", external=True)
    changed = set(found) ^ set(tomllib.loads(before)["tool"]["uv"]["constraint-dependencies"])
    session.log(f"{len(found)} pins, {len(changed)} lines changed: now run all tests")


def with_pins(text: str, pins: list[str]) -> str:
    """The text of pyproject.toml with these constraints in place of its own."""
    block = "".join(f'  "{pin}",\n' for pin in pins)
    key = "constraint-dependencies = "
    return re.sub(rf"^{key}\[.*?\]$", lambda _: f"{key}[\n{block}]", text, flags=re.MULTILINE | re.DOTALL)
