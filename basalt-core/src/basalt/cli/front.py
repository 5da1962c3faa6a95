"""The front page: `basalt --help` and `basalt --version`, answered from metadata before anything else is imported."""

from basalt.cli.offered import absent, offers
from basalt.plugins.installed import declared, versions
from basalt.plugins.switches import read_switches

SIBLINGS = ("basalt-core", "basalt-analytics", "basalt-io", "basalt-dagster", "basalt-ui")
OPTIONS = {
    "--plugin FILE": "Use a Python file as a plugin; may be given again.",
    "--strict-plugins": "Stop with exit code 3 if any plugin fails.",
    "--debug": "Show the Python trace of an error.",
    "--version": "Show the installed versions and exit.",
    "--help": "Show this page and exit.",
}


def help_page() -> str:
    """Usage, options and every command with one line each."""
    entries = declared()
    found = offers(entries, read_switches())
    commands = {o.path: o.summary for o in found.values() if "." not in o.path}
    width = max(map(len, [*OPTIONS, *commands])) + 2
    lines = [
        "Usage: basalt [OPTIONS] COMMAND [ARGS]...",
        "",
        "  Intraday market-microstructure analytics that a desk can trust.",
        "",
        "Options:",
        *(f"  {name:<{width}}{text}" for name, text in OPTIONS.items()),
        "",
        "Commands:",
        *(f"  {name:<{width}}{text}" for name, text in commands.items()),
    ]
    missing = absent(found, entries)
    topmost = {path: name for path, name in missing.items() if path.rpartition(".")[0] not in missing}
    if topmost:
        lines += ["", "Not installed:"]
        lines += [f"  {path.replace('.', ' '):<{width}}pip install {name}" for path, name in topmost.items()]
    return "\n".join(lines)


def version_page() -> str:
    """One line a distribution of ours that is installed."""
    return "\n".join(f"{name} {version}" for name, version in versions(SIBLINGS).items())
