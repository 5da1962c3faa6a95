"""Writers in processes of their own, which may be killed at any step and of which two may write at a time."""

import signal
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from forked import Host, Told, tell
from s3_proxy import Proxy
from stores import Store

CHILD = Path(__file__).with_name("writer_child.py")


class Writers(Host):
    """Writers, one at a time; those of an S3 store speak to it through the proxy."""

    def __init__(self, proxy: Proxy | None = None) -> None:
        super().__init__(CHILD)
        self._proxy = proxy

    def ask(self, request: Mapping[str, Any], asks: bool, after: float | None = None) -> None:
        if self._proxy and request["options"].get("storage"):
            storage = {**request["options"]["storage"], "aws_endpoint_url": self._proxy.address}
            request = {**request, "options": {**request["options"], "storage": storage}}
            if asks and request["watched"]:
                self._proxy.watch(lambda what: tell(self.say, kind="Change", name=what, by="server"))
        super().ask(request, asks, after)

    def ended(self) -> int:
        code = super().ended()
        if self._proxy:
            self._proxy.unwatch()
        return code

    def go_on(self, told: Told) -> None:
        if told.get("by") == "server":
            self._proxy.answer()
        else:
            super().go_on(told)

    def kill(self) -> None:
        if self._proxy:
            self._proxy.unwatch()
        super().kill()

    def published(self, request: Mapping[str, Any]) -> list[Told]:
        """Nobody disturbs it; all it told."""
        told = list(self.events(request))
        assert told[-1] == {"kind": "Ended", "code": 0}, told
        return told

    def timed(self, request: Mapping[str, Any]) -> dict[str, float]:
        """Nobody disturbs it; seconds from its beginning to each phase."""
        found = {}
        self.ask(request, asks=False)
        while (told := self.next())["kind"] != "Ended":
            found[told["kind"]] = time.perf_counter()
        assert told["code"] == 0
        return {phase: at - found["Begun"] for phase, at in found.items()}

    def killed_in(self, request: Mapping[str, Any], phase: str, seconds: float) -> str:
        """Kill it so long after it told that phase; the last phase it told, `Ended` where it was faster."""
        self.ask(request, asks=False)
        while (told := self.next())["kind"] != phase:
            assert told["kind"] != "Ended"
        time.sleep(seconds)
        self.kill()
        while (told := self.next())["kind"] != "Ended":
            phase = told["kind"]
        assert told["code"] in (0, -signal.SIGKILL)
        return phase if told["code"] else "Ended"


def request(store: Store, result: str, day: date, document: Mapping[str, Any], batches: list[Path]) -> dict[str, Any]:
    """What a writer is asked for."""
    return {
        "kind": store.kind,
        "options": store.options,
        "folder": str(store.folder),
        "state": str(store.folder / "state"),
        "result": result,
        "day": str(day),
        "document": document,
        "batches": [str(file) for file in batches],
        "watched": True,
    }
