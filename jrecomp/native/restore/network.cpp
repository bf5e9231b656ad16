#include "network.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace jrecomp {
namespace {

#if defined(__AVX512BW__)
constexpr int kCells = 12;  // of a row that are computed together; the sums of a block are in registers
#else
constexpr int kCells = 5;
#endif
constexpr int kVectors = 2;                  // of sums of each cell
constexpr int kBlock = kVectors * kLanes;    // outputs that are computed together
constexpr int kRing = 3;                     // rows that are kept, as many as a convolution reads
constexpr int kInputLimit = 127, kActivationLimit = 255, kStreamLimit = 32767;
constexpr int kConvolutionShift = 3, kGainShift = 14, kDifferenceBits = 14;
constexpr int kDifferenceLimit = (1 << 14) - 1;  // larger ones give the largest input, whatever the factor

constexpr int kHadamard[kSide][kSide] = {{1, 1, 1, 1}, {1, 1, -1, -1}, {1, -1, -1, 1}, {1, -1, 1, -1}};

using Activations = Activation __attribute__((vector_size(kLanes * sizeof(Activation))));
using Shorts = std::int16_t __attribute__((vector_size(kLanes * sizeof(std::int16_t))));

template <class Vector, class T>
inline Vector load(const T* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof(vector));
    return vector;
}

template <class Vector, class T>
inline void store(T* to, Vector vector) {
    std::memcpy(to, &vector, sizeof(vector));
}

inline void store_activations(Activation* to, Ints values) {
    store(to, __builtin_convertvector(values, Activations));
}

// sum + the products of kStep activations and weights.
inline Ints add_step(Ints sum, std::int32_t activations, Ints weights) {
#if defined(__AVX512VNNI__)
    return (Ints)_mm512_dpbusd_epi32((__m512i)sum, _mm512_set1_epi32(activations), (__m512i)weights);
#else
    return add_products(sum, activations, weights);
#endif
}

constexpr std::int64_t padded(std::int64_t number, int unit) { return (number + unit - 1) / unit * unit; }

// The last rows of a plane with channels: [row % kRing][cell][channel]. A row begins with a cell outside the
// picture, and ends with one and with room for whole blocks of cells.
template <class T>
class Rows {
public:
    Rows(std::int64_t columns, int channels, T outside)
        : columns_(columns),
          channels_(channels),
          stride_((padded(columns, kCells) + 2) * channels),
          values_(kRing * stride_, outside),
          outside_(stride_, outside) {}

    int channels() const { return channels_; }

    // The first cell inside the picture.
    T* row(std::int64_t y) { return &values_[y % kRing * stride_ + channels_]; }

    // The cell before it, in a row that may be just outside the picture.
    const T* read(std::int64_t y, std::int64_t rows) {
        return y < 0 || y >= rows ? outside_.data() : row(y) - channels_;
    }

    // Makes the cells after the end again what they are outside the picture.
    void end(std::int64_t y) { std::copy_n(outside_.data(), channels_, row(y) + columns_ * channels_); }

private:
    std::int64_t columns_;
    int channels_;
    std::int64_t stride_;
    std::vector<T> values_, outside_;
};

// Calls use(cell, output, sums) for all cells of a row and all outputs, kLanes outputs at a time. rows: the three
// rows of inputs, from the cell before the first.
template <class Use>
inline void convolve(const Convolution& convolution, const Activation* const* rows, std::int64_t columns,
                     Use use) {
    const int inputs = convolution.inputs, steps = 3 * inputs / kStep;
    for (int output = 0; output < convolution.outputs; output += kBlock) {
        const Weight* const block = &convolution.weight[static_cast<std::size_t>(output) * 9 * inputs];
        for (std::int64_t x = 0; x < columns; x += kCells) {
            Ints sums[kCells][kVectors];
            for (int v = 0; v < kVectors; ++v) {
                const Ints bias = load<Ints>(&convolution.bias[output + v * kLanes]);
                for (int cell = 0; cell < kCells; ++cell) sums[cell][v] = bias;
            }
            const Weight* weight = block;
            for (int dy = 0; dy < 3; ++dy) {
                const Activation* from = rows[dy] + x * inputs;
                for (int step = 0; step < steps; ++step, from += kStep, weight += kBlock * kStep) {
                    Ints weights[kVectors];
                    for (int v = 0; v < kVectors; ++v) weights[v] = load<Ints>(weight + v * kLanes * kStep);
                    for (int cell = 0; cell < kCells; ++cell) {
                        std::int32_t activations;
                        std::memcpy(&activations, from + cell * inputs, sizeof(activations));
                        for (int v = 0; v < kVectors; ++v)
                            sums[cell][v] = add_step(sums[cell][v], activations, weights[v]);
                    }
                }
            }
            Ints results[kCells][kVectors];  // a copy, so that the sums stay in registers
            std::memcpy(results, sums, sizeof(results));
            for (int cell = 0; cell < kCells; ++cell)
                for (int v = 0; v < kVectors; ++v) use(x + cell, output + v * kLanes, results[cell][v]);
        }
    }
}

// The factors and offsets of a group of channels, padded; offsets include what rounding adds.
struct Group {
    std::vector<std::int32_t> gains, offsets;

    Ints scaled(Ints value, int channel) const {
        return (value * load<Ints>(&gains[channel]) + load<Ints>(&offsets[channel])) >> kGainShift;
    }
};

inline Ints stream_limited(Ints value) { return limited(value, -kStreamLimit, kStreamLimit); }

inline Ints narrowed(Ints sums) { return stream_limited(sums >> kConvolutionShift); }

// Takes the groups of a picture one after the other.
class Groups {
public:
    explicit Groups(const Controls& controls) : gain_(controls.gains.data()), offset_(controls.offsets.data()) {}

    Group next(int count, bool with_offsets = true) {
        const std::size_t size = static_cast<std::size_t>(padded(count, kBlock));
        Group group{std::vector<std::int32_t>(size), std::vector<std::int32_t>(size, 1 << kGainShift >> 1)};
        std::copy_n(gain_, count, group.gains.begin());
        gain_ += count;
        if (!with_offsets) return group;
        for (int i = 0; i < count; ++i) group.offsets[i] += *offset_++;
        return group;
    }

private:
    const std::int16_t* gain_;
    const std::int32_t* offset_;
};

// Rows of a picture, each layer a row after the other, as few rows ahead as the next layer needs.
class Band {
public:
    Band(const std::vector<Convolution>& convolutions, int width, const Controls& controls,
         const CellInputs& inputs)
        : convolutions_(convolutions),
          picture_(inputs),
          rows_(inputs.rows / kSide),
          columns_(inputs.columns / kSide),
          last_(static_cast<int>(convolutions.size()) - 1),
          inputs_(columns_, kInputs, kInputOffset) {
        Groups groups(controls);
        for (int i = 0; i <= last_; ++i) {
            const int count = i < last_ ? width : kSamples, channels = convolutions[i].outputs;
            after_.push_back(groups.next(count, i == 0 || i == last_ || is_middle(i)));
            enter_.push_back(is_middle(i) || i == last_ ? Group{} : groups.next(width));
            activations_.emplace_back(columns_, channels, Activation{0});
            streams_.emplace_back(is_middle(i) ? 0 : columns_, channels, std::int16_t{0});
        }
        for (int row = 0; row < kSide; ++row)
            for (int pair = 0; pair < kSide / 2; ++pair)
                for (int i = 0; i < kPixels; ++i)
                    for (int k = 0; k < 2; ++k)
                        hadamard_[row][pair][i][k] = static_cast<std::int16_t>(
                            kHadamard[i / kSide][row] * kHadamard[i % kSide][2 * pair + k]);
    }

    void correct(std::int64_t first, std::int64_t end, std::int16_t* out) {
        next_input_ = std::max<std::int64_t>(0, first - last_ - 1);
        for (int i = 0; i <= last_; ++i) next_.push_back(std::max<std::int64_t>(0, first - last_ + i));
        for (std::int64_t y = first; y < end; ++y) {
            produce(last_, y);
            spread(y, out);
        }
    }

private:
    const std::vector<Convolution>& convolutions_;
    const CellInputs& picture_;
    std::int64_t rows_, columns_;  // of cells
    int last_;                     // convolution
    alignas(kRegister) std::int16_t hadamard_[kSide][kSide / 2][kPixels][2];  // factors of pairs of samples
    Rows<Activation> inputs_;
    // Of each convolution: what its sums are scaled with, and then for the next one; its results as activations
    // and in the stream.
    std::vector<Group> after_, enter_;
    std::vector<Rows<Activation>> activations_;
    std::vector<Rows<std::int16_t>> streams_;
    std::int64_t next_input_ = 0;
    std::vector<std::int64_t> next_;  // the row that each convolution computes next

    // Whether the results of a convolution go to the second one of its pair only.
    bool is_middle(int i) const { return i % 2 && i < last_; }

    // Computes the rows of the results of a convolution up to row `end`, which is inside the picture.
    void produce(int i, std::int64_t end) {
        for (std::int64_t& y = next_[i]; y <= end; ++y) {
            const std::int64_t below = std::min(y + 1, rows_ - 1);
            if (i > 0)
                produce(i - 1, below);
            else
                for (; next_input_ <= below; ++next_input_) read_cells(next_input_);
            compute(i, y);
        }
    }

    void compute(int i, std::int64_t y) {
        Rows<Activation>& from = i ? activations_[i - 1] : inputs_;
        const Activation* const rows[3] = {from.read(y - 1, rows_), from.read(y, rows_), from.read(y + 1, rows_)};
        Activation* const to = activations_[i].row(y);
        const Group &after = after_[i], &enter = enter_[i];
        const int channels = convolutions_[i].outputs;
        if (is_middle(i)) {
            convolve(convolutions_[i], rows, columns_, [&](std::int64_t x, int channel, Ints sums) {
                const Ints value = limited(after.scaled(narrowed(sums), channel), 0, kActivationLimit);
                store_activations(to + x * channels + channel, value);
            });
        } else {
            std::int16_t* const stream = streams_[i].row(y);
            const std::int16_t* const before = i && i < last_ ? streams_[i - 2].row(y) : nullptr;
            convolve(convolutions_[i], rows, columns_, [&](std::int64_t x, int channel, Ints sums) {
                const std::int64_t place = x * channels + channel;
                Ints value = stream_limited(after.scaled(narrowed(sums), channel));
                if (before)
                    value = stream_limited(value + __builtin_convertvector(load<Shorts>(before + place), Ints));
                store(stream + place, __builtin_convertvector(value, Shorts));
                if (i < last_)
                    store_activations(to + place, limited(enter.scaled(value, channel), 0, kActivationLimit));
            });
        }
        activations_[i].end(y);
    }

    // Computes the inputs of a row of cells.
    void read_cells(std::int64_t y) {
        Activation* to = inputs_.row(y);
        for (std::int64_t x = 0; x < columns_; ++x, to += kInputs) {
            for (int component = 0; component < kComponents; ++component) {
                const std::int64_t place =
                    (component * picture_.rows + y * kSide) * picture_.columns + x * kSide;
                transform(place, component, to + component * kPixels);
                compare(place, component, to + kSamples + component * kPixels);
            }
            std::fill_n(to + 2 * kSamples, kPlaces, Activation{kInputOffset});
            const std::int64_t down = y >> 1 & picture_.halved_down, across = x >> 1 & picture_.halved_across;
            to[2 * kSamples + ((y & 1) << 1 | (x & 1))] += kInputLimit;
            to[2 * kSamples + 4 + (down << 1 | across)] += kInputLimit;
        }
    }

    // The Hadamard coefficients of a cell of a component.
    void transform(std::int64_t place, int component, Activation* to) const {
        std::int32_t pairs[kSide][kSide / 2];
        for (int row = 0; row < kSide; ++row)
            std::memcpy(pairs[row], picture_.restored + place + row * picture_.columns, sizeof(pairs[row]));
        for (int i = 0; i < kPixels; i += kLanes) {
            const Ints shift = load<Ints>(&picture_.shifts[component * kPixels + i]);
            Ints sum = (Ints{} + 1) << shift >> 1;
            for (int row = 0; row < kSide; ++row)
                for (int pair = 0; pair < kSide / 2; ++pair)
                    sum = add_products(sum, pairs[row][pair], load<Ints>(hadamard_[row][pair][i]));
            store_input(to + i, sum >> shift);
        }
    }

    // The differences between decoded and restored samples of a cell of a component.
    void compare(std::int64_t place, int component, Activation* to) const {
        std::int16_t restored[kPixels], decoded[kPixels];
        for (int row = 0; row < kSide; ++row) {
            const std::int64_t from = place + row * picture_.columns;
            std::memcpy(restored + row * kSide, picture_.restored + from, kSide * sizeof(*restored));
            std::memcpy(decoded + row * kSide, picture_.decoded + from, kSide * sizeof(*decoded));
        }
        for (int i = 0; i < kPixels; i += kLanes) {
            const Ints difference = __builtin_convertvector(load<Shorts>(decoded + i), Ints) -
                                    __builtin_convertvector(load<Shorts>(restored + i), Ints);
            const Ints inside = limited(difference, -kDifferenceLimit, kDifferenceLimit);
            store_input(to + i, (inside * picture_.factors[component] + (1 << kDifferenceBits >> 1)) >>
                                    kDifferenceBits);
        }
    }

    static void store_input(Activation* to, Ints value) {
        store_activations(to, limited(value, -kInputLimit, kInputLimit) + kInputOffset);
    }

    // Writes the corrections of a row of cells.
    void spread(std::int64_t y, std::int16_t* out) {
        const std::int16_t* from = streams_[last_].row(y);
        for (std::int64_t x = 0; x < columns_; ++x, from += convolutions_[last_].outputs)
            for (int i = 0; i < kSamples; i += kSide) {
                const std::int64_t row = i / kPixels * picture_.rows + y * kSide + i % kPixels / kSide;
                std::memcpy(out + row * picture_.columns + x * kSide, from + i, kSide * sizeof(*out));
            }
    }
};

}  // namespace

Convolution::Convolution(const std::int8_t* from, int output_count, int input_count, int channels, int offset)
    : inputs(channels),
      outputs(static_cast<int>(padded(output_count, kBlock))),
      weight(static_cast<std::size_t>(outputs) * 9 * inputs),
      bias(outputs, 1 << kConvolutionShift >> 1) {
    for (int output = 0; output < output_count; ++output)
        for (int input = 0; input < input_count; ++input)
            for (int tap = 0; tap < 9; ++tap, ++from) {
                const int step = (output / kBlock * 9 + tap) * (inputs / kStep) + input / kStep;
                weight[(step * kBlock + output % kBlock) * kStep + input % kStep] = *from;
                bias[output] -= offset * *from;
            }
}

Network::Network(std::vector<Convolution> convolutions, int width)
    : convolutions_(std::move(convolutions)), width_(width) {}

void Network::correct(const Controls& controls, const CellInputs& inputs, std::int64_t first, std::int64_t end,
                      std::int16_t* out) const {
    Band(convolutions_, width_, controls, inputs).correct(first, end, out);
}

}  // namespace jrecomp
