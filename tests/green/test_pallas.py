"""The chain as one GPU kernel: interpreted here, and compiled for CUDA as far as that goes without a GPU."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from support.checks import close
from support.wires import disordered, make, stack

from jaxtransport import layout as layouts
from jaxtransport.green.chain import Chain
from jaxtransport.green.kernels import PALLAS, kernel_for
from jaxtransport.green.pallas import POINTS, PallasChain
from jaxtransport.green.parallel_chain import ParallelChain


def leads(kernel):
    """(g, r, finite) as a function of a wire and an energy."""

    def answer(wire, energy):
        found = kernel.at(wire, energy)
        return *found.lead_response()[:2], found.finite

    return answer


def same(one, other):
    *numbers, finite = zip(one, other, strict=True)
    assert np.array_equal(*finite)
    for got, expected in numbers:
        close(got, expected, 1e-13)  # 30 sites, the same operations, other fusions


def both(call, *arguments):
    return (jax.jit(call(leads(kernel)))(*arguments) for kernel in (PallasChain, Chain))


@pytest.mark.slow
@pytest.mark.parametrize("points", [1, 5, POINTS, POINTS + 1])
def test_points_in_any_number(points):
    """Couplings differ from point to point, everything else they share."""
    wire = make(layouts.dimers(30), gamma=0.3)
    gammas = np.where(wire.coupling == 1, 1.0, np.linspace(0.1, 0.9, points)[:, None])
    energies = np.linspace(-1.9, 1.9, points)

    def call(answer):
        at = lambda gamma, energy: answer(dataclasses.replace(wire, coupling=gamma), energy)
        return jax.vmap(at)

    same(*both(call, gammas, energies))


@pytest.mark.slow
def test_every_array_of_its_own_and_every_length():
    wires = [disordered(seed, N, sites=32) for seed, N in ((1, 2), (2, 3), (3, 20), (4, 31), (5, 32))]
    same(*both(jax.vmap, stack(wires), jnp.linspace(-1.5, 1.5, 5)))


@pytest.mark.slow
def test_one_point_and_one_wire_at_many_energies():
    wire = disordered(6, 30)
    same(*both(lambda answer: answer, wire, jnp.asarray(0.3)))
    same(*both(lambda answer: jax.vmap(answer, in_axes=(None, 0)), wire, jnp.linspace(-1, 1, 9)))


@pytest.mark.slow
def test_a_number_that_is_not_finite_is_told():
    wire = disordered(7, 30)
    bad = dataclasses.replace(wire, onsite=np.where(np.arange(30) == 20, np.nan, wire.onsite))
    _, _, finite = leads(PallasChain)(bad, jnp.asarray(0.3))
    assert not finite


def test_the_profile_is_that_of_the_chain():
    wire = disordered(8, 30)
    potentials = lambda kernel: kernel.at(wire, jnp.asarray(0.3)).potentials(0.4, 0.5, -0.5)
    close(potentials(PallasChain), potentials(Chain), 1e-15)


def as_if_for_a_gpu():
    """JAX from 0.11.2 on asks which GPU it is that is not there."""
    gpu = jax.sharding.AbstractDevice(device_kind="NVIDIA H100", num_cores=132, platform="gpu")
    return jax.sharding.use_abstract_mesh(jax.sharding.AbstractMesh((), (), abstract_device=gpu))


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")  # by JAX 0.12
def test_for_cuda_it_is_one_kernel_and_no_loop_of_xla(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    wire = disordered(9, 30)
    many = jax.jit(jax.vmap(leads(PallasChain), in_axes=(None, 0)))
    checks = [export.DisabledSafetyCheck.custom_call("__gpu$xla.gpu.triton")]
    with as_if_for_a_gpu():
        made = export.export(many, platforms=["cuda"], disabled_checks=checks)(wire, jnp.linspace(-1, 1, 300))
    text = made.mlir_module()
    assert text.count("__gpu$xla.gpu.triton") == 1
    assert "stablehlo.while" not in text


def test_sweeps_on_a_gpu_use_it_where_they_are_told_to(monkeypatch):
    monkeypatch.setenv(PALLAS, "1")
    assert kernel_for("auto", 30, alone=False) is Chain  # on a CPU it would be interpreted
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert kernel_for("auto", 30, alone=False) is PallasChain
    assert kernel_for("chain", 30, alone=False) is PallasChain
    assert kernel_for("chain", 30, alone=True) is Chain  # gradients pass through this one
    assert kernel_for("auto", 10**6, alone=False) is ParallelChain
    monkeypatch.delenv(PALLAS)
    assert kernel_for("chain", 30, alone=False) is Chain
