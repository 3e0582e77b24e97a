// LSTM, GRU and simple RNN of 32-bit floats: the loops over time, forward and backward.
//
// What does not depend on the step before is a product of large matrices and left to XLA: the
// inputs' projections come in, the gradient of what each step added up goes out. Sequences do not
// see each other, so each thread takes some of them through all steps and never waits for another.
//
// All arrays are time-major: (T, N, ...), with T steps, N sequences, H units. Gates lie side by
// side in the order of Keras. The mathematics is that of `etude/ops/recurrence`, but for the
// gradients of what is kept from the way forward: nothing else may depend on that here.

#include "products.h"
#include "tanh.h"
#include "threads.h"

namespace etude {

constexpr int64_t kSequences = 4;  // fewer are not worth a thread of their own

// Whether an array has these sizes, or nothing is in it.
template <typename T>
bool has_if_any(const Array<T>& array, std::initializer_list<int64_t> sizes) {
  return array.count() == 0 || array.has(sizes);
}

void require(bool they_fit) {
  if (!they_fit) throw std::invalid_argument("the shapes do not fit each other");
}

struct Sequences {
  int64_t steps, batch, units;

  int64_t states() const { return batch * units; }  // floats of one step's states
};

// Which sequences have a step: all of them, where there is no mask.
struct Present {
  const bool* mask;
  int64_t batch;

  explicit Present(const Mask& given, int64_t batch)
      : mask(given.count() ? given.data() : nullptr), batch(batch) {}

  bool operator()(int64_t t, int64_t n) const { return !mask || mask[t * batch + n]; }
};

// What is there, or nothing where the array is empty.
const float* given(const Floats& array) { return array.count() ? array.data() : nullptr; }

// Calls slice(first, last) for parts of the sequences, on several threads.
template <typename Slice>
void share_sequences(const Pool& pool, const Sequences& s, int64_t gates,
                     const Slice& slice) {
  const int64_t threads = threads_for(pool, s.steps * s.states() * gates * s.units);
  const int64_t parts = std::clamp<int64_t>(s.batch / kSequences, 1, threads);
  share(pool, threads, parts, [&](int64_t i) {
    slice(s.batch * i / parts, s.batch * (i + 1) / parts);
  });
}

// Calls unit(i, count) for all units of a sequence, a vector of them at a time, the last in part.
template <typename Unit>
inline void each_vector(int64_t units, const Unit& unit) {
  int64_t i = 0;
  for (; i + kWidth <= units; i += kWidth) unit(i, std::integral_constant<int64_t, kWidth>());
  if (i < units) unit(i, units - i);
}

// The states h (T, N, H), step by step: step(t, n, z, before) makes those of a sequence from
// z = h[t-1] · U, (G, H), and h[t-1].
template <typename Step>
void go_forward(const Pool& pool, const Sequences& s, const float* h0, const float* u,
                int64_t gates, float* h, float* last, const Step& step) {
  const Matrix matrix(u, s.units, gates * s.units, Matrix::kAsItIs);
  share_sequences(pool, s, gates, [&](int64_t begin, int64_t end) {
    static thread_local Scratch scratch;
    float* z = scratch.floats((end - begin) * matrix.columns());
    for (int64_t t = 0; t < s.steps; ++t) {
      const float* before = t ? h + (t - 1) * s.states() : h0;
      matrix.multiply(before + begin * s.units, end - begin, z);
      for (int64_t n = begin; n < end; ++n) {
        step(t, n, z + (n - begin) * matrix.columns(), before + n * s.units);
      }
    }
    const float* final = s.steps ? h + (s.steps - 1) * s.states() : h0;
    std::copy(final + begin * s.units, final + end * s.units, last + begin * s.units);
  });
}

// Back through time: step(t, n, dh) turns dh, the gradient of a sequence's h[t] from all that came
// later, into dz[t, n], (G, H), and leaves in dh what reaches h[t-1] other than through
// z = h[t-1] · U.
template <typename Step>
void go_back(const Pool& pool, const Sequences& s, const float* g_last, const float* u,
             int64_t gates, const float* dz, float* dh0, const Step& step) {
  const Matrix transposed(u, s.units, gates * s.units, Matrix::kTransposed);
  share_sequences(pool, s, gates, [&](int64_t begin, int64_t end) {
    static thread_local Scratch scratch;
    const int64_t count = (end - begin) * s.units;
    float* dh = dh0 + begin * s.units;
    float* through = scratch.floats(count);
    std::copy_n(g_last + begin * s.units, count, dh);
    for (int64_t t = s.steps - 1; t >= 0; --t) {
      for (int64_t n = begin; n < end; ++n) step(t, n, dh + (n - begin) * s.units);
      transposed.multiply(dz + (t * s.batch + begin) * gates * s.units, end - begin, through);
      for (int64_t i = 0; i < count; ++i) dh[i] += through[i];
    }
  });
}

// A step that is not there: dh passes, and nothing goes into the sums.
void pass_by(int64_t units, const float* g, float* dh, int64_t gates, float* dz) {
  if (g) {
    for (int64_t i = 0; i < units; ++i) dh[i] += g[i];
  }
  std::fill_n(dz, gates * units, 0.0f);
}

// The gradient of h[t]: what later steps left in dh, and what the outputs ask for.
inline Vector total(const float* dh, const float* g, int64_t i, int64_t count) {
  const Vector later = load_first(dh + i, count);
  return g ? later + load_first(g + i, count) : later;
}

// --- simple RNN ---------------------------------------------------------------------------------

void simple_rnn(Pool pool, Floats p, Floats h0, Floats u, Mask mask,
                      Result h, Result last) {
  const Sequences s{p.size(0), p.size(1), p.size(2)};
  require(h0.has({s.batch, s.units}) && u.has({s.units, s.units}) &&
        has_if_any(mask, {s.steps, s.batch}));
  const Present present(mask, s.batch);
  float* states = h.data();
  auto step = [&](int64_t t, int64_t n, const float* z, const float* before) {
    const int64_t row = (t * s.batch + n) * s.units;
    const float* x = p.data() + row;
    if (!present(t, n)) return void(std::copy_n(before, s.units, states + row));
    each_vector(s.units, [&](int64_t i, auto count) {
      store_first(states + row + i, tanh(load_first(x + i, count) + load_first(z + i, count)),
                  count);
    });
  };
  go_forward(pool, s, h0.data(), u.data(), 1, states, last.data(), step);
}

void simple_rnn_back(Pool pool, Floats g_last, Floats g_h, Floats h, Floats u,
                           Mask mask, Result dh0, Result dz) {
  const Sequences s{h.size(0), h.size(1), h.size(2)};
  require(g_last.has({s.batch, s.units}) && has_if_any(g_h, {s.steps, s.batch, s.units}) &&
        u.has({s.units, s.units}) && has_if_any(mask, {s.steps, s.batch}));
  const Present present(mask, s.batch);
  const float* g = given(g_h);
  auto step = [&](int64_t t, int64_t n, float* dh) {
    const int64_t row = (t * s.batch + n) * s.units;
    const float* own = g ? g + row : nullptr;
    float* to = dz.data() + row;
    if (!present(t, n)) return pass_by(s.units, own, dh, 1, to);
    each_vector(s.units, [&](int64_t i, auto count) {
      const Vector state = load_first(h.data() + row + i, count);
      store_first(to + i, total(dh, own, i, count) * (1 - state * state), count);
      store_first(dh + i, Vector{}, count);
    });
  };
  go_back(pool, s, g_last.data(), u.data(), 1, dz.data(), dh0.data(),
          step);
}

// --- LSTM ---------------------------------------------------------------------------------------

void lstm(Pool pool, Floats p, Floats h0, Floats c0, Floats u, Mask mask,
                Result h, Result last_h, Result last_c,
                Result c, Result gates) {
  const Sequences s{p.size(0), p.size(1), p.size(2) / 4};
  require(h0.has({s.batch, s.units}) && c0.has({s.batch, s.units}) &&
        u.has({s.units, 4 * s.units}) && has_if_any(mask, {s.steps, s.batch}));
  const Present present(mask, s.batch);
  const int64_t units = s.units;
  float *hs = h.data(), *cs = c.data();
  auto step = [&](int64_t t, int64_t n, const float* z, const float* before) {
    const int64_t row = (t * s.batch + n) * units;
    const float* x = p.data() + 4 * row;
    const float* c_before = t ? cs + row - s.states() : c0.data() + n * units;
    float* to = gates.data() + 4 * row;
    const bool here = present(t, n);
    each_vector(units, [&](int64_t i, auto count) {
      auto sum = [&](int64_t gate) {
        const int64_t at = gate * units + i;
        return load_first(x + at, count) + load_first(z + at, count);
      };
      const Vector in = sigmoid(sum(0)), f = sigmoid(sum(1)), g = tanh(sum(2)),
                   o = sigmoid(sum(3));
      store_first(to + i, in, count);
      store_first(to + units + i, f, count);
      store_first(to + 2 * units + i, g, count);
      store_first(to + 3 * units + i, o, count);
      const Vector old = load_first(c_before + i, count);
      const Vector new_c = f * old + in * g;
      store_first(cs + row + i, here ? new_c : old, count);
      store_first(hs + row + i, here ? o * tanh(new_c) : load_first(before + i, count), count);
    });
  };
  go_forward(pool, s, h0.data(), u.data(), 4, hs, last_h.data(), step);
  const float* final = s.steps ? cs + (s.steps - 1) * s.states() : c0.data();
  std::copy_n(final, s.states(), last_c.data());
}

void lstm_back(Pool pool, Floats g_last_h, Floats g_last_c, Floats g_h, Floats c0,
                     Floats c, Floats gates, Floats u, Mask mask, Result dh0,
                     Result dc0, Result dz) {
  const Sequences s{c.size(0), c.size(1), c.size(2)};
  require(g_last_h.has({s.batch, s.units}) && g_last_c.has({s.batch, s.units}) &&
        has_if_any(g_h, {s.steps, s.batch, s.units}) && c0.has({s.batch, s.units}) &&
        gates.has({s.steps, s.batch, 4 * s.units}) && u.has({s.units, 4 * s.units}) &&
        has_if_any(mask, {s.steps, s.batch}));
  const Present present(mask, s.batch);
  const int64_t units = s.units;
  const float *g_outputs = given(g_h), *cs = c.data();
  float* dcs = dc0.data();
  std::copy_n(g_last_c.data(), s.states(), dcs);
  auto step = [&](int64_t t, int64_t n, float* dh) {
    const int64_t row = (t * s.batch + n) * units;
    const float* own = g_outputs ? g_outputs + row : nullptr;
    float* to = dz.data() + 4 * row;
    if (!present(t, n)) return pass_by(units, own, dh, 4, to);  // dc passes as it is
    const float* c_before = t ? cs + row - s.states() : c0.data() + n * units;
    const float* kept = gates.data() + 4 * row;
    float* dc_row = dcs + n * units;
    each_vector(units, [&](int64_t i, auto count) {
      const Vector in = load_first(kept + i, count), f = load_first(kept + units + i, count),
                   g = load_first(kept + 2 * units + i, count),
                   o = load_first(kept + 3 * units + i, count);
      const Vector tanh_c = tanh(load_first(cs + row + i, count));
      const Vector d = total(dh, own, i, count);
      const Vector dc = load_first(dc_row + i, count) + d * o * (1 - tanh_c * tanh_c);
      store_first(to + i, dc * g * in * (1 - in), count);
      store_first(to + units + i, dc * load_first(c_before + i, count) * f * (1 - f), count);
      store_first(to + 2 * units + i, dc * in * (1 - g * g), count);
      store_first(to + 3 * units + i, d * tanh_c * o * (1 - o), count);
      store_first(dc_row + i, dc * f, count);
      store_first(dh + i, Vector{}, count);
    });
  };
  go_back(pool, s, g_last_h.data(), u.data(), 4, dz.data(), dh0.data(),
          step);
}

// --- GRU, whose reset gate acts after the product -----------------------------------------------

void gru(Pool pool, Floats p, Floats h0, Floats u, Floats bias, Mask mask,
               Result h, Result last, Result gates,
               Result inner) {
  const Sequences s{p.size(0), p.size(1), p.size(2) / 3};
  require(h0.has({s.batch, s.units}) && u.has({s.units, 3 * s.units}) &&
        bias.has({3 * s.units}) && has_if_any(mask, {s.steps, s.batch}));
  const Present present(mask, s.batch);
  const int64_t units = s.units;
  float* hs = h.data();
  auto step = [&](int64_t t, int64_t n, const float* z, const float* before) {
    const int64_t row = (t * s.batch + n) * units;
    const float *x = p.data() + 3 * row, *b = bias.data();
    float* to = gates.data() + 3 * row;
    const bool here = present(t, n);
    each_vector(units, [&](int64_t i, auto count) {
      auto projected = [&](int64_t gate) { return load_first(x + gate * units + i, count); };
      auto product = [&](int64_t gate) {
        return load_first(z + gate * units + i, count) + load_first(b + gate * units + i, count);
      };
      const Vector update = sigmoid(projected(0) + product(0));
      const Vector reset = sigmoid(projected(1) + product(1)), q = product(2);
      const Vector fresh = tanh(projected(2) + reset * q);
      store_first(to + i, update, count);
      store_first(to + units + i, reset, count);
      store_first(to + 2 * units + i, fresh, count);
      store_first(inner.data() + row + i, q, count);
      const Vector old = load_first(before + i, count);
      store_first(hs + row + i, here ? update * old + (1 - update) * fresh : old, count);
    });
  };
  go_forward(pool, s, h0.data(), u.data(), 3, hs, last.data(), step);
}

void gru_back(Pool pool, Floats g_last, Floats g_h, Floats h0, Floats h,
                    Floats gates, Floats inner, Floats u, Mask mask, Result dh0,
                    Result dp, Result dq) {
  const Sequences s{h.size(0), h.size(1), h.size(2)};
  require(g_last.has({s.batch, s.units}) && has_if_any(g_h, {s.steps, s.batch, s.units}) &&
        h0.has({s.batch, s.units}) && gates.has({s.steps, s.batch, 3 * s.units}) &&
        inner.has({s.steps, s.batch, s.units}) && u.has({s.units, 3 * s.units}) &&
        has_if_any(mask, {s.steps, s.batch}));
  const Present present(mask, s.batch);
  const int64_t units = s.units;
  const float *g_outputs = given(g_h), *hs = h.data();
  auto step = [&](int64_t t, int64_t n, float* dh) {
    const int64_t row = (t * s.batch + n) * units;
    const float* own = g_outputs ? g_outputs + row : nullptr;
    float *to_p = dp.data() + 3 * row, *to_q = dq.data() + 3 * row;
    if (!present(t, n)) {
      std::fill_n(to_p, 3 * units, 0.0f);
      return pass_by(units, own, dh, 3, to_q);
    }
    const float* before = t ? hs + row - s.states() : h0.data() + n * units;
    const float* kept = gates.data() + 3 * row;
    each_vector(units, [&](int64_t i, auto count) {
      const Vector update = load_first(kept + i, count),
                   reset = load_first(kept + units + i, count),
                   fresh = load_first(kept + 2 * units + i, count);
      const Vector d = total(dh, own, i, count);
      const Vector d_fresh = d * (1 - update) * (1 - fresh * fresh);
      const Vector d_update =
          d * (load_first(before + i, count) - fresh) * update * (1 - update);
      const Vector d_reset =
          d_fresh * load_first(inner.data() + row + i, count) * reset * (1 - reset);
      for (float* to : {to_p, to_q}) {
        store_first(to + i, d_update, count);
        store_first(to + units + i, d_reset, count);
      }
      store_first(to_p + 2 * units + i, d_fresh, count);
      store_first(to_q + 2 * units + i, d_fresh * reset, count);
      store_first(dh + i, d * update, count);
    });
  };
  go_back(pool, s, g_last.data(), u.data(), 3, dq.data(), dh0.data(),
          step);
}

// --- how XLA calls them -------------------------------------------------------------------------

ETUDE_KERNEL(etude_simple_rnn, simple_rnn)
ETUDE_KERNEL(etude_simple_rnn_back, simple_rnn_back)
ETUDE_KERNEL(etude_lstm, lstm)
ETUDE_KERNEL(etude_lstm_back, lstm_back)
ETUDE_KERNEL(etude_gru, gru)
ETUDE_KERNEL(etude_gru_back, gru_back)

}  // namespace etude
