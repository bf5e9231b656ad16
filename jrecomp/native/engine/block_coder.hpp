// The coder of models of blocks: codes the blocks of a component one after the other (docs/format/blocks.md).
#pragma once

#include "block_decisions.hpp"
#include "regression.hpp"

namespace jrecomp {

// One component of a slice. An encoder reads its blocks; a decoder fills them, and they must be zero before.
struct BlockPart {
    std::array<std::int32_t, 64> steps;  // of quantization
    int rows, columns;                   // in blocks
    std::int16_t* blocks;                // [rows][columns][64], in zig-zag order
    std::vector<std::uint8_t> last;      // of each block
    // Of each block the sums of dequantized magnitudes over bands; empty where no other component needs them.
    std::vector<std::array<std::uint32_t, kBands>> magnitudes;
    std::vector<Innovations> innovations;  // of each block; empty where no other component needs them

    // The index of a block.
    std::size_t at(int row, int column) const { return static_cast<std::size_t>(row) * columns + column; }
    const std::int16_t* block(std::size_t at) const { return blocks + 64 * at; }
    int dequantized(int k, int value) const { return std::clamp(value * steps[k], -kLimit, kLimit); }
};

// Levels of magnitudes; larger ones have the level of the last. These are tables because processors would
// mispredict branches on magnitudes.
constexpr std::array<std::uint8_t, 66> kNearLevel = [] {
    std::array<std::uint8_t, 66> levels{};
    for (int m = 1; m < 66; ++m)
        levels[m] = (m > 1) + (m > 2) + (m > 4) + (m > 8) + (m > 16) + (m > 32) + (m > 64);
    return levels;
}();
constexpr std::array<std::uint8_t, 17> kOwnLevel = {0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4};

inline int near_level(int magnitude) { return kNearLevel[std::min(magnitude, 65)]; }

inline int own_level(int magnitude) { return kOwnLevel[std::min(magnitude, 16)]; }

// For each band of coefficients the index of the step that its sum of magnitudes is compared with.
constexpr int kBandSteps[kBands] = {1, 4, 7, 14, 28};
constexpr std::array<std::uint8_t, 64> kBandOf = [] {
    std::array<std::uint8_t, 64> bands{};
    for (int k = 0; k < 64; ++k) bands[k] = (k >= 3) + (k >= 6) + (k >= 10) + (k >= 21);
    return bands;
}();

// Zig-zag indices whose steps are inputs of hidden units.
constexpr int kStepPlaces[kStepInputs] = {0, 1, 2, 5, 9, 14, 20, 35, 60};

constexpr int kNearZero = 7 * 3 + 3;  // the row of neighbours that are 0, in their context

constexpr int kLogitShift = 12;  // from sums to logits in 1/32 of a natural unit
constexpr int kActivationLimit = 2047, kScaleLimit = 511;
constexpr std::array<std::int16_t, 64> kNoBlock{};  // in place of a neighbour that does not exist

// Codes a component. Coder: RangeEncoder or RangeDecoder.
template <class Coder>
class BlockCoder {
public:
    // Other components, each null where the model may not use it. first: component 0. before: the component
    // before. innovative: the same, for its innovations. offsets: at the start of the component; they learn.
    BlockCoder(const BlockModel& model, const BlockClass& weights, BlockPart& part, const BlockPart* first,
               const BlockPart* before, const BlockPart* innovative, Offsets& offsets, Coder& coder)
        : model_(model),
          weights_(weights),
          part_(part),
          first_(first),
          before_(before),
          innovative_(innovative),
          regression_(part.steps),
          coder_(coder),
          decisions_(model.tables, weights, offsets, coder),
          start_(start_of_hidden()),
          above_(part.columns),
          below_(part.columns),
          hidden_(part.columns + 2),
          next_hidden_(part.columns + 2) {
        for (int k = 0; k < 64; ++k) steps_[k] = part.steps[k];
        for (int k = 0; k < 64; ++k) step_log2_[k] = log2_times_8(4 * part.steps[k]);
        for (int i = 0; i < kContexts; ++i)
            for (int k = 0; k < 64; ++k)
                first_rows_[i][k] = kSlots * (first_row(i, k) + (i == 2 ? kNearZero : 0));
        for (int k = 0; k < 64; ++k) far_[k] = kSlots * ((k >= 1) + (k >= 4) + (k >= 12));
        std::copy_n(weights.trust.begin(), kTrainedConfidences, trust_.begin());
        dc_reciprocal_ = (1 << 22) / part.steps[0];
        for (int k = 1; k < 64; ++k) touch_[k] = touch(k);
    }

    void run() {
        for (int row = 0; row < part_.rows; ++row) {
            for (int column = 0; column < part_.columns; ++column) block(row, column);
            std::swap(above_, below_);
            std::swap(hidden_, next_hidden_);
            std::fill(next_hidden_.begin(), next_hidden_.end(), Hidden{});
        }
    }

private:
    static constexpr int kSide = kBasis / 2;  // values on one side: of two columns or rows

    using Edges = std::array<std::int16_t, kBasis>;
    using Side = std::array<std::int16_t, kSide>;

    // A non-zero AC coefficient. near: its first row of BlockClass::near over kNear.
    struct Nonzero {
        int k, dequantized, near;
    };

    // The neighbours on the left and above of a block: their coefficients, and `last`, which is -1 if they do
    // not exist.
    struct Around {
        const std::int16_t *left = kNoBlock.data(), *above = kNoBlock.data();
        int left_last = -1, above_last = -1;
    };

    // The state of a block during coding; only the first `quarters` quarters (of 16 coefficients) are used.
    struct Block {
        Scales scale;
        // across: the part of the prediction that comes from the other component's innovations.
        Wide64 prediction, across;
        Wide64 near;  // 16 times 7 and 1 times the neighbours' coefficients, each limited to +-3
        // Contexts; rows as indices of offsets. Those of a coefficient are valid if all others in its
        // register from the last of `nonzero` up to it are zero.
        Wide64 confidence, logit, cell_row, near_row, index_row;
        int quarters, count = 0;
        Nonzero nonzero[63];
        I64 touched = 0;  // the sum of touch() times dequantized AC coefficients
    };

    // The hidden units of a block without neighbours: bias and steps.
    Hidden start_of_hidden() const {
        std::array<int, kHidden> sums{};
        for (int i = 0; i < kStepInputs; ++i) {
            const int step = log2_times_8(part_.steps[kStepPlaces[i]]) - log2_times_8(1);
            for (int h = 0; h < kHidden; ++h) sums[h] += weights_.step_weight[i * kHidden + h] * step;
        }
        Hidden start;
        for (int h = 0; h < kHidden; ++h)
            start[h] = static_cast<std::int16_t>(weights_.bias[h] + (sums[h] >> 7));
        return start;
    }

    // Codes one block.
    void block(int row, int column) {
        const std::size_t at = part_.at(row, column);
        std::int16_t* values = part_.blocks + 64 * at;
        Hidden hidden = start_;
        hidden.add(hidden_[column + 1]);
        if (first_) add_energies(row, column, hidden);
        if (before_) add_across(at, hidden);

        std::int16_t active[kHidden];
        activate(hidden, active);
        const Around around = neighbours(row, column, at);
        const int last = code_last(active, around, known_last(values));
        part_.last[at] = static_cast<std::uint8_t>(last);
        hidden.add(weights_.own_last[last]);
        activate(hidden, active);

        Block b;
        b.quarters = last / 16 + 1;
        scales(active, b);
        const int base = predict(row, column, at, b);
        find_near(around, b);
        code_all_ac(b, last, values);
        code_dc(b, base, last, around, column, values);
        store_edges(b, values[0], column);
        add_to_neighbours(b, last, column);
        if (!part_.magnitudes.empty()) sum_magnitudes(b, part_.magnitudes[at]);
        if (innovative_ || !part_.innovations.empty()) learn_innovations(at, b, base, values);
    }

    // Codes all AC coefficients.
    void code_all_ac(Block& b, int last, std::int16_t* values) {
        Coder state = std::move(coder_);  // to be kept in registers
        OffsetCoder<Coder> coder(model_.tables, state);
        int before = 0, own = 0;  // own: the row of the coefficients before, in their context
        for (int k = 1; k <= last; ++k) {
            if (k == 1 || k % kLanes == 0) find_contexts(b, k / kLanes);
            const int value = code_ac(coder, b, k, own + far_[last - k], last, values[k]);
            const int magnitude = std::min(std::abs(value), 3);
            own = kSlots * (12 * magnitude + 4 * std::min(before, 2));
            before = magnitude;
            if (!value) continue;
            store(values[k], value);
            learn(b, k, value);
        }
        coder_ = std::move(state);
    }

    static void activate(const Hidden& hidden, std::int16_t* active) {
        for (int h = 0; h < kHidden; ++h)
            active[h] = std::clamp<std::int16_t>(hidden[h], 0, kActivationLimit);
    }

    // The index of the last non-zero AC coefficient of a block to encode.
    static int known_last(const std::int16_t* values) {
        const auto zero = [&](int k) {  // whether the four from k on are zero
            std::uint64_t four;
            std::memcpy(&four, values + k, sizeof(four));
            return four == 0;
        };
        int last = 63;
        while (last > 3 && zero(last - 3)) last -= 4;
        while (last > 0 && values[last] == 0) --last;
        return last;
    }

    // Adds what component 0 contributes to the hidden units.
    void add_energies(int row, int column, Hidden& hidden) const {
        const int v = first_->rows / part_.rows, h = first_->columns / part_.columns;
        std::array<std::uint32_t, kBands> sums{};
        for (int y = 0; y < v; ++y)
            for (int x = 0; x < h; ++x) {
                const auto& magnitudes = first_->magnitudes[first_->at(row * v + y, column * h + x)];
                for (int b = 0; b < kBands; ++b) sums[b] += magnitudes[b];
            }
        for (int b = 0; b < kBands; ++b) {
            const int unit = v * h * part_.steps[kBandSteps[b]];
            const int sum = static_cast<int>(std::min(sums[b], 1u << 23));
            const int level = (log2_times_8(sum + unit) - log2_times_8(unit)) >> 1;
            hidden.add(weights_.energy[b * kLevels + std::min(level, kLevels - 1)]);
        }
    }

    // Adds what the component before contributes to the hidden units.
    void add_across(std::size_t at, Hidden& hidden) const {
        const std::int16_t* values = before_->block(at);
        for (int k = 1; k <= before_->last[at]; ++k)
            if (values[k])
                hidden.add(weights_.across_near[(k - 1) * kOwnLevels + own_level(std::abs(values[k]))]);
    }

    Around neighbours(int row, int column, std::size_t at) const {
        Around around;
        if (column > 0) {
            around.left = part_.block(at - 1);
            around.left_last = part_.last[at - 1];
        }
        if (row > 0) {
            around.above = part_.block(at - part_.columns);
            around.above_last = part_.last[at - part_.columns];
        }
        return around;
    }

    int code_last(const std::int16_t* active, const Around& around, int truth) {
        Wide64 logits = weights_.last_bias;
        weights_.last.add(active, kQuarters, logits);
        for (Ints& part : logits.part) part >>= kLogitShift;
        return decisions_.last(logits, around.left_last, around.above_last, truth);
    }

    // Sets the scales before any coefficient is known.
    void scales(const std::int16_t* active, Block& b) const {
        Wide64 sums = weights_.scale_bias;
        weights_.scale.add(active, b.quarters, sums);
        for (Ints& part : sums.part) part = limited(part >> kLogitShift, -kScaleLimit, kScaleLimit);
        for (int p = 0; p < kQuarters * kParts; ++p) b.scale.part[p] = narrowed(sums.part[p]);
    }

    // Sets the predictions from the neighbours' edges and the component before. Returns the base.
    int predict(int row, int column, std::size_t at, Block& b) const {
        std::int16_t values[(kEdgeValues + 3) / 4 * 4] = {};
        const int base = edge_values(row, column, values);
        b.prediction = {};
        weights_.edge.add(values, b.quarters, b.prediction);
        if (before_) {
            const std::int16_t* other = before_->block(at);
            for (int k = 1; k <= std::min<int>(before_->last[at], 16 * b.quarters - 1); ++k)
                b.prediction[k] =
                    wrapped(b.prediction[k], before_->dequantized(k, other[k]) * weights_.across[k]);
        }
        b.across = {};
        if (innovative_) {
            regression_.predict(innovative_->innovations[at], 16 * b.quarters, &b.across[0]);
            for (int p = 0; p < b.quarters * kParts; ++p)
                b.prediction.part[p] = wrapped_sum(b.prediction.part[p], b.across.part[p]);
        }
        return base;
    }

    // Stores the innovations of a block and adapts the prediction from those of the other component.
    void learn_innovations(std::size_t at, const Block& b, int base, const std::int16_t* values) {
        Innovations own{};
        for (int p = 0; p < b.quarters * kParts; ++p) {
            const Ints known = limited(widened(values + p * kLanes) * steps_.part[p], -kLimit, kLimit);
            const Ints predicted = wrapped_sum(b.prediction.part[p], -b.across.part[p]) >> 14;
            const Narrow some = narrowed(limited(known - predicted, -kLimit, kLimit));
            std::memcpy(&own[p * kLanes], &some, sizeof(some));
        }
        const I64 dc = wrapped(b.prediction[0], -b.across[0]) + I64{base} * (1 << 15);
        own[0] = static_cast<std::int16_t>(
            std::clamp<I64>(part_.dequantized(0, values[0]) - (dc >> 14), -kLimit, kLimit));
        if (innovative_) regression_.learn(innovative_->innovations[at], own, 16 * b.quarters);
        if (!part_.innovations.empty()) part_.innovations[at] = own;
    }

    // Writes the values (docs/format/blocks.md on predictions) and returns the base.
    int edge_values(int row, int column, std::int16_t* values) const {
        constexpr int kRow = 8;
        const bool has_left = column > 0, has_above = row > 0;
        int base = 0;
        for (int i = 0; i < kRow; ++i)
            base += (has_left ? left_[i] : 0) + (has_above ? above_[column][i] : 0);
        base >>= has_left && has_above ? 4 : 3;
        const auto put = [&](std::int16_t* to, const std::int16_t* from, int count) {
            for (int i = 0; i < count; ++i)
                to[i] = static_cast<std::int16_t>(std::clamp(from[i] - base, -kLimit, kLimit));
        };
        if (has_left) put(values, left_.data(), kSide);
        if (has_above) put(values + kSide, above_[column].data(), kSide);
        if (has_above && column + 1 < part_.columns) put(values + 2 * kSide, above_[column + 1].data(), kRow);
        if (has_above && has_left) put(values + 2 * kSide + kRow, above_[column - 1].data() + kRow - 1, 1);
        return base;
    }

    static std::int32_t wrapped(std::int32_t a, std::int32_t b) {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
    }

    // Values of 16 bits in the lanes of a register.
    static Ints widened(const std::int16_t* values) {
        Narrow some;
        std::memcpy(&some, values, sizeof(some));
        return jrecomp::widened(some);
    }

    static void find_near(const Around& around, Block& b) {
        for (int p = 0; p < b.quarters * kParts; ++p)
            b.near.part[p] = 7 * kSlots * limited(widened(around.left + p * kLanes), -3, 3) +
                             kSlots * limited(widened(around.above + p * kLanes), -3, 3);
    }

    // Finds the contexts of the coefficients of a register.
    void find_contexts(Block& b, int p) const { find_contexts(b, p, b.prediction.part[p], b.scale.part[p]); }

    void find_contexts(Block& b, int p, Ints prediction, Narrow narrow_scale) const {
        const Ints ratio = log2_times_8((Ints)(magnitudes(prediction) >> 8)) - step_log2_.part[p];
        const Ints confidence = limited((ratio >> 2) - 1, 0, kConfidences - 1);
        const Ints scale = jrecomp::widened(narrow_scale), cell = cells_of(scale);
        const Ints below = prediction >> 31;  // -1 or 0
        static_assert(kSlots == 16);
        b.confidence.part[p] = confidence;
        b.logit.part[p] = scale + scale + looked_up(trust_, limited(confidence, 0, kTrainedConfidences - 1));
        b.cell_row.part[p] = ((confidence << 7) & -256) + ((cell << 3) & -16) + first_rows_[0].part[p];
        b.near_row.part[p] = ((b.near.part[p] ^ below) - below) + first_rows_[2].part[p];
        const Ints sixth = add_products(Ints{}, kSixth, cell) >> kSixthShift;
        b.index_row.part[p] = (sixth << 4) + first_rows_[3].part[p];
    }

    // Codes AC coefficient k. own: its row in the context of the coefficients before.
    __attribute__((always_inline)) int code_ac(OffsetCoder<Coder>& coder, const Block& b, int k, int own,
                                               int last, int truth) {
        const bool below = b.prediction[k] < 0;
        const int confidence = b.confidence[k];
        Offsets& offsets = decisions_.offsets();
        std::uint32_t* rows = offsets.rows[0];
        const Coefficient coefficient{
            k,
            b.scale[k],
            confidence,
            b.logit[k],
            (b.cell_row[k] - first_rows_[0][k]) / kSlots,
            offsets.factors[2 * ((confidence >= 5) + (confidence >= 10)) + (k >= 10)],
            {rows + b.cell_row[k], rows + first_rows_[1][k] + own, rows + b.near_row[k],
             rows + b.index_row[k]}};
        typename Decisions<Coder>::Value value(decisions_, coder, coefficient);
        return k < last && !value.nonzero(truth != 0) ? 0 : value.code(below, truth);
    }

    // Updates scales, predictions and contexts of the coefficients after k by its value, which is not 0.
    void learn(Block& b, int k, int value) const {
        const int magnitude = std::abs(value), dequantized = part_.dequantized(k, value);
        b.nonzero[b.count++] = {k, dequantized, (k - 1) * kNearLevels + near_level(magnitude)};
        b.touched += I64{touch_[k]} * dequantized;
        const Scales& own = weights_.own[(k - 1) * kOwnLevels + own_level(magnitude)];
        const Wide64& within = weights_.within[k];
        const std::int32_t pair = dequantized & 0xffff;
        const auto add = [&](int p) {
            b.scale.part[p] += own.part[p];
            b.prediction.part[p] = add_products(b.prediction.part[p], pair, within.part[p]);
        };
        const int here = k / kLanes;
        if (here) add(0);  // for DC
        // The first is written out: its sums go on in registers.
        const Narrow scale = b.scale.part[here] + own.part[here];
        const Ints prediction = add_products(b.prediction.part[here], pair, within.part[here]);
        b.scale.part[here] = scale;
        b.prediction.part[here] = prediction;
        find_contexts(b, here, prediction, scale);
        for (int p = here + 1; p < b.quarters * kParts; ++p) add(p);
    }

    // Codes DC less its prediction. base: that of predict().
    void code_dc(const Block& b, int base, int last, const Around& around, int column, std::int16_t* values) {
        const I64 prediction = b.prediction[0] + I64{base} * (1 << 15);
        const auto magnitude = static_cast<int>(std::llabs(prediction) * dc_reciprocal_ >> 32);
        const int sixteenths = prediction < 0 ? -magnitude : magnitude;
        const int whole = std::clamp((sixteenths + 8) >> 4, -kLimit, kLimit);
        const int rest = std::clamp(sixteenths - 16 * whole, -64, 64);
        const int confidence = (std::abs(rest) >= 2) + (std::abs(rest) >= 4) + (std::abs(rest) >= 8);
        const int truth = values[0] - whole;
        const int cell = cell_of(b.scale[0]), cell_row = 16 * confidence + (cell >> 1);
        Offsets& offsets = decisions_.offsets();
        const Coefficient coefficient{
            0,
            b.scale[0],
            confidence,
            2 * b.scale[0] + weights_.trust[confidence],
            cell_row,
            offsets.factors[kSets - 1],
            {offsets.rows[first_row(0, 0) + cell_row],
             offsets.rows[first_row(1, 0) + 3 * disagreement(b, around, column) + std::min(confidence, 2)],
             offsets.rows[first_row(2, 0) + std::min(last, 48)],
             offsets.rows[first_row(3, 0) + (kSixth * cell >> kSixthShift)]}};
        OffsetCoder<Coder> coder(model_.tables, coder_);
        typename Decisions<Coder>::Value value(decisions_, coder, coefficient);
        store(values[0], whole + (value.nonzero(truth != 0) ? value.code(rest < 0, truth) : 0));
    }

    // How far the means of the edges on the left and above are apart, given the block's AC coefficients.
    int disagreement(const Block& b, const Around& around, int column) const {
        if (around.left_last < 0 || around.above_last < 0) return 15;
        I64 apart = -(b.touched >> 15);
        for (int i = 0; i < 8; ++i) apart += left_[i] - above_[column][i];
        const int ratio =
            log2_times_8(static_cast<std::int32_t>(std::llabs(apart))) - log2_times_8(2 * part_.steps[0]);
        return std::clamp((ratio >> 2) + 2, 0, 14);
    }

    // What a coefficient of 1 adds to the sum of the first column of pixels less that of the first row.
    int touch(int k) const {
        const int row = kZigZag[k] / 8, column = kZigZag[k] % 8, sign = (row + column) % 2 ? -1 : 1;
        int sum = 0;
        for (int i = 0; i < 8; ++i)
            sum += (row == 0 ? model_.basis[k][i] : 0) - (column == 0 ? model_.basis[k][16 + i] : 0);
        return sign * sum;
    }

    // A decoder's coefficient: checks and stores it.
    static void store(std::int16_t& to, int value) {
        if constexpr (!Coder::kDecodes) return;
        if (std::abs(value) > kLimit) throw Damaged("a coefficient is out of range");
        to = static_cast<std::int16_t>(value);
    }

    // Stores the edges of a block for those to the right and below.
    void store_edges(const Block& b, int dc, int column) {
        Edges edges{};
        add_edges(edges, 0, part_.dequantized(0, dc));
        for (int i = 0; i < b.count; ++i) add_edges(edges, b.nonzero[i].k, b.nonzero[i].dequantized);
        std::copy_n(edges.begin(), kSide, left_.begin());
        std::copy_n(edges.begin() + kSide, kSide, below_[column].begin());
    }

    // Adds what one coefficient contributes to the edges.
    void add_edges(Edges& edges, int k, int dequantized) const {
        const auto& basis = model_.basis[k];
#if defined(__AVX512BW__)
        const __m512i products = _mm512_mulhrs_epi16(_mm512_loadu_si512(basis.data()),
                                                     _mm512_set1_epi16(static_cast<short>(dequantized)));
        _mm512_storeu_si512(edges.data(), _mm512_add_epi16(_mm512_loadu_si512(edges.data()), products));
#elif defined(__AVX2__)
        for (int i = 0; i < kBasis; i += kRegister / 2) {
            auto* at = reinterpret_cast<__m256i*>(&edges[i]);
            const __m256i row = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(&basis[i]));
            const __m256i products =
                _mm256_mulhrs_epi16(row, _mm256_set1_epi16(static_cast<short>(dequantized)));
            _mm256_storeu_si256(at, _mm256_add_epi16(_mm256_loadu_si256(at), products));
        }
#else
        for (int i = 0; i < kBasis; ++i)
            edges[i] = static_cast<std::int16_t>(edges[i] + ((basis[i] * dequantized + (1 << 14)) >> 15));
#endif
    }

    // Adds what the block contributes to the hidden units of those to the right and below.
    void add_to_neighbours(const Block& b, int last, int column) {
        Hidden* const to[kNear] = {&hidden_[column + 2], &next_hidden_[column + 1], &next_hidden_[column + 2],
                                   &next_hidden_[column]};
        Hidden sums[kNear];
        for (int n = 0; n < kNear; ++n) {
            sums[n] = *to[n];
            sums[n].add(weights_.near_last[n * 64 + last]);
        }
        for (int i = 0; i < b.count; ++i)
            for (int n = 0; n < kNear; ++n) sums[n].add(weights_.near[kNear * b.nonzero[i].near + n]);
        for (int n = 0; n < kNear; ++n) *to[n] = sums[n];
    }

    static void sum_magnitudes(const Block& b, std::array<std::uint32_t, kBands>& sums) {
        sums = {};
        for (int i = 0; i < b.count; ++i) sums[kBandOf[b.nonzero[i].k]] += std::abs(b.nonzero[i].dequantized);
    }

    const BlockModel& model_;
    const BlockClass& weights_;
    BlockPart& part_;
    const BlockPart *first_, *before_, *innovative_;
    Regression regression_;
    Coder& coder_;
    Decisions<Coder> decisions_;
    Hidden start_;
    Wide64 steps_, step_log2_;
    std::array<Wide64, kContexts> first_rows_;  // of each coefficient, as indices of offsets
    std::array<int, 64> far_;                   // of distances to `last`, in the context of those before
    std::array<std::int32_t, 16> trust_{};
    int dc_reciprocal_;
    std::array<int, 64> touch_{};
    Side left_{};
    std::vector<Side> above_, below_;           // edges of the blocks of the row above and of this row
    std::vector<Hidden> hidden_, next_hidden_;  // of this row and the next, with a column more on both sides
};

}  // namespace jrecomp
