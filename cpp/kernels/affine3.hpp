#pragma once
// value * scale + bias for three channels, shared by the operations that make floats of bytes.

namespace ei {

struct Affine3 {
    float scale[3];
    float bias[3];
};

}  // namespace ei
