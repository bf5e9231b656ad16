#include "network.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstring>
#include <stdexcept>

namespace jrecomp {

Dense::Dense(const std::int8_t* weight, const std::int32_t* bias, int inputs, int outputs, int offset, int largest)
    : groups_((inputs + 3) / 4),
      padded_outputs_((outputs + 15) / 16 * 16),
      weight_(static_cast<std::size_t>(groups_) * padded_outputs_ * 4),
      bias_(padded_outputs_) {
    for (int o = 0; o < outputs; ++o) {
        std::int32_t total = 0, magnitude = 0;
        for (int i = 0; i < inputs; ++i) {
            const std::int8_t w = weight[o * inputs + i];
            weight_[(static_cast<std::size_t>(i / 4) * padded_outputs_ + o) * 4 + i % 4] = w;
            total += w;
            magnitude += std::abs(w);
        }
        if (I64{magnitude} * largest + std::abs(I64{bias[o]}) >= 1 << 24)
            throw std::invalid_argument("a sum of the network can reach 2^24");
        bias_[o] = bias[o] - offset * total;
    }
}

namespace {

void run_portable(const std::uint8_t* x, int rows, const std::int8_t* weight, const std::int32_t* bias, int groups,
                  int outputs, std::int32_t* sums) {
    for (int r = 0; r < rows; ++r, x += 4 * groups, sums += outputs) {
        std::memcpy(sums, bias, sizeof(std::int32_t) * outputs);
        const std::int8_t* w = weight;
        for (int g = 0; g < groups; ++g, w += 4 * outputs) {
            const std::uint8_t* v = x + 4 * g;
            for (int o = 0; o < outputs; ++o)
                sums[o] += v[0] * w[4 * o] + v[1] * w[4 * o + 1] + v[2] * w[4 * o + 2] + v[3] * w[4 * o + 3];
        }
    }
}

#if defined(__x86_64__)

// kRows rows times Blocks x 16 outputs, all sums in registers.
template <int Blocks>
__attribute__((target("avx512f,avx512vnni"))) void tile_vnni(const std::uint8_t* x, const std::int8_t* weight,
                                                             const std::int32_t* bias, int groups, int outputs,
                                                             std::int32_t* sums) {
    __m512i total[kRows][Blocks];
    for (int r = 0; r < kRows; ++r)
        for (int b = 0; b < Blocks; ++b) total[r][b] = _mm512_loadu_si512(bias + 16 * b);
    for (int g = 0; g < groups; ++g) {
        __m512i w[Blocks];
        for (int b = 0; b < Blocks; ++b)
            w[b] = _mm512_loadu_si512(weight + 4 * (static_cast<std::size_t>(g) * outputs + 16 * b));
        for (int r = 0; r < kRows; ++r) {
            std::int32_t four;
            std::memcpy(&four, x + 4 * (static_cast<std::size_t>(r) * groups + g), 4);
            const __m512i v = _mm512_set1_epi32(four);
            for (int b = 0; b < Blocks; ++b) total[r][b] = _mm512_dpbusd_epi32(total[r][b], v, w[b]);
        }
    }
    for (int r = 0; r < kRows; ++r)
        for (int b = 0; b < Blocks; ++b) _mm512_storeu_si512(sums + r * outputs + 16 * b, total[r][b]);
}

void run_vnni(const std::uint8_t* x, int rows, const std::int8_t* weight, const std::int32_t* bias, int groups,
              int outputs, std::int32_t* sums) {
    constexpr int kWidest = 6;
    for (int r = 0; r < rows; r += kRows, x += 4 * kRows * groups, sums += kRows * outputs) {
        for (int start = 0; start < outputs; start += 16 * kWidest) {
            const std::int8_t* w = weight + 4 * start;
            switch (std::min(kWidest, (outputs - start) / 16)) {
                case 1: tile_vnni<1>(x, w, bias + start, groups, outputs, sums + start); break;
                case 2: tile_vnni<2>(x, w, bias + start, groups, outputs, sums + start); break;
                case 3: tile_vnni<3>(x, w, bias + start, groups, outputs, sums + start); break;
                case 4: tile_vnni<4>(x, w, bias + start, groups, outputs, sums + start); break;
                case 5: tile_vnni<5>(x, w, bias + start, groups, outputs, sums + start); break;
                default: tile_vnni<6>(x, w, bias + start, groups, outputs, sums + start);
            }
        }
    }
}

const bool kVnni = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni");

#endif

}  // namespace

void Dense::run(const std::uint8_t* x, int rows, std::int32_t* sums) const {
#if defined(__x86_64__)
    if (kVnni) return run_vnni(x, rows, weight_.data(), bias_.data(), groups_, padded_outputs_, sums);
#endif
    run_portable(x, rows, weight_.data(), bias_.data(), groups_, padded_outputs_, sums);
}

}  // namespace jrecomp
