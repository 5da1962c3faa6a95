"""TAQ files as tests write them, and the sample of pseudonymous stock XXX, 2018-01-02 and 03."""

import datetime as dt
import gzip
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from basalt_io.sources.taq import TaqOptions, TaqSource

DAY = dt.date(2018, 1, 2)
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "taq-sample"
STANDARD = {
    "exchanges": ["N"],
    "hours": ["09:30", "16:00"],
    "drop_zeros": True,
    "conditions": "@EFI",
    "drop_crossed": True,
    "max_spread": 50.0,
    "merge": True,
}
WRDS = "DATE,TIME_M,EX,SYM_ROOT,SYM_SUFFIX,TR_SCOND,SIZE,PRICE,TR_CORR,TR_ID"
QUOTES = "DATE,TIME_M,EX,BID,BIDSIZ,ASK,ASKSIZ,QU_COND,SYM_ROOT,SYM_SUFFIX"


def source(root: Path, **options: object) -> TaqSource:
    return TaqSource(TaqOptions(root=str(root), **options), Path("/nowhere"))


def read(found: TaqSource, name: str) -> pl.DataFrame:
    return pl.concat([found.scan(name, day).collect() for day in found.dates(name)])


def write(root: Path, kind: str, header: str, *lines: str, day: dt.date = DAY) -> TaqSource:
    (root / f"{kind}_{day:%Y%m%d}.csv").write_text("".join(f"{line}\n" for line in (header, *lines)))
    return source(root)


def quotes(root: Path, *rows: tuple[str, float, int, float, int], ex: str = "N") -> TaqSource:
    lines = [f"20180102,{time},{ex},{bid},{size},{ask},{more},R,XXX," for time, bid, size, ask, more in rows]
    return write(root, "quotes", QUOTES, *lines)


def sample(name: str) -> pl.DataFrame:
    """One of the sample's tables, stamps in UTC; pyreadr cuts them to seconds, so they are taken from the file: the
    first vector of doubles, big-endian, behind its type and length."""
    pyreadr = pytest.importorskip("pyreadr")
    file = SHARED / f"{name}.rda"
    frame = pyreadr.read_r(str(file), output_format="polars")[name]
    raw = gzip.decompress(file.read_bytes())
    start = raw.index(struct.pack(">ii", 0x30E, frame.height)) + 8
    seconds = np.frombuffer(raw, ">f8", frame.height, start)
    milliseconds = np.rint(seconds * 1000).astype("int64")
    assert np.array_equal(np.floor(seconds), frame["DT"].dt.epoch("s").to_numpy())
    return frame.with_columns(DT=pl.Series(milliseconds).cast(pl.Datetime("ms", "UTC")))


def write_sample(place: Path) -> None:
    """The raw sample as the files one gets: a CSV a date, DATE and TIME_M in New York time."""
    if not SHARED.is_dir():
        pytest.skip("the TAQ sample is not in the folder `shared/data/taq-sample` beside the checkout")
    local = pl.col("DT").dt.convert_time_zone("America/New_York")
    for name, kind in (("sampleTDataRaw", "trades"), ("sampleQDataRaw", "quotes")):
        stamped = sample(name).with_columns(DATE=local.dt.strftime("%Y%m%d"), TIME_M=local.dt.strftime("%H:%M:%S%.6f"))
        for (date,), rows in stamped.drop("DT").group_by("DATE"):
            rows.rename({"SYMBOL": "SYM_ROOT"}).write_csv(place / f"{kind}_{date}.csv")
