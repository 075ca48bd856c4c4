"""Imports point down, run in no circle, and are lazy: what needs no JAX loads none."""

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import jaxtransport

PACKAGE = Path(jaxtransport.__file__).parent

# From the ground up. A module belongs to the longest name that it starts with.
FLOORS = [
    (
        "errors",
        "renamed",
        "arguments",
        "budget",
        "status",
        "layout",
        "band",
        "parameters",
        "coordinates",
        "variables",
        "hints",
        "kinds",
        "tabulated",
        "probe_rules",
        "rules",
        "patterns",
        "text",
        "compute",
    ),
    ("reservoirs",),
    ("wire",),
    ("green",),
    ("probes", "classical", "closed_forms"),
    ("laws",),
    ("steady", "linear", "nonlinear", "constant"),
    ("drive",),
    ("state",),
    ("sweep",),
    ("store", "spec"),
    ("search", "designs"),
    ("models",),
    ("results",),
    ("plot",),
    ("jobs",),
    ("cli", "__main__"),
]
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}

# What these may import of the package, wherever it lies.
GROUND = {*FLOORS[0]}
ONLY = {
    "sweep": {"sweep", "compute", "errors", "status"},
    "store": {"store", "sweep", "compute", "arguments", "errors", "hints", "status", "text"},
    "spec": GROUND | {"spec", "sweep"},
    "plot": GROUND | {"plot", "results", "store", "models", "closed_forms"},
    "closed_forms": {"closed_forms", "arguments", "errors", "hints"},
    "cli": GROUND | {"cli", "models", "results", "store", "sweep", "spec", "jobs", "plot"},
    "jobs": GROUND | {"jobs", "models", "results", "store", "sweep", "spec", "plot"},
}


def name_of(path):
    """jaxtransport/spec/tables.py -> "spec.tables", jaxtransport/sweep/__init__.py -> "sweep"."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(module, *, everywhere):
    """Modules of the package that `module` imports, at its top or anywhere; not for types alone."""
    found = set()

    def visit(nodes):
        for node in nodes:
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                visit(node.orelse)
            elif isinstance(node, ast.Import):
                found.update(_inside(alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: a relative import"
                for alias in node.names:
                    inner = _inside(f"{node.module}.{alias.name}")
                    found.add(inner if inner in MODULES else _inside(node.module))
            elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                visit(ast.iter_child_nodes(node))

    visit(ast.parse(MODULES[module].read_text(encoding="utf-8")).body)
    return {name for name in found if name} - {module}


def _inside(name):
    """A module's name inside the package, "" for the package itself and for all others."""
    return name.removeprefix("jaxtransport.") if name.startswith("jaxtransport.") else ""


def top(module):
    return module.split(".")[0]


def test_the_map_in_the_readme_has_these_layers():
    """Every name of FLOORS once, in the order of the floors."""
    page = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    table = page.split("| in `jaxtransport/` | what |\n|---|---|\n")[1].split("\n\n")[0]
    listed = [name.strip("` ") for row in table.splitlines() for name in row.split("|")[1].split(",")]
    assert sorted([*listed, "__main__"]) == sorted(FLOOR)
    heights = [FLOOR[name] for name in listed]
    assert heights == sorted(heights)


INNER = [module for module in MODULES if module]  # without jaxtransport/__init__.py


def test_the_graph_is_seen():
    assert "layout" in imports("wire", everywhere=False)
    assert "sweep.grid" in imports("sweep.run", everywhere=False)
    assert "sweep.run" in imports("jobs.run", everywhere=True)
    assert "sweep.run" not in imports("jobs.run", everywhere=False)


def test_imports_point_down():
    unknown = {module for module in INNER if top(module) not in FLOOR}
    assert not unknown, "give them a floor in FLOORS"
    upward = {
        f"{module} -> {name}"
        for module in INNER
        for name in imports(module, everywhere=True)
        if FLOOR.get(top(name), 99) > FLOOR[top(module)]
    }
    assert not upward


def test_what_knows_no_physics_imports_none():
    foreign = {
        f"{module} -> {name}"
        for module in INNER
        if top(module) in ONLY
        for name in imports(module, everywhere=True)
        if top(name) not in ONLY[top(module)]
    }
    assert not foreign


def test_the_package_itself_imports_nothing_of_its_own():
    assert imports("", everywhere=True) == set()


@pytest.mark.slow
def test_no_circles_among_modules():
    graph = {module: imports(module, everywhere=False) for module in INNER}
    done, path = set(), []

    def walk(module):
        assert module not in path, f"a circle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in done:
            return
        path.append(module)
        for following in sorted(graph.get(module, ())):
            walk(following)
        path.pop()
        done.add(module)

    for module in INNER:
        walk(module)


def test_modules_compile_without_a_warning():
    """Python warns only when it compiles, which is once: a fresh clone has to be quiet too."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in MODULES.values():
            compile(path.read_text(encoding="utf-8"), str(path), "exec")


LOADED = 'import sys; print(*sorted({"jax", "jaxlib", "equinox", "matplotlib"}.intersection(sys.modules)))'
WITHOUT_JAX = {
    "the package": "import jaxtransport; jaxtransport.__version__; dir(jaxtransport)",
    "specs": "import jaxtransport.spec.spec",
    "quantum specs": "import jaxtransport.models.quantum.tables",
    "results": "import jaxtransport.store.results",
    "exports": "import jaxtransport.store.export",
    "watching": "import jaxtransport.cli.watch",
    "jobs": "import jaxtransport.jobs.run",
    "the command line": "import jaxtransport.cli.commands",
    "public names of host data": "import jaxtransport as jt; jt.load, jt.run, jt.Layout, jt.InputError",
    "reading and estimating a spec": (
        "from pathlib import Path; from jaxtransport import models; "
        "from jaxtransport.jobs.run import estimate; "
        "estimate(models.read('sweeps/map.toml'), Path('map.h5'))"
    ),
}


def python(code):
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT_JAX)
def test_host_data_needs_no_jax(name):
    assert python(f"{WITHOUT_JAX[name]}; {LOADED}") == ""


@pytest.mark.slow
def test_importing_everything_configures_nothing():
    names = [f"jaxtransport.{module}" for module in INNER if module != "__main__"]
    code = (
        "import importlib, jax, os, warnings; before = dict(jax.config.values), dict(os.environ); "
        f"filters = list(warnings.filters); [importlib.import_module(name) for name in {names}]; "
        "assert (dict(jax.config.values), dict(os.environ)) == before; "
        "print(jax.config.jax_enable_x64, jax._src.xla_bridge.backends_are_initialized())"
    )
    assert python(code) == "False False"


def test_public_names_are_all_there():
    for name in jaxtransport.__all__:
        assert getattr(jaxtransport, name) is not None
    assert dir(jaxtransport) == sorted(jaxtransport.__all__)
    with pytest.raises(AttributeError, match="No jaxtransport attribute nothing"):
        jaxtransport.nothing  # noqa: B018
