"""A result never depends on how the work was cut."""


def test_smoke(desk_in, expected):
    assert {name: rows.height for name, rows in expected.items()} == {}
