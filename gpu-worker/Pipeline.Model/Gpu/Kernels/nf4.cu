// NF4 with double quantisation to numbers. Format: bitsandbytes functional.quantize_4bit(compress_statistics=True); levels: csrc/kernels.cu, dQuantizeNF4.
__device__ const float nf4_levels[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
    -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f };

// codes: two a byte, the first in the high nibble, four bytes at a time. absmax: one a 64 values, an index into code, times
// the scale of its 256, plus an offset, each rounded as bitsandbytes rounds it.
extern "C" __global__ void nf4_dequantize(
    const unsigned* __restrict__ codes, const unsigned char* __restrict__ absmax, const float* __restrict__ scales, const float* __restrict__ code, float offset,
    pack* __restrict__ output, long long packs) {
    __shared__ float levels[16];
    __shared__ float table[256];
    for (int i = threadIdx.x; i < 16; i += blockDim.x) levels[i] = nf4_levels[i];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) table[i] = code[i];
    __syncthreads();
    for (long long i = element(); i < packs; i += (long long)gridDim.x * blockDim.x) {
        unsigned eight = codes[i];
        long long block = i >> 3;
        float largest = __fadd_rn(__fmul_rn(table[absmax[block]], scales[block >> 8]), offset);
        float values[8];
#pragma unroll
        for (int k = 0; k < 4; k++) {
            unsigned two = (eight >> (8 * k)) & 255u;
            values[2 * k] = levels[two >> 4] * largest;
            values[2 * k + 1] = levels[two & 15u] * largest;
        }
        output[i] = packed(values);
    }
}
