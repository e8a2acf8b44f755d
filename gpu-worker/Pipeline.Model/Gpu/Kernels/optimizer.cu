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
// gradients, or float32 sums of several, are scaled by clip[0], and cleared; the values are written again as the numbers that the
// products read. A factor that is no positive number (the norm or the loss was none) changes nothing but the gradients.
extern "C" __global__ void adamw(
    float* __restrict__ values, float* __restrict__ first, float* __restrict__ second, real* __restrict__ gradients, float* __restrict__ totals, real* __restrict__ copies,
    long long count, long long decayed, float decay, float step, float correction, float epsilon, const float* __restrict__ clip) {
    float scale = clip[0];
    bool counts = scale > 0.0f && scale <= 1.0f;
    for (long long i = element(); i < count; i += (long long)gridDim.x * blockDim.x) {
        if (counts) {
            float g = (totals ? totals[i] : get(gradients[i])) * scale;
            float m = first[i] * 0.9f + 0.1f * g;
            float v = second[i] * 0.999f + 0.001f * g * g;
            float value = values[i] * (i < decayed ? decay : 1.0f) - step * (m / (sqrtf(v) * correction + epsilon));
            first[i] = m;
            second[i] = v;
            values[i] = value;
            copies[i] = put(value);
        }
        gradients[i] = put(0.0f);
        if (totals) totals[i] = 0.0f;
    }
}

// The nearest of 256 ascending numbers; midway between two, the one with the even place (bitsandbytes csrc/kernels.cu, quantize_2D).
__device__ inline int nearest(const float* code, float x) {
    int below = 0;
    for (int step = 128; step > 0; step >>= 1) below += code[below + step] <= x ? step : 0;
    if (below == 255) return below;
    float middle = (code[below] + code[below + 1]) * 0.5f;
    return x > middle || (x == middle && (below & 1)) ? below + 1 : below;
}

// AdamW with moments of 8 bits, one absmax a block of 256 (bitsandbytes csrc/kernels.cu, kOptimizerStatic8bit2StateBlockwise; the
// decay comes after the step); blocks without a place among the absmax hold float32. places: of each block its first number, its
// first one among the moments of its kind, how many it has, its absmax or -1. Gradients are totals where there are such.
extern "C" __global__ void adamw_8bit(
    float* __restrict__ values, real* __restrict__ gradients, float* __restrict__ totals, real* __restrict__ copies, unsigned char* __restrict__ first_codes, float* __restrict__ first_absmax,
    unsigned char* __restrict__ second_codes, float* __restrict__ second_absmax, float* __restrict__ first, float* __restrict__ second, const float* __restrict__ code_of_both, const float* __restrict__ code_of_positives,
    const long long* __restrict__ places, long long blocks, long long decayed, float decay, float size, float epsilon, const float* __restrict__ clip) {
    __shared__ float both[256];
    __shared__ float positives[256];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) {
        both[i] = code_of_both[i];
        positives[i] = code_of_positives[i];
    }
    __syncthreads();
    float scale = clip[0];
    bool counts = scale > 0.0f && scale <= 1.0f;
    for (long long block = blockIdx.x; block < blocks; block += gridDim.x) {
        const long long* place = places + 4 * block;
        bool mine = threadIdx.x < place[2];
        long long i = place[0] + threadIdx.x, at = place[1] + threadIdx.x, absmax = place[3];
        float m = 0.0f, v = 0.0f;
        if (mine && counts) {
            float g = (totals ? totals[i] : get(gradients[i])) * scale;
            m = absmax < 0 ? first[at] : both[first_codes[at]] * first_absmax[absmax];
            v = absmax < 0 ? second[at] : positives[second_codes[at]] * second_absmax[absmax];
            v = v * 0.999f + (1.0f - 0.999f) * g * g;
            m = m * 0.9f + (1.0f - 0.9f) * g;
            float value = (values[i] + size * (m / (sqrtf(v) + epsilon))) * (i < decayed ? decay : 1.0f);
            values[i] = value;
            if (copies) copies[i] = put(value);
        }
        if (mine && totals) totals[i] = 0.0f;
        if (mine && gradients) gradients[i] = put(0.0f);
        if (!counts) continue;
        if (absmax < 0) {
            if (mine) {
                first[at] = m;
                second[at] = v;
            }
            continue;
        }
        float most = block_max(fabsf(m)), most_second = block_max(v); // behind their barriers all have read what now is written
        if (mine) {
            float x = most > 0.0f ? m / most : 0.0f;
            int place_of_first = nearest(both, x);
            // A mean that is rounded to zero, or over it, would push the other way.
            if (most > 0.0f && ((__float_as_uint(both[place_of_first]) ^ __float_as_uint(m)) >> 31)) place_of_first += m > 0.0f ? 1 : -1;
            first_codes[at] = (unsigned char)place_of_first;
            second_codes[at] = (unsigned char)nearest(positives, most_second > 0.0f ? v / most_second : 0.0f);
        }
        if (threadIdx.x == 0) {
            first_absmax[absmax] = most;
            second_absmax[absmax] = most_second;
        }
    }
}
