// One step over everything that is trained, in one buffer.

// Sums of squares, one a block; a grid of any size.
extern "C" __global__ void sum_of_squares(const real* __restrict__ x, float* __restrict__ sums, long long count) {
    float sum = 0.0f;
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        float one = get(x[i]);
        sum += one * one;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// AdamW (Loshchilov and Hutter 2019, algorithm 2; the order of torch/optim/adamw.py) on float32 values and moments. The
// gradients are scaled by clip[0], and cleared; the values are written again as the numbers that the products read.
extern "C" __global__ void adamw(
    float* __restrict__ values, float* __restrict__ first, float* __restrict__ second, real* __restrict__ gradients, real* __restrict__ copies, long long count, long long decayed,
    float decay, float step, float correction, float epsilon, const float* __restrict__ clip) {
    float scale = clip[0];
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        float g = get(gradients[i]) * scale;
        float m = first[i] * 0.9f + 0.1f * g;
        float v = second[i] * 0.999f + 0.001f * g * g;
        float value = values[i] * (i < decayed ? decay : 1.0f) - step * (m / (sqrtf(v) * correction + epsilon));
        first[i] = m;
        second[i] = v;
        values[i] = value;
        copies[i] = put(value);
        gradients[i] = put(0.0f);
    }
}
