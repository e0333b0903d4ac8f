"""Candidate frames of crystals."""

from __future__ import annotations

import numpy as np
import pytest

from data.symmetry import symmetrise
from models.graphs.frames import SIGNED_PERMUTATIONS, triads
from pipeline.features.frames import candidate_frames
from pipeline.features.vectors import vector_arrays
from tests.contract import crystals as made

torch = pytest.importorskip("torch")


def frames_of(lattice: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, 3, 3) candidates, and which of them are the standard setting."""
    reduced, first, second, axes, standard = candidate_frames(lattice, rotations)
    cross = triads(torch.from_numpy(first @ reduced), torch.from_numpy(second @ reduced)).numpy()
    return SIGNED_PERMUTATIONS[axes] @ cross, standard


def classes(frames: np.ndarray, rotations: np.ndarray) -> set[tuple[float, ...]]:
    """One name for each class of frames modulo the point group: its lexicographically first member."""
    members = np.round(frames[:, None] @ rotations.transpose(0, 2, 1)[None], 5).reshape(len(frames), -1, 9) + 0.0
    return {min(map(tuple, m.tolist())) for m in members}


@pytest.mark.parametrize("name", list(made.hand_built()))
def test_one_of_each_class_and_the_standard_setting_among_them(name: str) -> None:
    cell = symmetrise(made.hand_built()[name])
    rotations = vector_arrays([cell], made.SETTINGS)["rotation"]
    frames, standard = frames_of(cell.lattice, rotations)
    assert np.abs(frames @ frames.transpose(0, 2, 1) - np.eye(3)).max() < 1e-9
    assert len(classes(frames, rotations)) == len(frames)
    equivalent = np.abs(frames[:, None] - rotations[None]).max(axis=(2, 3)).min(axis=1) < 1e-6
    np.testing.assert_array_equal(standard, equivalent)
    assert standard.sum() == 1


@pytest.mark.parametrize("handedness", [1, -1])
@pytest.mark.parametrize("name", list(made.hand_built()))
def test_frames_turn_with_the_crystal_whatever_its_cell(name: str, handedness: int) -> None:
    cell = symmetrise(made.hand_built()[name])
    rotations = vector_arrays([cell], made.SETTINGS)["rotation"]
    q = made.random_rotation(7, handedness)
    other_cell = np.array([[1, 1, 0], [0, 1, -1], [0, 0, 1]]) @ cell.lattice @ q.T
    frames, _ = frames_of(cell.lattice, rotations)
    turned, _ = frames_of(other_cell, q @ rotations @ q.T)
    assert classes(turned @ q, rotations) == classes(frames, rotations)
