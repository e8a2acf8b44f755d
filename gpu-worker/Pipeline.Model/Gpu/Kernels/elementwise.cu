// What is done to each number, or to each pair, on its own. Places are divided as 32-bit numbers: the device takes several times
// as long for 64. The caller sees to it that they fit.

// RoPE in the half-rotated layout (Su et al. 2021; transformers rotate_half), in place: x1 c - x2 s, x2 c + x1 s.
// Rows of `stride` numbers begin with `heads` heads of 16 * half numbers; direction is 1, or -1 for the backward pass.
extern "C" __global__ void rotary(
    pack* __restrict__ x, long long stride, int heads, int half, const int* __restrict__ positions, const eight* __restrict__ cosines, const eight* __restrict__ sines, float direction, long long count) {
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        unsigned head = (unsigned)i / (unsigned)half, part = (unsigned)i - head * half;
        unsigned token = head / (unsigned)heads;
        pack* first = x + token * stride + (head - token * heads) * 2 * half + part;
        eight c = cosines[positions[token] * (long long)half + part], s = sines[positions[token] * (long long)half + part];
        float a[8], b[8];
        unpack(first[0], a);
        unpack(first[half], b);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            float turn = s.v[k] * direction;
            float u = a[k] * c.v[k] - b[k] * turn;
            b[k] = b[k] * c.v[k] + a[k] * turn;
            a[k] = u;
        }
        first[0] = packed(a);
        first[half] = packed(b);
    }
}

// y = g sigmoid(g) u (Shazeer 2020); rows hold the gate, then up, `inner` packs each. y, and y with some dropped, where they are wanted.
extern "C" __global__ void swiglu_forward(
    const pack* __restrict__ gate_up, pack* __restrict__ output, pack* __restrict__ dropped, int inner, long long count, unsigned seed, unsigned threshold, float kept) {
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        long long at = i + ((unsigned)i / (unsigned)inner) * (long long)inner;
        float g[8], u[8];
        unpack(gate_up[at], g);
        unpack(gate_up[at + inner], u);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            float sigma = 1.0f / (1.0f + __expf(-g[k]));
            float silu = g[k] * sigma;
            u[k] = silu * u[k];
        }
        pack rounded = packed(u);
        if (output) output[i] = rounded;
        if (dropped) {
            unpack(rounded, u);
#pragma unroll
            for (int k = 0; k < 8; k++) u[k] = through(u[k], (unsigned)(i * 8 + k), seed, threshold, kept);
            dropped[i] = packed(u);
        }
    }
}

// Gate and up become the derivatives by them; the derivative by y becomes y, which the backward pass needs again. Where y was also read
// with some dropped, `across` is the derivative by that, and what is written is y so dropped.
extern "C" __global__ void swiglu_backward(
    pack* __restrict__ gate_up, pack* __restrict__ gradient, const pack* __restrict__ across, int inner, long long count, unsigned seed, unsigned threshold, float kept) {
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        long long at = i + ((unsigned)i / (unsigned)inner) * (long long)inner;
        float g[8], u[8], d[8], a[8];
        unpack(gate_up[at], g);
        unpack(gate_up[at + inner], u);
        unpack(gradient[i], d);
        if (across) unpack(across[i], a);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            if (across) d[k] += through(a[k], (unsigned)(i * 8 + k), seed, threshold, kept);
            float sigma = 1.0f / (1.0f + __expf(-g[k]));
            float silu = g[k] * sigma;
            float dg = d[k] * u[k] * sigma * (1.0f + g[k] * (1.0f - sigma));
            float y = silu * u[k];
            u[k] = d[k] * silu;
            g[k] = dg;
            d[k] = y;
        }
        gate_up[at] = packed(g);
        gate_up[at + inner] = packed(u);
        pack rounded = packed(d);
        if (across) {
            unpack(rounded, d);
#pragma unroll
            for (int k = 0; k < 8; k++) d[k] = through(d[k], (unsigned)(i * 8 + k), seed, threshold, kept);
            rounded = packed(d);
        }
        gradient[i] = rounded;
    }
}

extern "C" __global__ void dropout(const pack* __restrict__ input, pack* __restrict__ output, long long count, unsigned seed, unsigned threshold, float kept, int onto) {
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        float x[8], y[8];
        unpack(input[i], x);
        if (onto) unpack(output[i], y);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            x[k] = through(x[k], (unsigned)(i * 8 + k), seed, threshold, kept);
            if (onto) x[k] += y[k];
        }
        output[i] = packed(x);
    }
}

// Rows of `packs` packs to where they are wanted: row i of the output is row index[i] of the input, or zeros where that is below 0.
// Both may be parts of wider rows.
extern "C" __global__ void gather_rows(const pack* __restrict__ input, long long from, pack* __restrict__ output, long long to, const int* __restrict__ index, int packs, long long count) {
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        unsigned row = (unsigned)i / (unsigned)packs, part = (unsigned)i - row * packs;
        int source = index[row];
        pack value;
        if (source < 0) {
            float none[8] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f };
            value = packed(none);
        } else {
            value = input[source * from + part];
        }
        output[row * to + part] = value;
    }
}
