// NF4 with double quantisation to numbers. Format: bitsandbytes functional.quantize_4bit(compress_statistics=True); levels: csrc/kernels.cu, dQuantizeNF4.
__device__ const float nf4_levels[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
    -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f };

// Eight codes, two a byte, the first in the high nibble.
__device__ inline void nf4_decode(unsigned eight, const float* levels, float largest, float* values) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
        unsigned two = (eight >> (8 * k)) & 255u;
        values[2 * k] = levels[two >> 4] * largest;
        values[2 * k + 1] = levels[two & 15u] * largest;
    }
}

// Every thread of the block comes here.
__device__ inline void block_nf4_tables(const float* code, float* levels, float* table) {
    for (int i = threadIdx.x; i < 16; i += blockDim.x) levels[i] = nf4_levels[i];
    for (int i = threadIdx.x; i < 256; i += blockDim.x) table[i] = code[i];
    __syncthreads();
}

// The absmax of the block in which pack i lies: one a 64 values, an index into the code, times the scale of its 256, plus an
// offset, each rounded as bitsandbytes rounds it.
__device__ inline float nf4_largest(long long i, const unsigned char* absmax, const float* scales, const float* table, float offset) {
    long long block = i >> 3;
    return __fadd_rn(__fmul_rn(table[absmax[block]], scales[block >> 8]), offset);
}

extern "C" __global__ void nf4_dequantize(
    const unsigned* __restrict__ codes, const unsigned char* __restrict__ absmax, const float* __restrict__ scales, const float* __restrict__ code, float offset,
    pack* __restrict__ output, long long packs) {
    __shared__ float levels[16];
    __shared__ float table[256];
    block_nf4_tables(code, levels, table);
    for (long long i = element(); i < packs; i += (long long)gridDim.x * blockDim.x) {
        float values[8];
        nf4_decode(codes[i], levels, nf4_largest(i, absmax, scales, table, offset), values);
        output[i] = packed(values);
    }
}

// y = x W^T for at most eight rows x and W in NF4, [outs, 8 packs]: a warp an output; each code is read and decoded once, and no
// value of W is rounded or written. Rows of y are `stride` numbers.
extern "C" __global__ void nf4_matvec(
    const unsigned* __restrict__ codes, const unsigned char* __restrict__ absmax, const float* __restrict__ scales, const float* __restrict__ code, float offset,
    const pack* __restrict__ x, real* __restrict__ output, int rows, int packs, int outs, long long stride) {
    __shared__ float levels[16];
    __shared__ float table[256];
    block_nf4_tables(code, levels, table);
    int warps = blockDim.x >> 5;
    for (int out = blockIdx.x * warps + (threadIdx.x >> 5); out < outs; out += gridDim.x * warps) {
        float sums[8];
#pragma unroll
        for (int m = 0; m < 8; m++) sums[m] = 0.0f;
        for (int i = threadIdx.x & 31; i < packs; i += 32) {
            long long at = out * (long long)packs + i;
            float values[8], row[8];
            nf4_decode(codes[at], levels, nf4_largest(at, absmax, scales, table, offset), values);
#pragma unroll
            for (int m = 0; m < 8; m++) {
                if (m < rows) {
                    unpack(x[m * (long long)packs + i], row);
#pragma unroll
                    for (int k = 0; k < 8; k++) sums[m] += row[k] * values[k];
                }
            }
        }
#pragma unroll
        for (int m = 0; m < 8; m++) {
            if (m < rows) {
                float sum = sums[m];
                for (int lane = 16; lane > 0; lane >>= 1) sum += __shfl_xor_sync(0xffffffffu, sum, lane);
                if ((threadIdx.x & 31) == 0) output[m * stride + out] = put(sum);
            }
        }
    }
}
