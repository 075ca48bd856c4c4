"""Every figure, computed and drawn once for all tests of a run."""

import fcntl
import os

import pytest
from support.compiling import optimized

import jaxtransport as jt
from jaxtransport.jobs import figures as jobs
from jaxtransport.plot.figures import FIGURES


def compiled_well_where_it_pays(spec, *args, execute=jobs.execute, **more):
    """The exact law computes for longer than it compiles in these two."""
    with optimized(spec.axis("temperature") is not None or spec.title == "How far to trust each law: exact"):
        return execute(spec, *args, **more)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder in which `jaxtransport figures` ran once; one for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "paper"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first process computes, the others wait for it
        if not (folder / "done").exists():
            patch.chdir(folder)
            patch.setattr(jobs, "execute", compiled_well_where_it_pays)
            made = list(jobs.figures(folder="pictures"))
            assert [path.stem for path, _ in made] == list(FIGURES)
            assert not any(failed for _, failed in made)
            (folder / "done").touch()
    return folder


@pytest.fixture
def data(folder):
    return lambda name: jt.load(folder / f"results/{name}.h5")
