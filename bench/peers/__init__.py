"""What people use today: one file for each library that edgeinfer is measured beside.

Each takes a 1080p RGB frame, or a network file, and gives what edgeinfer gives. All run in one
thread, at the fastest settings a careful user would find, and with buffers of their own made once
where the library allows that. A peer that is not installed, or cannot load a network, is told with
the reason; nothing is dropped in silence.
"""

from peers.arrays import MEAN, STD, ClassMap, Frame, Tensor
from peers.onnxruntime_python import CommonWay, HandTunedWay, one_thread_session
from peers.opencv import common_preprocess

__all__ = (
    "MEAN",
    "STD",
    "ClassMap",
    "CommonWay",
    "Frame",
    "HandTunedWay",
    "Tensor",
    "common_preprocess",
    "one_thread_session",
)
