// No include guard and no includes: avx2.cpp and neon.cpp include this once, inside their target
// region, after defining `Lanes` (8 floats at a time) in the same unnamed namespace. It is the
// strategy that vector variants share; each gets its own copy, compiled for its instructions.
//
// The idea: most classes cannot win. A group of neighbouring output pixels lies between a few
// low-resolution samples, its corners. Interpolation weighs corners with weights >= 0, so a class
// that is below another one at every corner is below it at every pixel of the group. One look at
// the corners leaves a handful of candidates, mostly one, and then the group is filled without any
// interpolation. What remains is computed exactly as scalar.cpp computes it.
//
// Why the answer is scalar's to the last bit. Let k be the strong class, B its greatest magnitude
// at the corners, and E = 2^-20 * B + 2^-126. A class c is dropped when l_c - l_k < -E at every
// corner.
//   1. Rounding is monotone and weights are >= 0, so scalar's value of c can only grow when a
//   corner
//      of c grows. Raise every corner of c to exactly l_k - E: their magnitudes are now <= B + E.
//   2. With weights that sum to W >= 1 - 2^-22, the exact values now differ by E * W, about 16u * B
//      for u = 2^-24. Scalar computes each within 4.1u * (B + E) + 2^-147 (two products, two sums a
//      level; rounding of the weights is common to both).
//   3. 16u * B * W > 2 * 4.1u * (B + E), and 2^-126 covers the underflow: c's value is strictly
//      below k's at every pixel, so c neither wins nor ties.
// The difference itself is rounded, which moves it by less than 2u of itself; 16 - 8.2 leaves room.
// Which class is chosen as k changes the speed only.

// One low-resolution row, in both orders. Columns behind the last repeat it. Classes behind the
// last hold -kLimit: they are never above a real class, and a tie goes to the real one.
struct Row {
    int sample = -1;
    float* by_class = nullptr;   // [classes][column_stride]
    float* by_column = nullptr;  // [columns][class_stride]
};

// Output rows that lie between the same two samples.
struct Band {
    const Row* top;
    const Row* bottom;
    int row, rows;
};

template <class In, class Out>
class Pruned {
  public:
    Pruned(const Geometry& geometry, const Logits& logits, const Mask& mask,
           std::byte* scratch) noexcept
        : geometry_(geometry),
          logits_(logits),
          mask_(mask),
          class_stride_(round_up(static_cast<std::size_t>(geometry.classes), kClassBlock)),
          columns_(round_up(static_cast<std::size_t>(geometry.x.in) + 1, kGroup)),
          column_stride_(columns_ + kGroup) {
        auto* next = reinterpret_cast<float*>(scratch);
        for (Row& row : rows_) {
            row.by_class = next;
            next += class_stride_ * column_stride_;
            row.by_column = next;
            next += class_stride_ * columns_;
            const auto classes = static_cast<std::size_t>(geometry.classes);
            for (std::size_t i = classes * column_stride_; i < class_stride_ * column_stride_;
                 ++i) {
                row.by_class[i] = -kLimit;
            }
        }
        expanded_ = next;
        list_ = reinterpret_cast<std::int32_t*>(next + class_stride_ * 3 * kGroup);
    }

    void run() noexcept {
        for (int c = 0; c < geometry_.classes; ++c) mask_.areas[c] = 0;
        const Axis& y = geometry_.y;
        for (int row = 0; row < y.out;) {
            const int top = y.first[row];
            bool between = false;
            int rows = 0;
            while (row + rows < y.out && y.first[row + rows] == top) {
                between = between || y.far[row + rows] > 0;
                ++rows;
            }
            // A neighbour of weight 0 everywhere need not be read: its product adds a zero.
            const int bottom = between ? top + 1 : top;
            const Row& upper = prepared(top, bottom);
            const Row& lower = prepared(bottom, top);
            fill({&upper, &lower, row, rows});
            row += rows;
        }
    }

  private:
    using Floats = typename Lanes::Floats;

    const Row& prepared(int sample, int keep) noexcept {
        for (const Row& row : rows_) {
            if (row.sample == sample) return row;
        }
        Row& row = rows_[rows_[0].sample == keep ? 1 : 0];
        prepare(row, sample);
        return row;
    }

    void prepare(Row& row, int sample) noexcept {
        const auto width = static_cast<std::size_t>(geometry_.x.in);
        const In* data = static_cast<const In*>(logits_.data) +
                         static_cast<std::size_t>(sample) * logits_.row_stride;
        for (std::size_t c = 0; c < static_cast<std::size_t>(geometry_.classes); ++c) {
            const In* from = data + c * logits_.class_stride;
            float* to = row.by_class + c * column_stride_;
            std::size_t x = 0;
            for (; x + kGroup <= width; x += kGroup) {
                Lanes::store(to + x, Lanes::limited(Lanes::load(from + x)));
            }
            for (; x < width; ++x) to[x] = limited(from[x]);
            for (; x < column_stride_; ++x) to[x] = to[width - 1];
        }
        for (std::size_t c = 0; c < class_stride_; c += kClassBlock) {
            for (std::size_t x = 0; x < columns_; x += kGroup) {
                Lanes::transpose(row.by_class + c * column_stride_ + x, column_stride_,
                                 row.by_column + x * class_stride_ + c, class_stride_);
            }
        }
        row.sample = sample;
    }

    void fill(const Band& band) noexcept {
        int strong = 0;  // neighbouring groups mostly share their winner: a good first guess
        for (int g = 0; g < geometry_.group_count; ++g) {
            const Group& group = geometry_.groups[g];
            const std::int32_t last = geometry_.x.first[group.begin + group.count - 1];
            if (last - group.column < kGroup) {
                if (!stands_alone(band, group, strong)) {
                    strong = strongest(band, group);
                    const int count = list_candidates(band, group, strong);
                    if (count > 1) {
                        for (int i = 0; i < count; ++i) expand<true>(band, group, i);
                        compete(band, group, count);
                        continue;
                    }
                }
                fill_group(band, group, strong);
            } else {
                for (int c = 0; c < geometry_.classes; ++c) {
                    list_[c] = c;
                    expand<false>(band, group, c);
                }
                compete(band, group, geometry_.classes);
            }
        }
    }

    // Columns of corners, for walking over blocks of classes.
    const float* top_of(const Band& band, const Group& group) const noexcept {
        return band.top->by_column + static_cast<std::size_t>(group.column) * class_stride_;
    }
    const float* bottom_of(const Band& band, const Group& group) const noexcept {
        return band.bottom->by_column + static_cast<std::size_t>(group.column) * class_stride_;
    }

    // Calls use(first class of the block, bits of its classes that are no weaker than `strong`)
    // until it returns false.
    template <class Use>
    void scan(const Band& band, const Group& group, int strong, const Use& use) const noexcept {
        const float* top = top_of(band, group);
        const float* bottom = bottom_of(band, group);
        const std::size_t end = static_cast<std::size_t>(group.columns) * class_stride_;
        float magnitude = 0;
        for (std::size_t x = 0; x < end; x += class_stride_) {
            const float upper = __builtin_fabsf(top[x + static_cast<std::size_t>(strong)]);
            const float lower = __builtin_fabsf(bottom[x + static_cast<std::size_t>(strong)]);
            const float greater = upper > lower ? upper : lower;
            magnitude = greater > magnitude ? greater : magnitude;
        }
        const Floats limit = Lanes::broadcast(-(magnitude * 0x1p-20f + 0x1p-126f));
        for (std::size_t c = 0; c < class_stride_; c += kClassBlock) {
            Floats most = Lanes::broadcast(-2 * kLimit);
            for (std::size_t x = 0; x < end; x += class_stride_) {
                const std::size_t k = x + static_cast<std::size_t>(strong);
                most = Lanes::max(most,
                                  Lanes::sub(Lanes::load(top + x + c), Lanes::broadcast(top[k])));
                most = Lanes::max(
                    most, Lanes::sub(Lanes::load(bottom + x + c), Lanes::broadcast(bottom[k])));
            }
            if (!use(static_cast<int>(c), Lanes::at_least(most, limit))) return;
        }
    }

    bool stands_alone(const Band& band, const Group& group, int strong) const noexcept {
        bool alone = true;
        scan(band, group, strong, [&](int c, unsigned bits) {
            const int own = strong - c;
            if (own >= 0 && own < kClassBlock) bits &= ~(1u << own);
            alone = bits == 0;
            return alone;
        });
        return alone;
    }

    int list_candidates(const Band& band, const Group& group, int strong) noexcept {
        int count = 0;
        scan(band, group, strong, [&](int c, unsigned bits) {
            for (; bits != 0; bits &= bits - 1) list_[count++] = c + __builtin_ctz(bits);
            return true;
        });
        return count;
    }

    // The class that is greatest in the middle of the corners.
    int strongest(const Band& band, const Group& group) const noexcept {
        const float* top = top_of(band, group);
        const float* bottom = bottom_of(band, group);
        const std::size_t end = static_cast<std::size_t>(group.columns) * class_stride_;
        typename Lanes::Best best = Lanes::none();
        for (std::size_t c = 0; c < class_stride_; c += kClassBlock) {
            Floats sum = Lanes::broadcast(0);
            for (std::size_t x = 0; x < end; x += class_stride_) {
                sum = Lanes::add(sum,
                                 Lanes::add(Lanes::load(top + x + c), Lanes::load(bottom + x + c)));
            }
            Lanes::compete(best, sum, Lanes::classes(static_cast<std::int32_t>(c)));
        }
        alignas(64) float values[kClassBlock];
        alignas(64) std::int32_t blocks[kClassBlock];
        Lanes::store(values, best.value);
        Lanes::store(blocks, best.winner);
        int lane = 0;
        for (int i = 1; i < kClassBlock; ++i) {
            if (values[i] > values[lane]) lane = i;
        }
        return blocks[lane] + lane;
    }

    template <bool narrow>
    void expand(const Band& band, const Group& group, int i) noexcept {
        const std::int32_t c = list_[i];
        const std::size_t row = static_cast<std::size_t>(c) * column_stride_;
        const Axis& x = geometry_.x;
        const std::int32_t* first = x.first + group.begin;
        const Floats near = Lanes::load(x.near + group.begin);
        const Floats far = Lanes::load(x.far + group.begin);
        float* to = expanded_ + static_cast<std::size_t>(i) * 3 * kGroup;
        for (const Row* sample : {band.top, band.bottom}) {
            const auto [left, right] =
                narrow ? Lanes::pick_near(sample->by_class + row, first, group.column)
                       : Lanes::pick(sample->by_class + row, first);
            Lanes::store(to, Lanes::add(Lanes::mul(left, near), Lanes::mul(right, far)));
            to += kGroup;
        }
        Lanes::store(reinterpret_cast<std::int32_t*>(to), Lanes::classes(c));
    }

    void compete(const Band& band, const Group& group, int count) noexcept {
        const Axis& y = geometry_.y;
        int r = 0;
        for (; r + 2 <= band.rows; r += 2) {
            const int row = band.row + r;
            const Floats near0 = Lanes::broadcast(y.near[row]);
            const Floats near1 = Lanes::broadcast(y.near[row + 1]);
            const Floats far0 = Lanes::broadcast(y.far[row]);
            const Floats far1 = Lanes::broadcast(y.far[row + 1]);
            typename Lanes::Best best0 = Lanes::none();
            typename Lanes::Best best1 = Lanes::none();
            const float* from = expanded_;
            for (int i = 0; i < count; ++i, from += 3 * kGroup) {
                const Floats upper = Lanes::load(from);
                const Floats lower = Lanes::load(from + kGroup);
                const auto c =
                    Lanes::load(reinterpret_cast<const std::int32_t*>(from + 2 * kGroup));
                Lanes::compete(best0, Lanes::add(Lanes::mul(upper, near0), Lanes::mul(lower, far0)),
                               c);
                Lanes::compete(best1, Lanes::add(Lanes::mul(upper, near1), Lanes::mul(lower, far1)),
                               c);
            }
            write(group, row, best0);
            write(group, row + 1, best1);
        }
        if (r < band.rows) {
            const int row = band.row + r;
            const Floats near = Lanes::broadcast(y.near[row]);
            const Floats far = Lanes::broadcast(y.far[row]);
            typename Lanes::Best best = Lanes::none();
            const float* from = expanded_;
            for (int i = 0; i < count; ++i, from += 3 * kGroup) {
                const Floats upper = Lanes::load(from);
                const Floats lower = Lanes::load(from + kGroup);
                const auto c =
                    Lanes::load(reinterpret_cast<const std::int32_t*>(from + 2 * kGroup));
                Lanes::compete(best, Lanes::add(Lanes::mul(upper, near), Lanes::mul(lower, far)),
                               c);
            }
            write(group, row, best);
        }
    }

    // Eight may be written where they end within the row: the next group overwrites the excess.
    bool has_room(const Group& group) const noexcept {
        return group.begin + kGroup <= geometry_.x.out;
    }
    Out* pixels(const Group& group, int row) const noexcept {
        return static_cast<Out*>(mask_.data) + static_cast<std::size_t>(row) * mask_.stride +
               group.begin;
    }

    void fill_group(const Band& band, const Group& group, int c) noexcept {
        mask_.areas[c] += static_cast<std::int64_t>(group.count) * band.rows;
        const auto value = static_cast<Out>(c);
        Out eight[kGroup] = {value, value, value, value, value, value, value, value};
        for (int r = 0; r < band.rows; ++r) {
            Out* to = pixels(group, band.row + r);
            if (has_room(group)) {
                __builtin_memcpy(to, eight, sizeof eight);
            } else {
                for (int i = 0; i < group.count; ++i) to[i] = value;
            }
        }
    }

    void write(const Group& group, int row, const typename Lanes::Best& best) noexcept {
        Out eight[kGroup];
        Lanes::store_narrow(eight, best.winner);
        Out* to = pixels(group, row);
        if (has_room(group)) {
            __builtin_memcpy(to, eight, sizeof eight);
        } else {
            for (int i = 0; i < group.count; ++i) to[i] = eight[i];
        }
        if (group.count == kGroup && all_equal(eight)) {
            mask_.areas[eight[0]] += kGroup;
        } else {
            for (int i = 0; i < group.count; ++i) ++mask_.areas[eight[i]];
        }
    }

    static bool all_equal(const Out (&eight)[kGroup]) noexcept {
        std::uint64_t words[sizeof eight / 8];
        __builtin_memcpy(words, eight, sizeof eight);
        const std::uint64_t ones = sizeof(Out) == 1 ? 0x0101010101010101u : 0x0001000100010001u;
        bool equal = true;
        for (const std::uint64_t word : words) equal = equal && word == eight[0] * ones;
        return equal;
    }

    const Geometry& geometry_;
    const Logits& logits_;
    const Mask& mask_;
    const std::size_t class_stride_;   // classes, rounded up
    const std::size_t columns_;        // samples along x and one more, rounded up
    const std::size_t column_stride_;  // and room for a load behind the last
    Row rows_[2];
    float* expanded_;     // [candidates]: upper row, lower row, class; kGroup each
    std::int32_t* list_;  // candidates, ascending
};

template <class In>
void run_on(const Geometry& geometry, const Logits& logits, const Mask& mask,
            std::byte* scratch) noexcept {
    if (is_wide(geometry.classes)) {
        Pruned<In, std::uint16_t>(geometry, logits, mask, scratch).run();
    } else {
        Pruned<In, std::uint8_t>(geometry, logits, mask, scratch).run();
    }
}

inline void run_pruned(const Geometry& geometry, const Logits& logits, const Mask& mask,
                       std::byte* scratch) noexcept {
    switch (logits.type) {
        case ElementType::uint8:
            return run_on<std::uint8_t>(geometry, logits, mask, scratch);
        case ElementType::int8:
            return run_on<std::int8_t>(geometry, logits, mask, scratch);
        default:
            return run_on<float>(geometry, logits, mask, scratch);
    }
}
