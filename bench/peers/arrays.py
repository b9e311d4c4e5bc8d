"""Arrays that go in and out of every peer, and the recipe that they all follow."""

import numpy as np
from numpy.typing import NDArray

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

# (height, width, 3) uint8 RGB.
Frame = NDArray[np.uint8]
# (1, channels, height, width) float32; scores are (1, classes).
Tensor = NDArray[np.float32]
# edgeinfer's masks are uint16 above 256 classes; here there are 21.
ClassMap = NDArray[np.uint8] | NDArray[np.uint16]
