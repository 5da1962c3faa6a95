"""Passwords of databases from a keyring: a real one, in a file, which nothing that is written or told repeats."""

import json
import sys

import attrs
import keyring
import pytest
import sqlalchemy as sa
from keyring.backends.fail import Keyring as NoKeyring
from keyrings.alt.file import PlaintextKeyring
from sql_rows import rows
from sql_servers import Store, postgresql_store

from basalt.cli.main import run
from basalt.errors import UserError
from basalt_io.database import Database

SECRET = "hunter2/@:% x"
URL = "postgresql://quant:${keyring:basalt/results/quant}@localhost/db"


@pytest.fixture
def stored(tmp_path):
    """A keyring in a file, with the password of user quant for the service basalt/results; the one before is put
    back."""
    before, made = keyring.get_keyring(), PlaintextKeyring()
    made.file_path = str(tmp_path / "keyring.cfg")
    keyring.set_keyring(made)
    keyring.set_password("basalt/results", "quant", SECRET)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def store(stored, postgresql, tmp_path) -> Store:
    """A schema, entered as user quant with the password of the keyring."""
    made = postgresql_store(postgresql, tmp_path)
    made.run("DO $$ BEGIN CREATE ROLE quant LOGIN SUPERUSER; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    return attrs.evolve(made, url=postgresql.replace("postgres:@", "quant:${keyring:basalt/results/quant}@"))


def assert_no_secret(text: object) -> None:
    for written in (SECRET, "hunter2"):
        assert written not in str(text)


def test_the_driver_gets_the_password_of_the_keyring(store, target):
    """Slashes, spaces and `@` in it are its own; what stands behind the last slash of the entry is the user."""
    given = []
    engine = Database(store.url, store.folder)._engine
    sa.event.listen(engine, "do_connect", lambda dialect, record, args, options: given.append(dict(options)))
    engine.dispose()
    store.output().check(target)
    assert [(options["user"], options["password"]) for options in given] == [("quant", SECRET)]


PIPELINE = """
name = "bars"
source = {{ type = "simulator", listings = 1, seed = 1, events = 200, from = "2026-01-05", to = "2026-01-05" }}
[[outputs]]
type = "sql"
url = {url}
schema = {schema}
[[passes]]
name = "bars"
every = "1m"
[[passes.modules]]
module = "trade"
"""


def test_a_run_keeps_the_password_to_itself(store, monkeypatch, capfd):
    """Neither the plan, nor the ledger, nor the record of the run, nor what is printed; nor where the run fails."""
    monkeypatch.chdir(store.folder)
    text = PIPELINE.format(url=json.dumps(store.url), schema=json.dumps(store.schema))
    (store.folder / "bars.toml").write_text(text)
    for command in (["plan", "bars.toml", "--format", "json"], ["run", "bars.toml"]):
        assert run(["pipeline", *command]) == 0
    (store.folder / "broken.toml").write_text(text.replace("quant:$", "nobody:$"))
    assert run(["pipeline", "run", "broken.toml"]) == 2
    printed = capfd.readouterr()
    assert 'role "nobody" does not exist' in printed.err
    assert_no_secret(printed.out + printed.err)
    written = [file for file in store.folder.rglob("*") if file.is_file() and file.name != "keyring.cfg"]
    assert any("ledger" in str(file) for file in written)
    for file in written:
        assert_no_secret(file.read_bytes().decode(errors="replace"))
    for row in store.run('SELECT * FROM {}"basalt_columns"') + store.run('SELECT * FROM {}"basalt_ledger"'):
        assert_no_secret(row)


def test_objects_show_the_entry_alone(store, publish):
    output = store.output()
    staged = publish(output, rows(1))
    for shown in (staged, staged.place, output.config, output, output.__dict__, output._database, store.source()):
        assert_no_secret(repr(shown))
    assert "${keyring:basalt/results/quant}" in repr(output._database)


def test_what_the_server_says_is_told_without_the_password(store):
    """It says which text is no integer."""
    database = Database(store.url, store.folder)
    failing = database.failing(UserError, "it fails", "mend it")
    with pytest.raises(UserError) as refused, failing, database.reading() as connection:
        connection.execute(sa.select(sa.cast(sa.literal(f"<{SECRET}>", sa.Text), sa.Integer)))
    assert str(refused.value) == 'it fails (invalid input syntax for type integer: "<***>"): mend it'
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            URL.replace("quant}", "other}"),
            "url names ${keyring:basalt/results/other}, which the keyring lacks: keyring set basalt/results other",
        ),
        (
            "postgresql://quant:${keyring:quant}@localhost/db",
            "url names ${keyring:quant}, which is no entry of a keyring: write ${keyring:SERVICE/USER}",
        ),
    ],
)
def test_an_entry_that_is_not_there_is_named(stored, tmp_path, url, said):
    with pytest.raises(UserError) as refused:
        _ = Database(url, tmp_path).place
    assert str(refused.value) == said


def test_a_keyring_that_does_not_work_says_so(stored, tmp_path):
    """As where nobody is logged in, and as where it is locked, which backends say in the same way."""
    keyring.set_keyring(NoKeyring())
    with pytest.raises(UserError) as refused:
        _ = Database(URL, tmp_path).place
    said = str(refused.value)
    assert said.startswith("url names ${keyring:basalt/results/quant}, and the keyring cannot be read (No recommended ")
    assert said.endswith("): unlock it, or set a backend that works here")
    assert refused.value.__cause__ is None


def test_without_the_package_it_is_told_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UserError) as refused:
        _ = Database(URL, tmp_path).place
    assert str(refused.value) == (
        "url names ${keyring:basalt/results/quant}, and the package keyring is not installed: pip install "
        "'basalt-io[keyring]'"
    )


def test_a_password_beside_an_entry_is_refused(tmp_path):
    with pytest.raises(UserError, match="url holds a password") as refused:
        Database("postgresql://quant:hunter2${keyring:basalt/quant}@host/db", tmp_path)
    assert_no_secret(refused.value)
