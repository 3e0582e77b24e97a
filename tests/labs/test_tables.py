"""Tables of the user's own: what is read, what is put right and told, what is refused and why."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from etude.errors import ArgumentError, DataError
from etude.labs.running import material, runner, tables
from etude.labs.running.columns import read_column
from etude.labs.running.delimited import read_sheet
from etude.labs.running.header import KINDS
from etude.labs.running.results import Options
from etude.labs.running.tables import OTHER, Table

N = 120


@pytest.fixture
def columns() -> dict[str, list[Any]]:
    """Columns of every kind; `rent` is a number, `member` yes or no, `tier` one of three."""
    rng = np.random.default_rng(0)
    area = rng.uniform(20, 120, N)
    city = rng.choice(["Bonn", "Köln", "Ulm"], N)
    rent = 8 * area + 200 * (city == "Köln") + rng.normal(0, 10, N)
    return {
        "area": [f"{a:.2f}" for a in area],
        "city": city.tolist(),
        "rent": [f"{r:.1f}" for r in rent],
        "member": rng.choice(["yes", "no"], N).tolist(),
        "tier": np.array(["low", "middle", "high"])[np.digitize(rent, [400, 700])].tolist(),
    }


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    def write(
        columns: dict[str, Sequence[Any]],
        delimiter: str = ",",
        encoding: str = "utf-8",
        names: Sequence[str] | None = None,
        after: str = "",
    ) -> Path:
        path = tmp_path / "own.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            rows = csv.writer(file, delimiter=delimiter)
            rows.writerow(list(columns) if names is None else names)
            rows.writerows(zip(*columns.values(), strict=True))
            file.write(after)
        return path

    return write


def read(path: Path, target: str | None, kinds: Sequence[str] = KINDS, seed: int = 0) -> Table:
    return tables.read_table(path, target, kinds, seed=seed)


def said(table: Table, column: str) -> str:
    return next(f"{what}; {note}" for name, what, note in table.about if name == column)


def test_each_kind_of_target(columns, write):
    path = write(columns)
    rent, member, tier = (read(path, name) for name in ("rent", "member", "tier"))
    assert (rent.kind, rent.class_names) == ("regression", [])
    assert sorted([*rent.train.y, *rent.test.y]) == sorted(map(float, columns["rent"]))
    assert (member.kind, member.class_names) == ("binary", ["no", "yes"])
    assert (tier.kind, tier.class_names) == ("classes", ["high", "low", "middle"])
    assert rent.numbers == ("area", "member") and rent.categories == ("city", "tier")
    assert "city" not in tier.numbers and "tier" not in tier.categories


def test_rows_stay_together_and_a_fifth_of_each_class_is_for_testing(columns, write):
    table = read(write(columns), "tier")
    whole = set(zip(map(float, columns["area"]), columns["city"], columns["tier"], strict=True))
    found = []
    for rows in (table.train, table.test):
        labels = [table.class_names[label] for label in rows.y]
        found += zip(rows["area"].tolist(), rows["city"].tolist(), labels, strict=True)
    assert len(found) == N and set(found) == whole
    for label, name in enumerate(table.class_names):
        count = columns["tier"].count(name)
        assert np.sum(table.test.y == label) == max(1, round(0.2 * count))


def test_the_seed_decides_the_split(columns, write):
    path = write(columns)
    first, again, other = (read(path, "tier", seed=seed).train["area"] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiters_and_encodings(columns, write, delimiter, encoding):
    table = read(write(columns, delimiter, encoding), "rent")
    assert table.values("city") == ["Bonn", "Köln", "Ulm"]
    assert any("Windows-1252" in note for note in table.notes) == (encoding == "cp1252")


def test_decimal_commas_are_read_and_told(columns, write):
    plain = read(write(columns), "rent")
    for name in ("area", "rent"):
        columns[name] = [text.replace(".", ",") for text in columns[name]]
    for delimiter in (";", ","):  # with commas between cells, such numbers are quoted
        table = read(write(columns, delimiter), "rent")
        assert np.array_equal(table.train["area"], plain.train["area"])
        assert np.array_equal(table.train.y, plain.train.y)
        assert "decimal commas" in said(table, "area")


@pytest.mark.parametrize(
    ("cells", "comma", "values"),
    [
        (["1,234.5", "12"], False, [1234.5, 12]),
        (["1.234,5", "12"], False, [1234.5, 12]),
        (["1,234", "5,678"], False, [1234, 5678]),
        (["1,234", "5,678"], True, [1.234, 5.678]),
        (["3.25", "12.345"], True, [3.25, 12.345]),
        (["$1,200", "$7"], False, [1200, 7]),
        (["12 %", "7%"], False, [12, 7]),
        (["1e-3", "-2E2"], False, [1e-3, -200]),
        (["1", "1e400"], False, None),
        (["01067", "50667"], False, None),
        (["1_000", "12"], False, None),
    ],
)
def test_numbers_as_people_write_them(cells, comma, values):
    column = read_column("x", cells, decimal_comma=comma, target=True)
    if values is None:
        assert column.kind == "category"
    else:
        assert column.values.tolist() == values


@pytest.mark.parametrize(
    ("cells", "days", "words"),
    [
        (["1970-01-02", "1970-02-01"], [1, 31], "year-month-day"),
        (["1970-01-02T12:00:00Z", "1970-01-01T00:00:00Z"], [1.5, 0], "year-month-day"),
        (["02.01.1970", "31.01.1970"], [1, 30], "day.month.year"),
        (["01/31/1970", "01/02/1970"], [30, 1], "month/day/year"),
        (["02/01/1970", "03/01/1970"], [1, 2], "it could be month/day/year"),
        (["02.01.1970 06:00", ""], [1.25, np.nan], "1 missing"),
    ],
)
def test_dates_become_days(cells, days, words):
    column = read_column("when", cells, decimal_comma=False, target=True)
    np.testing.assert_array_equal(column.values, days)
    assert words in column.note


def test_missing_values_in_every_spelling(columns, write):
    spellings = ["", "NA", "n/a", "NaN", "null", "None", "?", "-", "#N/A", "<NA>"]
    columns["area"][: len(spellings)] = spellings
    columns["city"][: len(spellings)] = spellings
    table = read(write(columns), "rent")
    assert "10 missing" in said(table, "area") and "10 missing" in said(table, "city")
    assert "(missing)" in table.values("city")
    (x, _), (x_test, _) = table.arrays()
    at, gap = table.features.index("area"), table.features.index("area is missing")
    for part, rows in ((x, table.train), (x_test, table.test)):
        assert np.array_equal(part[:, gap] == 1, np.isnan(rows["area"]))
        assert np.all(part[part[:, gap] == 1, at] == np.nanmean(table.train["area"]))
    assert np.isfinite(x).all() and np.isfinite(x_test).all()


def test_columns_with_nothing_to_learn_from_are_named_and_left_out(columns, write):
    columns |= {
        "unit": ["Euro"] * N,
        "remark": [""] * N,
        "row": list(range(1, N + 1)),
        "customer_id": np.random.default_rng(1).permutation(10**6)[:N].tolist(),
        "name": [f"person {i}" for i in range(N)],
    }
    table = read(write(columns), "rent")
    assert set(table.train.columns) == {"area", "city", "member", "tier"}
    for name, words in {
        "unit": "'Euro'",
        "remark": "no value",
        "row": "running number",
        "customer_id": "a number of its own",
        "name": "a text of its own",
    }.items():
        assert words in said(table, name) and "left out" in said(table, name)


def test_names_that_are_doubled_or_empty(columns, write):
    names = ["area", "", "rent", "area", "tier"]
    table = read(write(columns, names=names), "rent")
    assert [name for name, _, _ in table.about] == ["area", "column 2", "rent", "area (2)", "tier"]
    assert any("no name" in note for note in table.notes)
    assert any("more than one column 'area'" in note for note in table.notes)


def test_a_table_without_names(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "own.csv"
    np.savetxt(path, rng.normal(size=(50, 3)), delimiter=",", fmt="%.4f")
    table = read(path, "column 3")
    assert table.numbers == ("column 1", "column 2")
    assert len(table.train) + len(table.test) == 50
    assert any("numbers, not names" in note for note in table.notes)


def test_ragged_rows_are_named_by_their_lines(columns, write):
    table = read(
        write(columns, after="50,Ulm,500\n\n60,Ulm,600,no,low,7\n70,Ulm,700,no,low,\n"), "rent"
    )
    assert len(table.train) + len(table.test) == N + 2
    assert any("too few" in note and f"line {N + 2})" in note for note in table.notes)
    assert any("more cells" in note and f"line {N + 4})" in note for note in table.notes)


def test_a_first_column_that_r_leaves_without_a_name(columns, write):
    numbered = {"row": [f"r{i}" for i in range(N)], **columns}
    table = read(write(numbered, names=list(columns)), "rent")
    assert said(table, "column 1").startswith("identifier")
    assert np.array_equal(table.train.y, read(write(columns), "rent").train.y)


def test_quoted_cells_may_hold_delimiters_quotes_and_lines(columns, write):
    columns["city"] = [f'{c}, "on\nthe water"' for c in columns["city"]]
    sheet = read_sheet(write(columns))
    assert sheet.columns["city"] == columns["city"]
    assert sheet.lines[1] == 4, "the first row takes two lines"


def test_categories_that_training_never_saw(columns, write):
    path = write(columns)
    last = read(path, "rent").test["area"][0]
    columns["city"][columns["area"].index(f"{last:.2f}")] = "Jena"
    table = read(write(columns), "rent")
    assert any("'city'" in note and "'Jena'" in note for note in table.notes)
    assert table.test["city"][0] == OTHER and "Jena" not in table.values("city")
    _, (x_test, _) = table.arrays()
    places = [i for i, name in enumerate(table.features) if name.startswith("city")]
    assert not x_test[0, places].any() and x_test[1:, places].any(axis=1).all()


def test_rare_values_of_a_wide_category_are_one(columns, write):
    columns["street"] = [f"street {i % 55}" for i in range(N)]
    table = read(write(columns), "rent")
    assert len(table.values("street")) == 50
    assert any("'street'" in note and "50 most frequent" in note for note in table.notes)


def test_tiny_classes_are_named_and_left_out(columns, write):
    columns["tier"][:3] = ["royal"] * 3
    table = read(write(columns), "tier")
    assert "royal" not in table.class_names
    assert any("'royal' (3)" in note for note in table.notes)
    assert len(table.train) + len(table.test) == N - 3


def test_rows_without_the_answer_are_left_out(columns, write):
    columns["rent"][4] = "NA"
    table = read(write(columns), "rent")
    assert len(table.train) + len(table.test) == N - 1
    assert any("Rows without a 'rent'" in note and "line 6" in note for note in table.notes)


def test_a_column_that_gives_the_answer_away_is_named(columns, write):
    columns["tier code"] = [{"low": "A", "middle": "B", "high": "C"}[t] for t in columns["tier"]]
    columns["rent in cents"] = [f"{100 * float(r):.0f}" for r in columns["rent"]]
    path = write(columns)
    assert any("'tier code' alone tells" in note for note in read(path, "tier").notes)
    assert any("'rent in cents' alone tells" in note for note in read(path, "rent").notes)
    assert not any("'area' alone" in note for note in read(path, "rent").notes)


def test_copies_are_counted(columns, write):
    for cells in columns.values():
        cells[1] = cells[0]
    assert any("1 rows are exact copies" in note for note in read(write(columns), "rent").notes)


def test_whole_numbers_are_classes_where_they_are_few(columns, write):
    columns["stars"] = [1 + i % 4 for i in range(N)]
    path = write(columns)
    assert read(path, "stars").class_names == ["1", "2", "3", "4"]
    assert read(path, "stars", ("regression",)).kind == "regression"


def test_of_two_texts_the_rarer_is_looked_for(columns, write):
    columns["fault"] = ["broken" if i % 5 == 0 else "whole" for i in range(N)]
    table = read(write(columns), "fault")
    assert table.class_names == ["whole", "broken"]
    assert any("'broken', the rarer" in note for note in table.notes)


def test_nothing_is_learned_from_test_rows(columns, write):
    table = read(write(columns), "rent")
    before = table.arrays()[0][0]
    changed = {n: c[:1] for n, c in table.test.columns.items()}
    smaller = tables.Table(**{**vars(table), "test": tables.Rows(changed, table.test.y[:1])})
    assert np.array_equal(smaller.arrays()[0][0], before)


@pytest.mark.parametrize(
    ("target", "kinds", "words"),
    [
        (None, KINDS, r"with --target.*'area', 'city', 'rent', 'member', 'tier'"),
        ("rnet", KINDS, r"no column 'rnet'\. Did you mean 'rent' or 'area'\?"),
        ("rent", ("binary",), "different numbers, and this lab predicts one of two classes"),
        ("tier", ("regression", "binary"), "holds 3 classes, and this lab predicts a number or"),
        ("code", KINDS, "120 different texts in 120 rows"),
        ("same", KINDS, "the same in every row"),
        ("empty", KINDS, "At least 20"),
    ],
)
def test_targets_that_cannot_be_used_are_refused_with_advice(columns, write, target, kinds, words):
    more = {"code": [f"a{i}" for i in range(N)], "same": ["x"] * N, "empty": [""] * N}
    path = write(columns | ({target: more[target]} if target in more else {}))
    with pytest.raises(DataError, match=words):
        read(path, target, kinds)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no table with at least two columns"),
        (b"a\n1\n2\n", "no table with at least two columns"),
        (b"PK\x03\x04 rest", "Save it there as CSV"),
        (b"a,b\n\0\0,1\n", "not text"),
        (b"a,b\n1,2\n3,4\n", "At least 20"),
        (b"a,b\n", "At least 20"),
        (b"\xff\xfea,b", "damaged"),
        (b"a,b\n" + b"1,2,3\n1,2\n" * 50, "decimal comma"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_advice(tmp_path, content, words):
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read(path, "b")


def test_paths_that_are_no_table_are_refused(tmp_path):
    (tmp_path / "own.xlsx").write_bytes(b"PK")
    for name, words in (("own.xlsx", "something else"), ("no.csv", "nothing at that path")):
        with pytest.raises(DataError, match=words):
            read(tmp_path / name, "b")


HEADER = """\
title = "A lab for tests"
summary = "It trains nothing."
unit = 2
topics = ["testing"]

[data]
name = "wine"
table = ["regression", "classes"]

[metrics.accuracy]
target = {full = 0.9}
source = "made up"

[metrics.gain]
target = {own = 0.1}
source = "made up"
"""
BODY = """\
# %%
from etude import labs

lab = labs.begin("small-lab")
table = lab.load_table()
(x, y), _ = table.arrays()
if lab.own_data:
    lab.metric("gain", 0.2)
else:
    lab.metric("accuracy", 0.95)
"""


def test_a_lab_reports_on_the_users_table_what_it_promises_for_such_runs(columns, write, write_lab):
    lab = write_lab(BODY, HEADER)
    options = Options(data=write(columns), target="rent", out=Path("reports"))
    result = runner.run(lab, options, lambda _: None)
    assert [(s.name, s.target, s.reached) for s in result.scores] == [("gain", 0.1, True)]
    assert result.as_dict()["data"]["target"] == "rent"
    page = result.report.read_text(encoding="utf-8")
    assert "Your table: own.csv" in page and "category, 3 values" in page
    assert "--target rent" in page, "how to repeat the run"
    ordinary = runner.run(lab, Options(), lambda _: None)
    assert [(s.name, s.target) for s in ordinary.scores] == [("accuracy", 0.9)]
    table = ordinary.namespace["table"]
    assert table.kind == "classes" and table.numbers[0] == "alcohol"
    assert ordinary.namespace["x"].shape == (142, 13)


def test_what_is_wrong_with_a_table_is_told_before_the_lab_begins(columns, write, write_lab):
    lab = write_lab("# %%\nraise AssertionError\n", HEADER)
    with pytest.raises(DataError, match="lab predicts a number or one of several"):
        runner.run(lab, Options(data=write(columns), target="member"), lambda _: None)
    with pytest.raises(ArgumentError, match="goes together with --data"):
        runner.run(lab, Options(target="rent"), lambda _: None)
    images = write_lab()
    with pytest.raises(DataError, match="this lab takes none"):
        runner.run(images, Options(data=write(columns), target="rent"), lambda _: None)


def test_data_sets_of_numbers_to_predict_have_no_classes():
    found = material.find(material.DataNeed("diabetes"), None, seed=0)
    assert found.class_names == []
    assert "classes" not in found.as_dict()
    assert material.as_table(found).kind == "regression"
