"""Odd inputs of the command line: each is answered by a result, or by one line that says what is wrong."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import matplotlib as mpl
import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport import models
from jaxtransport.compute import memory, xla
from jaxtransport.errors import InputError
from jaxtransport.plot import draw, style
from jaxtransport.spec import values
from jaxtransport.store.export import export
from jaxtransport.store.lock import share

SPEC = """\
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
mu_bar = 0.7
delta_mu = 0.1
injection = 0.3
[output]
variables = ["conductance", "potential_forward"]
"""
SWEPT = SPEC.replace("mu_bar = 0.7\n", "") + "[grid]\nmu_bar = [-0.5, 0.5]\n"


@pytest.fixture(scope="module")
def point(tmp_path_factory):
    """One point, without [grid]."""
    folder = tmp_path_factory.mktemp("point")
    (folder / "spec.toml").write_text(SPEC)
    jt.run(folder / "spec.toml", folder / "out.h5")
    return folder / "out.h5"


@pytest.fixture
def command(jaxtransport, tmp_path, monkeypatch):
    """The command line in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return jaxtransport


def refused(answer, *says):
    code, _, err = answer
    assert code == 2, err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert "Errno" not in err
    for text in says:
        assert text in err


@pytest.mark.parametrize("names", [None, ["conductance"], ["potential_forward"], ["status", "conductance"]])
def test_csv_of_one_point_with_and_without_a_profile(names, point, tmp_path):
    export(point, tmp_path / "out.csv", variables=names)
    rows = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()]
    profile = names is None or "potential_forward" in names
    assert len(rows) == (7 if profile else 2)
    if "conductance" in rows[0]:
        value = float(jt.load(point)["conductance"])
        assert all(float(row[rows[0].index("conductance")]) == value for row in rows[1:])


TITLES = (
    "half: $\\frac{$ of it",
    "$\\sqrt[$",
    "5 $ and 6 $",
    "$",
    "$$",
    "$\\undefined$",
    "a\\b\\",
    "x" * 5000,
    "many words " * 500,
    "bell \x07 escape \x1b tab \t end",
    "線 провод 😀 سلك",
    "$\\gamma$ on a first line\nand $\\frac{$",
    "line\nbreak",
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize("title", TITLES, ids=range(len(TITLES)))
def test_any_title_is_drawn(title, kind, point, tmp_path):
    data = jt.load(point).assign_attrs(title=title)
    picture = tmp_path / f"out.{kind}"
    with style.applied(), mpl.rc_context({"savefig.dpi": 20}):
        figure = draw.draw(data)
        draw.save(figure, picture, [data])
    text = figure.get_suptitle()
    assert picture.stat().st_size > 1000
    assert text.startswith(style.printable(title).split()[0][:20])
    if kind == "svg":
        import xml.etree.ElementTree

        xml.etree.ElementTree.parse(picture)


def test_a_title_is_text_and_no_formula(point):
    with style.applied():
        figure = draw.draw(jt.load(point).assign_attrs(title=r"5$ to 10$ a_b \gamma"))
    assert figure.get_suptitle() == r"5$ to 10$ a_b \gamma"
    assert not figure._suptitle.get_parse_math()


def test_a_huge_file_or_none_at_all_is_no_spec(command, tmp_path):
    with open(tmp_path / "big.toml", "wb") as file:
        file.truncate(10 * 2**30)
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    os.mkfifo(tmp_path / "fifo.toml")
    for name in ("run", "validate", "zeros"):
        refused(command(name, "big.toml"), "big.toml has more than 10,000,000 bytes")
        refused(command(name, "binary.toml"), "binary.toml cannot be read (not UTF-8: ")
        for path in (".", "fifo.toml", "/dev/zero"):
            refused(command(name, path), f"{path} is a folder or a device")
        refused(command(name, "none.toml"), "none.toml: no such file")
        refused(command(name, "x" * 258), "no such file")


def test_a_huge_file_or_none_at_all_is_no_result(command, tmp_path):
    with open(tmp_path / "big.h5", "wb") as file:
        file.truncate(10 * 2**30)
    os.mkfifo(tmp_path / "fifo.h5")
    for path in (".", "/", "", ".."):
        refused(command("plot", path), "is a folder or a device")
    for arguments in (("status",), ("plot", "-o", "out.png"), ("export", "-o", "out.nc")):
        refused(command(arguments[0], "big.h5", *arguments[1:]), "big.h5 is not an HDF5 file")
        for path in (".", "fifo.h5", "/dev/zero"):
            refused(command(arguments[0], path, *arguments[1:]), path)
    assert sorted(os.listdir()) == ["big.h5", "fifo.h5"]


RANGES = {
    "{ start = -1.7e308, stop = 1.7e308, num = 5 }": "expected a range of finite width",
    "{ start = -1e308, stop = 1e308, step = 1e307 }": "expected a range of finite width",
    "{ start = 0.0, stop = 1.0, step = 5e-324 }": "got more than a double counts",
    "{ start = 0.0, stop = 1.0, step = 1e-300 }": "expected at most 10,000,000 values",
    "{ start = 1e17, stop = 1.0000000000000002e17, step = 1.0 }": "duplicate value",
    "{ start = 0.0, stop = 5e-324, num = 5 }": "duplicate value",
    "{ start = 0.5, stop = 0.5, num = 2 }": "duplicate value",
    "{ start = 0.0, stop = 1.0, num = 5, spacing = 'log' }": "logarithmic",
    "{ start = 0.0, stop = 1.7e308, num = 3 }": "expected a finite number .* got 8.5e.307",
    "{ start = 1e-308, stop = 1e308, num = 3, spacing = 'log' }": "expected a finite number .* got 1e.308",
    "{ start = 0.0, stop = 1e75, num = 3 }": [0.0, 5e74, 1e75],
    "{ start = 1e-75, stop = 1e75, num = 3, spacing = 'log' }": [1e-75, 1.0, 1e75],
    "{ start = 0.5, stop = 0.5, step = 0.1 }": [0.5],
    "{ start = 0.5, stop = 0.5, num = 1 }": [0.5],
    "{ start = 5e-324, stop = 1.5e-323, step = 5e-324 }": [5e-324, 1e-323, 1.5e-323],
}


@pytest.mark.parametrize("given", RANGES)
def test_ranges_over_all_doubles(given):
    text = SPEC + f"[grid]\nonsite = {given}\n"
    if isinstance(RANGES[given], str):
        with pytest.raises(InputError, match=RANGES[given]) as caught:
            models.parse(text)
        assert caught.value.mistakes[0].startswith("grid.onsite: ")
    else:
        found = models.parse(text).axes[0].values
        np.testing.assert_allclose(found, RANGES[given], rtol=1e-12)
        assert found[-1] == RANGES[given][-1]


def test_a_stop_that_no_step_meets_is_said(command, tmp_path):
    text = SPEC.replace('"potential_forward"', '"nonreciprocity"').replace("gamma = 0.5\n", "")
    grid = "[grid]\ngamma = { start = 0.1, stop = 0.55, step = 0.1 }\n"
    (tmp_path / "spec.toml").write_text(text + grid)
    note = "grid.gamma: the axis ends at 0.5; no step of 0.1 meets stop = 0.55"
    assert f"  note       {note}\n" in command("validate", "spec.toml")[1]
    assert command("run", "spec.toml", "-o", "out.h5")[2].splitlines()[0] == f"note: {note}"
    for option in ("--quiet", "--json"):
        assert command("run", "spec.toml", "-o", "out.h5", option)[2] == ""
    assert models.read(tmp_path / "spec.toml").notes == (note,)
    assert models.parse(text + grid.replace("0.55", "0.5")).notes == ()
    once = models.parse(text + "[grid]\ngamma = { start = 0.1, stop = 0.5, num = 1 }\n")
    assert once.notes == ("grid.gamma: the axis ends at 0.1; num = 1 does not reach stop = 0.5",)
    assert values.short_of_stop([1, 2], np.array([1, 2])) == ""


def test_names_that_no_file_can_have(command, point, tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    for ending in ("nc", "h5", "png"):
        os.symlink(f"b.{ending}", f"a.{ending}")
        os.symlink(f"a.{ending}", f"b.{ending}")
    targets = {
        "export": (("export", point), "nc", "-o "),
        "plot": (("plot", point), "png", "-o "),
        "run": (("run", "spec.toml"), "h5", "output "),
    }
    for arguments, ending, option in targets.values():
        names = (f"a.{ending}", "x" * 258 + f".{ending}", f"line\nbreak.{ending}", f"spec.toml/x.{ending}")
        for name in names:
            refused(command(*arguments, "-o", name), f"error: {option}")
    refused(command("figures", "5", "-o", "a.png"), "error: -o a.png")
    refused(command("figures", "5", "-o", "x" * 258), "error: -o ")
    with pytest.raises(InputError, match="cannot be printed"):
        export(point, tmp_path / "nul\0.nc")


def test_twelve_pictures_to_one_name_at_once(point, tmp_path):
    """All are being written before the first one takes its name."""
    data, picture = jt.load(point), tmp_path / "out.png"
    barrier = threading.Barrier(12, timeout=600)

    class Slow:
        def get_figwidth(self):
            return 5.0

        def savefig(self, part, **_):
            Path(part).write_bytes(b"begun")
            barrier.wait()
            Path(part).write_bytes(b"whole" * 1000)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(12) as pool:
        patch.setattr(draw.panels.plt, "close", lambda figure: None)
        list(pool.map(lambda _: draw.save(Slow(), picture, [data]), range(12)))
    assert picture.read_bytes() == b"whole" * 1000
    assert os.listdir(tmp_path) == ["out.png"]


def test_a_target_that_another_export_made_meanwhile_is_not_replaced(point, tmp_path, monkeypatch):
    from jaxtransport.store import export as exports

    class Late(exports.Lock):
        def __init__(self, target):
            target.write_text("another's")
            super().__init__(target)

    monkeypatch.setattr(exports, "Lock", Late)
    with pytest.raises(InputError, match="exists; use --force to overwrite"):
        export(point, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "another's"
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("number", ["100000", "0", "-1", "99999999999999999999"])
def test_numbers_of_devices_that_cannot_be(number, command, tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    refused(command("run", "spec.toml", "--devices", number), f"--devices {number}: ", "from 1 to ")


@pytest.mark.parametrize("value", ["abc", "0", "1.5", "-3", "100000", ""])
def test_numbers_of_devices_in_the_environment(value, command, tmp_path, monkeypatch):
    monkeypatch.setenv(xla.NUMBER, value)
    (tmp_path / "spec.toml").write_text(SPEC)
    for arguments in (("run", "spec.toml"), ("zeros", "spec.toml"), ("info",), ("figures", "5")):
        refused(command(*arguments), f"{xla.NUMBER} = {value!r} in the environment")
    assert command("validate", "spec.toml")[0] == 0


# Opens a result as a run does and waits.
WRITER = """
import os, sys
from pathlib import Path
from jaxtransport.store.lock import share
descriptor = os.open(sys.argv[1], os.O_RDWR)
share(descriptor, Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_two_names_of_one_file_are_not_written_at_once(command, tmp_path):
    (tmp_path / "spec.toml").write_text(SWEPT)
    jt.run(tmp_path / "spec.toml", tmp_path / "one.h5")
    with h5py.File(tmp_path / "one.h5", "r+", locking=False) as file:
        file["status"][0] = -1  # so that something is left to compute
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, "one.h5"], stdin=pipe, stdout=pipe, text=True, cwd=tmp_path
    ) as other:
        assert other.stdout.readline() == "held\n"
        os.link("one.h5", "two.h5")  # while it is written
        refused(command("run", "spec.toml", "-o", "two.h5"), "two.h5 is open elsewhere", "2 names")
        with h5py.File("two.h5", "r") as file:  # with HDF5's own lock
            assert file["status"].shape == (2,)
        other.stdin.write("\n")
    assert command("run", "spec.toml", "-o", "two.h5")[0] == 0
    os.unlink("two.h5")
    first, second = (os.open("one.h5", os.O_RDWR) for _ in range(2))
    share(first, Path("one.h5"))  # one name: its lock file is enough
    share(second, Path("one.h5"))
    os.close(first)
    os.close(second)


def test_what_does_not_fit_in_memory_is_refused_before_anything_is_computed(command, tmp_path, monkeypatch):
    (tmp_path / "spec.toml").write_text(SWEPT)
    (tmp_path / "zeros.toml").write_text(
        SPEC.split("[output]")[0] + "[search]\nover = { gamma = [0.1, 1.0] }\n"
    )
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * 10**8)
    for name in ("run", "zeros"):
        spec = {"run": "spec.toml", "zeros": "zeros.toml"}[name]
        refused(command(name, spec, "-o", "out.h5"), "memory: this needs about 0.", "0.2 GB are free")
        assert not (tmp_path / "out.h5").exists()
    assert command("validate", "spec.toml")[0] == 0


def test_free_memory_is_that_of_the_machine_and_of_its_group(tmp_path, monkeypatch):
    info, limit, use = (tmp_path / name for name in ("meminfo", "max", "current"))
    monkeypatch.setattr(memory, "MEMINFO", info)
    monkeypatch.setattr(memory, "GROUPS", ((limit, use),))
    assert memory.free_memory() is None
    info.write_text("MemTotal: 9000 kB\nMemAvailable: 4000 kB\n")
    limit.write_text("max\n")
    use.write_text("5\n")
    assert memory.free_memory() == 4000 * 1024
    limit.write_text("2000005\n")
    assert memory.free_memory() == 2_000_000
