#include "ac_inputs.hpp"

#include <cmath>

namespace jrecomp {

namespace {

constexpr double kMostEnergy = 1 << 20;  // the limit of a block's energy

}  // namespace

std::uint64_t AcChunk::take(const Planes& planes, int row, Piece piece) {
    std::uint64_t left = piece.mask;
    const int first = piece.place - planes.split.place(row + kBorder, piece.parity);
    const int start = (row + kBorder) * planes.width + piece.parity;
    for (; left && count < kChunk; left &= left - 1, ++count) {
        const int i = __builtin_ctzll(left);
        blocks[count] = start + 2 * (first + i);
        rows[count] = row;
        columns[count] = 2 * (first + i) + piece.parity - kBorder;
    }
    piece.mask &= ~left;
    pieces.push_back(piece);
    return left;
}

void AcChunk::store(Planes& planes, int k, const int* values) const {
    std::int16_t exact[kChunk + kSegment] = {};
    std::int8_t clipped[kChunk + kSegment] = {};
    int largest = 0;
    for (int l = 0; l < count; ++l) largest = std::max(largest, std::abs(values[l]));
    planes.largest[k] = std::max(planes.largest[k], largest * planes.steps[k]);
    std::int16_t* plane = planes.plane(k);
    for (int l = 0; l < count; ++l) plane[blocks[l]] = static_cast<std::int16_t>(values[l]);
    if (!largest) return;
    const int step = static_cast<int>(planes.steps[k]);
    for (int l = 0; l < count; ++l) {
        clipped[l] = static_cast<std::int8_t>(std::min(std::max(values[l], -kClip), kClip));
        exact[l] =
            static_cast<std::int16_t>(std::min<I64>(std::max<I64>(I64{values[l]} * step, -kLimit), kLimit));
    }
    const std::int8_t* small = clipped;
    const std::int16_t* wide = exact;
    for (const Piece& piece : pieces) {
        expand(small, piece.mask, planes.clipped.data() + k * planes.split.size + piece.place);
        expand(wide, piece.mask, planes.dequantized.data() + k * planes.split.size + piece.place);
        small += __builtin_popcountll(piece.mask);
        wide += __builtin_popcountll(piece.mask);
    }
}

void Boxes::integrate(const std::vector<std::uint32_t>& map, int rows, int columns) {
    const int width = width_ = columns + 2 * kLargest + 1;  // a copy, which no store below can change
    total_.assign(static_cast<std::size_t>(rows + 2 * kLargest + 1) * width, 0);
    std::vector<std::uint32_t> line(width);
    for (int row = 0; row < rows; ++row) {
        const std::uint32_t* from = map.data() + static_cast<std::size_t>(row) * columns;
        std::uint32_t sum = 0;
        for (int c = 0; c < columns; ++c) line[kLargest + 1 + c] = sum += from[c];
        std::fill(line.begin() + kLargest + 1 + columns, line.end(), sum);
        const std::uint32_t* above = total_.data() + static_cast<std::size_t>(row + kLargest) * width;
        std::uint32_t* out = total_.data() + static_cast<std::size_t>(row + kLargest + 1) * width;
        for (int c = 0; c < width; ++c) out[c] = above[c] + line[c];
    }
    const auto bottom = total_.begin() + static_cast<std::ptrdiff_t>(rows + kLargest) * width;
    for (int i = 1; i <= kLargest; ++i) std::copy(bottom, bottom + width, bottom + i * width);
}

AcInputs::AcInputs(const Planes& planes, int k, const AcSelection& selection, const Tables& tables,
                   const std::vector<Slopes>& slopes)
    : planes_(planes),
      k_(k),
      selection_(selection),
      tables_(tables),
      slopes_(slopes),
      step_(planes.steps[k]),
      lookups_(kPlanes * (kClip + 1)) {
    std::vector<char> wanted(kPlanes);
    for (const int plane : selection.plane) wanted[plane] = 1;
    for (int plane = 0; plane < kPlanes; ++plane)
        for (int m = 0; wanted[plane] && m <= kClip; ++m)
            lookups_[plane * (kClip + 1) + m] =
                static_cast<std::uint8_t>(tables.log_of(m * planes.step_of(plane) * kFraction / step_));
    energy(selection.nearest);
    near_.integrate(energy_, planes.rows, planes.columns);
}

void AcInputs::energy(const std::vector<int>& planes) {
    const int columns = planes_.columns;
    energy_.assign(static_cast<std::size_t>(planes_.rows) * columns, 0);
    std::vector<double> sums(columns);
    for (int row = 0; row < planes_.rows; ++row) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (const int k : planes) {
            const std::int16_t* values = planes_.plane(k) + planes_.block(row, 0);
            const double step = static_cast<double>(planes_.steps[k] * kFraction);
            for (int c = 0; c < columns; ++c) sums[c] += std::abs(values[c]) * step;
        }
        std::uint32_t* out = energy_.data() + static_cast<std::size_t>(row) * columns;
        // The quotients in floating point round down exactly, since the integers are below 2^38.
        const double step = static_cast<double>(step_);
        for (int c = 0; c < columns; ++c)
            out[c] =
                static_cast<std::uint32_t>(static_cast<std::int32_t>(std::min(sums[c] / step, kMostEnergy)));
    }
}

void AcInputs::start_phase(int phase, const I64* weights) {
    phase_ = phase;
    weights_.assign(weights, weights + selection_.plane.size());
    if (phase) {
        energy({k_});
        own_.integrate(energy_, planes_.rows, planes_.columns);
    }
    I64 bound = 0;
    narrow_ = true;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        const I64 largest = planes_.largest[selection_.plane[i]];
        bound += std::llabs(weights_[i]) * largest;
        narrow_ &= largest <= kLimit;
    }
    narrow_ &= bound < I64{1} << 31;
}

template <class T>
void AcInputs::gather(const AcChunk& chunk, const T* plane, int dy, int dx, T* out) const {
    const T* from[2] = {plane + planes_.split.delta(0, dy, dx), plane + planes_.split.delta(1, dy, dx)};
    for (const Piece& piece : chunk.pieces) {
        compress(from[piece.parity] + piece.place, piece.mask, out);
        out += __builtin_popcountll(piece.mask);
    }
}

void AcInputs::build(const AcChunk& chunk, Row rows) {
    known(chunk, rows);
    rows += selection_.plane.size() * kChunk;
    std::memset(rows, kInputOffset + tables_.log_of(step_ * kFraction / 4), kChunk);
    std::memset(rows + kChunk, kInputOffset + 64 * phase_, kChunk);
    lasts(chunk, rows + 2 * kChunk);
    boxes(chunk, rows + 11 * kChunk);
    predict(chunk, rows + 14 * kChunk);
    rows += kAcScalars * kChunk;
    for (std::size_t n = 0; n < slopes_.size(); ++n, rows += kAcPerReference * kChunk)
        reference(chunk, *planes_.references[n], slopes_[n], rows);
}

void AcInputs::known(const AcChunk& chunk, Row rows) {
    std::int8_t values[kChunk + kSegment] = {};
    std::int16_t exact[2][kChunk + kSegment] = {};
    std::int16_t weights[2] = {};
    Totals totals;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        const int plane = selection_.plane[i], side = selection_.side[i];
        const int dy = side < 0 ? 0 : kAround[side][0], dx = side < 0 ? 0 : kAround[side][1];
        gather(chunk, planes_.clipped.data() + plane * planes_.split.size, dy, dx, values);
        look_up(values, lookups_.data() + plane * (kClip + 1), rows + i * kChunk);
        if (!narrow_) continue;
        // Two gathers take longer than one and products, where no value of the plane was clipped.
        const I64 step = planes_.step_of(plane);
        if (planes_.largest[plane] <= kClip * step)
            multiply(values, static_cast<std::int16_t>(step), exact[i % 2]);
        else gather(chunk, planes_.dequantized.data() + plane * planes_.split.size, dy, dx, exact[i % 2]);
        weights[i % 2] = static_cast<std::int16_t>(weights_[i]);
        if (i % 2) totals.add(exact[0], exact[1], weights[0], weights[1]);
    }
    if (weights_.size() % 2) totals.add(exact[0], exact[1], weights[0], 0);
    if (!narrow_) return predict_exactly(chunk);
    for (int l = 0; l < kChunk; ++l) totals_[l] = totals[l];
}

void AcInputs::predict_exactly(const AcChunk& chunk) {
    for (int l = 0; l < chunk.count; ++l) {
        I64 total = 0;
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            const int plane = selection_.plane[i], side = selection_.side[i];
            const int b = chunk.blocks[l] + (side < 0 ? 0 : planes_.around[side]);
            total += weights_[i] * planes_.step_of(plane) * planes_.plane(plane)[b];
        }
        totals_[l] = total;
    }
}

void AcInputs::predict(const AcChunk& chunk, Row rows) {
    int predicted[kChunk];
    const double divisor = static_cast<double>(step_ << 8);
    if (narrow_)
        for (int l = 0; l < kChunk; ++l) {
            // A quotient of 32-bit integers in 53 bits rounds down exactly.
            const double quotient =
                std::floor(static_cast<double>(static_cast<std::int32_t>(totals_[l])) / divisor);
            predicted[l] =
                static_cast<int>(std::min(std::max(quotient, -1.0 * kMagnitudes), 1.0 * kMagnitudes));
        }
    else
        for (int l = 0; l < chunk.count; ++l)
            predicted[l] =
                static_cast<int>(clamp(floor_div(totals_[l], step_ << 8), -kMagnitudes, kMagnitudes));
    for (int l = 0; l < chunk.count; ++l) {
        InputWriter out(rows + l);
        out.add_tanh(tables_.tanh_of(predicted[l]));
        out.add(tables_.log_of(predicted[l]));
    }
}

void AcInputs::lasts(const AcChunk& chunk, Row rows) {
    std::int8_t values[kChunk + kSegment] = {};
    const auto add = [&](int dy, int dx) {
        gather(chunk, planes_.lasts.data(), dy, dx, values);
        for (int l = 0; l < kChunk; ++l) rows[l] = static_cast<std::uint8_t>(kInputOffset + 2 * values[l]);
        rows += kChunk;
    };
    add(0, 0);
    for (const auto& offset : kAround) add(offset[0], offset[1]);
}

void AcInputs::boxes(const AcChunk& chunk, Row rows) const {
    const int used = std::max(1, static_cast<int>(selection_.nearest.size()));
    const auto add = [&](const Boxes& boxes, int radius, int divisor) {
        const std::uint32_t largest = static_cast<std::uint32_t>(kMagnitudes * divisor);
        std::uint32_t sums[kChunk];
        for (int l = 0; l < chunk.count; ++l)
            sums[l] = std::min(boxes.sum(chunk.rows[l], chunk.columns[l], radius), largest);
        // The quotients in floating point round down exactly: integers below 2^24, quotients of at most 2^12.
        for (int l = 0; l < chunk.count; ++l)
            rows[l] = static_cast<std::uint8_t>(
                kInputOffset +
                tables_.log_of(static_cast<int>(static_cast<float>(sums[l]) / static_cast<float>(divisor))));
        rows += kChunk;
    };
    add(near_, 2, 25 * used);
    add(near_, 8, 289 * used);
    if (phase_) add(own_, 2, 12);
    else std::memset(rows, kInputOffset, kChunk);
}

void AcInputs::reference(const AcChunk& chunk, const Reference& reference, const Slopes& slopes,
                         Row rows) const {
    const std::size_t size = planes_.split.size;
    std::int16_t values[kChunk + kSegment] = {}, own[kChunk + kSegment] = {};
    std::int32_t around[kChunk] = {};
    // The quotients in floating point round down exactly, since the integers are below 2^19.
    const float step = static_cast<float>(step_);
    for (std::size_t n = 0; n < selection_.cross.size(); ++n, rows += kChunk) {
        std::int16_t* near = n ? values : own;
        gather(chunk, reference.split.data() + selection_.cross[n] * size, 0, 0, near);
        for (int l = 0; l < chunk.count; ++l)
            rows[l] = static_cast<std::uint8_t>(
                kInputOffset +
                tables_.log_of(static_cast<int>(std::floor(static_cast<float>(near[l] * kFraction) / step))));
    }
    for (const auto& offset : kAround) {
        gather(chunk, reference.split.data() + k_ * size, offset[0], offset[1], values);
        for (int l = 0; l < kChunk; ++l) around[l] += std::abs(values[l]);
    }
    for (int l = 0; l < chunk.count; ++l) {
        InputWriter out(rows + l);
        const int b = chunk.blocks[l];
        out.add(tables_.log_of(static_cast<int>(static_cast<float>(around[l] * (kFraction / 8)) / step)));
        out.add(2 * reference.last[b]);
        add_slope(slopes.sums(b), own[l], step_, tables_, out);
    }
}

}  // namespace jrecomp
