"""What a call costs beside the network: an Identity of eight floats."""

import numpy as np

import edgeinfer as ei
from benchmarks import needs
from call_overhead import SHAPE, identity


class CallOverhead:
    def setup(self) -> None:
        needs(ei.Session, "bind")
        self.values = np.arange(8, dtype=np.float32).reshape(SHAPE)
        self.session = ei.Session(identity(), threads=1)
        self.binding = self.session.bind()
        self.binding.inputs["x"][...] = self.values
        self.binding.run()
        np.testing.assert_array_equal(self.binding.outputs["y"], self.values)
        np.testing.assert_array_equal(self.session.run(self.values)["y"], self.values)

    def teardown(self) -> None:
        self.session.close()

    def time_session_run(self) -> None:
        self.session.run(self.values)

    def time_binding_run(self) -> None:
        self.binding.run()
