// The DCT of eight values and its inverse in integers (jrecomp/restoration/transform.py), for vectors and for
// numbers.
#pragma once

namespace jrecomp {

constexpr int kConstantBits = 13;
constexpr int kOne = 1 << kConstantBits;
// sqrt(2) cos(k pi / 16) in units of 2^-kConstantBits.
constexpr int kCos1 = 11363, kCos2 = 10703, kCos3 = 9633, kCos5 = 6436, kCos6 = 4433, kCos7 = 2260;

// sqrt(8) times the orthonormal DCT of x, in units of 2^-kConstantBits.
template <class T>
inline void analyse(const T* x, T* out) {
    const T s0 = x[0] + x[7], s1 = x[1] + x[6], s2 = x[2] + x[5], s3 = x[3] + x[4];
    const T d0 = x[0] - x[7], d1 = x[1] - x[6], d2 = x[2] - x[5], d3 = x[3] - x[4];
    const T a = s0 + s3, b = s1 + s2, c = s0 - s3, d = s1 - s2;
    out[0] = (a + b) * kOne;
    out[1] = d0 * kCos1 + d1 * kCos3 + d2 * kCos5 + d3 * kCos7;
    out[2] = c * kCos2 + d * kCos6;
    out[3] = d0 * kCos3 - d1 * kCos7 - d2 * kCos1 - d3 * kCos5;
    out[4] = (a - b) * kOne;
    out[5] = d0 * kCos5 - d1 * kCos1 + d2 * kCos7 + d3 * kCos3;
    out[6] = c * kCos6 - d * kCos2;
    out[7] = d0 * kCos7 - d1 * kCos5 + d2 * kCos3 - d3 * kCos1;
}

// sqrt(8) times the inverse of the orthonormal DCT, in units of 2^-kConstantBits.
template <class T>
inline void compose(const T* x, T* out) {
    const T a = (x[0] + x[4]) * kOne, b = (x[0] - x[4]) * kOne;
    const T c = x[2] * kCos2 + x[6] * kCos6, d = x[2] * kCos6 - x[6] * kCos2;
    const T even[4] = {a + c, b + d, b - d, a - c};
    const T odd[4] = {x[1] * kCos1 + x[3] * kCos3 + x[5] * kCos5 + x[7] * kCos7,
                      x[1] * kCos3 - x[3] * kCos7 - x[5] * kCos1 - x[7] * kCos5,
                      x[1] * kCos5 - x[3] * kCos1 + x[5] * kCos7 + x[7] * kCos3,
                      x[1] * kCos7 - x[3] * kCos5 + x[5] * kCos3 - x[7] * kCos1};
    for (int i = 0; i < 4; ++i) {
        out[i] = even[i] + odd[i];
        out[7 - i] = even[i] - odd[i];
    }
}

}  // namespace jrecomp
