"""Every kernel and law is lowered for CUDA, which needs no GPU: what XLA cannot do there fails here."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from jax import export

from jaxtransport import models
from jaxtransport.green.chain import Chain
from jaxtransport.green.kernels import LONG, kernel_for
from jaxtransport.green.parallel_chain import ParallelChain
from jaxtransport.models.quantum.task import make_task

SPEC = """
[wire]
layout = "dimers"
N = {N}
[drive]
delta_mu = 0.1
injection = 0.05
[solve]
{solve}
[grid]
gamma = [0.3, 0.5]
mu_bar = [0.1, 0.2]
"""
LEADS, ALONG = ("nonreciprocity",), ("nonreciprocity", "residual", "potential_forward", "heat_reverse")
LIBRARIES = [
    "cusolver_getrf_ffi",
    "cu_lu_pivots_to_permutation",
    "cublas_trsm",
    "cublas_trsm_batched_ffi",
    "cusolver_geqrf_ffi",
    "cusolver_orgqr_ffi",
    "cusolver_syevd_ffi",
]


def lowered(solve: str, variables: tuple[str, ...], stage: int, monkeypatch, N: int = 6) -> str:
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    task = make_task(replace(models.parse(SPEC.format(solve=solve, N=N)), variables=variables))
    evaluate = (task.evaluate, *task.retries)[stage]
    many = jax.jit(jax.vmap(evaluate, in_axes=(0, None, None)))
    point = {name: np.full(8, 0.3) for name in ("gamma", "mu_bar", "_")}
    shared = jax.tree.map(np.asarray, task.shared(task.size))
    checks = [export.DisabledSafetyCheck.custom_call(name) for name in LIBRARIES]
    made = export.export(many, platforms=["cuda"], disabled_checks=checks)
    return made(point, {"_": np.zeros(1)}, shared).mlir_module()


@pytest.mark.parametrize("stage", [0, 1], ids=["kernel", "careful"])
@pytest.mark.parametrize("variables", [LEADS, ALONG], ids=["leads", "along"])
@pytest.mark.parametrize("kernel", ["chain", "dense"])
def test_kernels(kernel, variables, stage, monkeypatch):
    assert "stablehlo" in lowered(f'kernel = "{kernel}"', variables, stage, monkeypatch)


@pytest.mark.parametrize("variables", [LEADS, ALONG], ids=["leads", "along"])
def test_long_wires_go_in_pieces(variables, monkeypatch):
    assert kernel_for("auto", LONG, alone=False) is Chain
    assert "stablehlo" in lowered('kernel = "auto"', variables, 0, monkeypatch, LONG)
    assert kernel_for("auto", LONG, alone=False) is ParallelChain


@pytest.mark.slow
@pytest.mark.parametrize("law", ['law = "series"', 'law = "exact"', 'law = "exact"\ntemperature = 0.02'])
def test_laws(law, monkeypatch):
    assert "stablehlo" in lowered(law, ALONG, 0, monkeypatch)
