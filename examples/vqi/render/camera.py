"""Pinhole camera over a flat plain: metres in, fractions of the picture out.

World: x to the right, y up, z away from the viewer, ground at y = 0, camera at (0, height, 0).
Picture: (0, 0) top left, (1, 1) bottom right, whatever the resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
NEAR_M = 2.0


@dataclass(frozen=True)
class Camera:
    """A view: ``kind``, eye ``height`` in metres, ``focal`` in picture sides, tilt and roll.

    horizon: row of the horizon at the picture's centre column, as a fraction from the top.
    roll: slope of the horizon; small, so a shear stands in for the rotation.
    """

    kind: str
    height: float
    focal: float
    horizon: float
    roll: float

    @property
    def tilt(self) -> tuple[float, float]:
        """(sine, cosine) of the downward pitch; from the horizon, without trigonometry."""
        slope = (0.5 - self.horizon) / self.focal
        length = float(np.sqrt(1.0 + slope * slope))
        return slope / length, 1.0 / length

    def depth(self, world: Points) -> NDArray[np.float64]:
        """Distance along the optical axis of (..., 3) points, metres."""
        sine, cosine = self.tilt
        depth: NDArray[np.float64] = world[..., 2] * cosine - (world[..., 1] - self.height) * sine
        return depth

    def project(self, world: Points) -> Points:
        """(..., 3) world points to (..., 2) picture fractions; points must lie beyond NEAR_M."""
        sine, cosine = self.tilt
        up = (world[..., 1] - self.height) * cosine + world[..., 2] * sine
        scale = self.focal / np.maximum(self.depth(world), NEAR_M)
        x = 0.5 + world[..., 0] * scale
        y = 0.5 - up * scale + self.roll * (x - 0.5)
        return np.stack([x, y], axis=-1)

    def ground(self, x: Points, y: Points) -> tuple[Points, Points]:
        """Where the rays of picture points meet the plain: world (x, z); far beyond the horizon."""
        sine, cosine = self.tilt
        across = (x - 0.5) / self.focal
        up = (0.5 - (y - self.roll * (x - 0.5))) / self.focal
        falling = np.maximum(sine - up * cosine, 1e-4)
        reach = self.height / falling
        return across * reach, (up * sine + cosine) * reach

    def pixels_per_metre(self, depth: float) -> float:
        """Size of one metre at ``depth``, in 1/320 of the picture."""
        return 320.0 * self.focal / max(depth, NEAR_M)


def choose(rng: np.random.Generator) -> Camera:
    """Draw one of four kinds of view: from the field, from a slope, from the air, close up."""
    kind = ("field", "slope", "aerial", "close")[int(rng.choice(4, p=(0.3, 0.22, 0.26, 0.22)))]
    ranges = {
        "field": ((1.6, 12.0), (0.7, 1.5), (0.62, 0.93)),
        "slope": ((18.0, 45.0), (0.8, 1.5), (0.3, 0.62)),
        "aerial": ((55.0, 110.0), (0.8, 1.4), (-0.05, 0.24)),
        "close": ((18.0, 40.0), (0.9, 1.5), (0.35, 0.95)),
    }[kind]
    height, focal, horizon = (float(rng.uniform(*bounds)) for bounds in ranges)
    return Camera(kind, height, focal, horizon, float(rng.uniform(-0.06, 0.06)))
