// Inputs of the AC planes (docs/format/model.md, section 5), for a chunk of blocks at once.
#pragma once
#include "inputs.hpp"

namespace jrecomp {

constexpr int kAcScalars = 23, kAcPerReference = 19;

// Up to kSegment blocks of a row of the split grid, of which a mask chooses some.
struct Piece {
    int place, parity;  // of the first block of the segment; whether its column is odd
    std::uint64_t mask;
};

// Up to kChunk blocks of a phase.
struct AcChunk {
    std::vector<Piece> pieces;
    int count = 0;
    int blocks[kChunk];  // in the bordered plane
    int rows[kChunk], columns[kChunk];

    void clear() {
        pieces.clear();
        count = 0;
    }

    // Takes the first blocks of a piece while there is room and returns those that are left.
    std::uint64_t take(const Planes& planes, int row, Piece piece);

    // Sets the values of AC plane k, which has none yet here.
    void store(Planes& planes, int k, const int* values) const;
};

// Calls use(chunk) for chunk after chunk of the blocks of a phase whose `last` is at least k.
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

// Sums of a map over squares around the blocks.
class Boxes {
public:
    // map: [rows][columns], below 2^21.
    void integrate(const std::vector<std::uint32_t>& map, int rows, int columns);

    // Sum over the (2 radius + 1)^2 blocks around one, zero outside; radius up to kLargest.
    std::uint32_t sum(int row, int column, int radius) const {
        const std::uint32_t* at =
            total_.data() + (row + kLargest - radius) * width_ + column + kLargest - radius;
        const int side = 2 * radius + 1;
        return at[side * width_ + side] - at[side] - at[side * width_] + at[0];  // modulo 2^32
    }

    static constexpr int kLargest = 8;

private:
    int width_ = 0;
    std::vector<std::uint32_t>
        total_;  // of all blocks above and to the left, kLargest blocks beyond every edge
};

// Inputs of AC plane k.
class AcInputs {
public:
    AcInputs(const Planes& planes, int k, const AcSelection& selection, const Tables& tables,
             const std::vector<Slopes>& slopes);

    // weights: of the linear prediction.
    void start_phase(int phase, const I64* weights);
    void build(const AcChunk& chunk, Row rows);

private:
    using Energy = std::vector<std::uint32_t>;

    // Summed magnitudes of some planes in sixteenths of the step, [rows][columns].
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
    bool narrow_ = false;                // the linear prediction fits 32 bits
    std::vector<std::uint8_t> lookups_;  // [plane][128], of planes that are inputs
    std::vector<I64> weights_;
    Energy energy_;
    Boxes near_, own_;
    I64 totals_[kChunk];
};

}  // namespace jrecomp
