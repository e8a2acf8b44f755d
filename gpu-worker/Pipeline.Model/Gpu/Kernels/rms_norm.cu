// y = w x s with s = 1 / sqrt(mean(x^2) + epsilon); Zhang and Sennrich 2019. One block a row; rows of `packs` packs.

// Of x, or of x + added, which is then written to sum: the stream behind a sublayer and the next norm in one reading. y, and y
// with some dropped, where they are wanted.
extern "C" __global__ void rms_norm_forward(
    const pack* input, const pack* added, const pack* __restrict__ weight, pack* sum, pack* __restrict__ output, pack* __restrict__ dropped, float* __restrict__ scales,
    int packs, float epsilon, unsigned seed, unsigned threshold, float kept) {
    long long row = blockIdx.x * (long long)packs;
    float x[8], w[8];
    float squares = 0.0f;
    for (int i = threadIdx.x; i < packs; i += blockDim.x) {
        unpack(input[row + i], x);
        if (added) {
            unpack(added[row + i], w);
#pragma unroll
            for (int k = 0; k < 8; k++) x[k] += w[k];
            pack rounded = packed(x);
            sum[row + i] = rounded;
            unpack(rounded, x); // what the backward pass will read
        }
#pragma unroll
        for (int k = 0; k < 8; k++) squares += x[k] * x[k];
    }
    float scale = rsqrtf(block_sum(squares) / (8.0f * packs) + epsilon);
    if (threadIdx.x == 0) scales[blockIdx.x] = scale;
    const pack* normed = added ? sum : input;
    for (int i = threadIdx.x; i < packs; i += blockDim.x) {
        unpack(normed[row + i], x);
        unpack(weight[i], w);
#pragma unroll
        for (int k = 0; k < 8; k++) x[k] *= scale * w[k];
        pack rounded = packed(x);
        if (output) output[row + i] = rounded;
        if (dropped) {
            unpack(rounded, x);
#pragma unroll
            for (int k = 0; k < 8; k++) x[k] = through(x[k], (unsigned)((row + i) * 8 + k), seed, threshold, kept);
            dropped[row + i] = packed(x);
        }
    }
}

// dx = residual + s (g - x s^2 mean(g x)) with g = dy w; residual may be missing, and may be the output itself. Where y was also
// read with some dropped, `across` is the derivative by that, and goes through to dy where y did.
extern "C" __global__ void rms_norm_backward(
    const pack* __restrict__ input, const pack* __restrict__ weight, const float* __restrict__ scales, const pack* __restrict__ gradient, const pack* __restrict__ across, const pack* residual, pack* output,
    int packs, unsigned seed, unsigned threshold, float kept) {
    long long row = blockIdx.x * (long long)packs;
    float scale = scales[blockIdx.x];
    float x[8], w[8], g[8], r[8], a[8];
    float along = 0.0f;
    for (int i = threadIdx.x; i < packs; i += blockDim.x) {
        unpack(input[row + i], x);
        unpack(weight[i], w);
        unpack(gradient[row + i], g);
        if (across) unpack(across[row + i], a);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            if (across) g[k] += through(a[k], (unsigned)((row + i) * 8 + k), seed, threshold, kept);
            along += x[k] * w[k] * g[k];
        }
    }
    along = block_sum(along) * scale * scale / (8.0f * packs);
    for (int i = threadIdx.x; i < packs; i += blockDim.x) {
        unpack(input[row + i], x);
        unpack(weight[i], w);
        unpack(gradient[row + i], g);
        if (across) unpack(across[row + i], a);
        if (residual) unpack(residual[row + i], r);
#pragma unroll
        for (int k = 0; k < 8; k++) {
            if (across) g[k] += through(a[k], (unsigned)((row + i) * 8 + k), seed, threshold, kept);
            r[k] = (residual ? r[k] : 0.0f) + scale * (g[k] * w[k] - x[k] * along);
        }
        output[row + i] = packed(r);
    }
}
