// The network inputs of AC planes (docs/format/planes.md on inputs), for a chunk of blocks at once.
#pragma once

#include "inputs.hpp"

namespace jrecomp {

// Inputs besides known values: those independent of references, and those for each reference.
constexpr int kAcScalars = 23, kAcPerReference = 19;

// A selection, by bit mask, of up to kSegment blocks that are contiguous in the order of SplitGrid.
struct Piece {
    int place, parity;  // of the first of those blocks: its place, and its column modulo 2
    std::uint64_t mask;
};

// Up to kChunk blocks of a phase whose coefficient is coded.
struct AcChunk {
    std::vector<Piece> pieces;
    int count = 0;
    int blocks[kChunk];  // indices in a plane with its border
    int rows[kChunk], columns[kChunk];

    void clear() {
        pieces.clear();
        count = 0;
    }

    // Appends the first blocks of a piece, as many as there is room for. Returns the mask of the others.
    std::uint64_t take(const Planes& planes, int row, Piece piece);

    // Sets the coefficients k of the blocks in all arrays of `planes`. They must be zero before.
    void store(Planes& planes, int k, const int* values) const;
};

// Calls use(chunk) for the blocks of a phase whose `last` is at least k, chunk by chunk.
template <class Use>
void for_each_chunk(const Planes& planes, int k, int phase, Use use) {
    AcChunk chunk;
    for (int row = 0; row < planes.rows; ++row) {
        const int parity = (row + phase) % 2, count = (planes.columns - parity + 1) / 2;
        const int start = planes.split.place(row + kBorder, parity + kBorder);
        for (int i = 0; i < count; i += kSegment) {
            std::uint64_t mask = at_least(planes.lasts.data() + start + i, k);
            if (count - i < kSegment) mask &= (std::uint64_t{1} << (count - i)) - 1;
            while (mask) {
                mask = chunk.take(planes, row, {start + i, parity, mask});
                if (chunk.count == kChunk) {
                    use(chunk);
                    chunk.clear();
                }
            }
        }
    }
    if (chunk.count) use(chunk);
}

// Sums of a map over squares around blocks, by a table of sums over rectangles.
class Boxes {
public:
    // map: [rows][columns], values below 2^21.
    void integrate(const std::vector<std::uint32_t>& map, int rows, int columns);

    // The sum over the (2 radius + 1)^2 blocks around one. The map is zero outside; radius is up to kLargest.
    std::uint32_t sum(int row, int column, int radius) const {
        const std::uint32_t* at =
            total_.data() + (row + kLargest - radius) * width_ + column + kLargest - radius;
        const int side = 2 * radius + 1;
        return at[side * width_ + side] - at[side] - at[side * width_] + at[0];  // exact modulo 2^32
    }

    static constexpr int kLargest = 8;

private:
    int width_ = 0;
    // Sums over all blocks above and to the left, modulo 2^32, up to kLargest blocks beyond every edge.
    std::vector<std::uint32_t> total_;
};

// Computes the inputs of AC plane k, first those of phase 0, then those of phase 1.
class AcInputs {
public:
    AcInputs(const Planes& planes, int k, const AcSelection& selection, const Tables& tables,
             const std::vector<Slopes>& slopes);

    // weights: those of the phase's linear prediction, one for each known value.
    void start_phase(int phase, const I64* weights);

    // Writes all inputs of a chunk, [input][kChunk].
    void build(const AcChunk& chunk, Row rows);

private:
    using Energy = std::vector<std::uint32_t>;

    // Sets energy_ [rows][columns]: the summed magnitudes of some planes in sixteenths of this plane's step.
    void energy(const std::vector<int>& planes);
    void known(const AcChunk& chunk, Row rows);
    void predict(const AcChunk& chunk, Row rows);
    void predict_exactly(const AcChunk& chunk);
    void lasts(const AcChunk& chunk, Row rows);
    void boxes(const AcChunk& chunk, Row rows) const;
    void reference(const AcChunk& chunk, const Reference& reference, const Slopes& slopes, Row rows) const;

    template <class T>
    void gather(const AcChunk& chunk, const T* plane, int dy, int dx, T* out) const;

    const Planes& planes_;
    const int k_;
    const AcSelection& selection_;
    const Tables& tables_;
    const std::vector<Slopes>& slopes_;
    const I64 step_;
    int phase_ = 0;
    bool narrow_ = false;                // whether sums of the linear prediction fit in 32 bits
    std::vector<std::uint8_t> lookups_;  // [plane][128]: inputs by magnitude
    std::vector<I64> weights_;
    Energy energy_;
    Boxes near_, own_;
    I64 totals_[kChunk];
};

}  // namespace jrecomp
