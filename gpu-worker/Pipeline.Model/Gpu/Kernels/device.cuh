// What every kernel here uses. Needs no header: NVRTC brings all of it, and tests compile the same text for the host.
//
// real: the numbers of a tensor, bfloat16; float32 where PIPELINE_FLOAT is defined. All arithmetic is float32.
// pack: eight of them, read and written at once; tensors begin at a multiple of its size, rows are multiples of eight.

struct alignas(16) quad { unsigned v[4]; };
struct alignas(16) eight { float v[8]; };

__device__ inline float bits_to_float(unsigned bits) { return __uint_as_float(bits); }

// Two numbers in bfloat16, rounded to nearest even, the first in the low half.
__device__ inline unsigned to_bfloat16(float low, float high) {
#ifdef __CUDA_ARCH__
    unsigned both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
#else
    unsigned parts[2] = { __float_as_uint(low), __float_as_uint(high) };
    for (int i = 0; i < 2; i++) {
        bool nan = (parts[i] & 0x7fffffffu) > 0x7f800000u;
        parts[i] = nan ? 0x7fffu : (parts[i] + 0x7fffu + ((parts[i] >> 16) & 1u)) >> 16;
    }
    return parts[0] | (parts[1] << 16);
#endif
}

#ifdef PIPELINE_FLOAT

typedef float real;
typedef eight pack;

__device__ inline float get(real x) { return x; }
__device__ inline real put(float x) { return x; }
__device__ inline void unpack(pack from, float* to) {
#pragma unroll
    for (int i = 0; i < 8; i++) to[i] = from.v[i];
}
__device__ inline pack packed(const float* from) {
    pack to;
#pragma unroll
    for (int i = 0; i < 8; i++) to.v[i] = from[i];
    return to;
}

#else

struct real { unsigned short bits; };
typedef quad pack;

__device__ inline float get(real x) { return bits_to_float((unsigned)x.bits << 16); }
__device__ inline real put(float x) { real to; to.bits = (unsigned short)(to_bfloat16(x, 0.0f) & 0xffffu); return to; }
__device__ inline void unpack(pack from, float* to) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        to[2 * i] = bits_to_float(from.v[i] << 16);
        to[2 * i + 1] = bits_to_float(from.v[i] & 0xffff0000u);
    }
}
__device__ inline pack packed(const float* from) {
    pack to;
#pragma unroll
    for (int i = 0; i < 4; i++) to.v[i] = to_bfloat16(from[2 * i], from[2 * i + 1]);
    return to;
}

#endif

__device__ inline long long element() { return blockIdx.x * (long long)blockDim.x + threadIdx.x; }

// What goes through of x, the i-th number of its tensor, dropped from a counter: kept when the hash of seed and i is at least the
// threshold (p 2^32), and times 1 / (1 - p). The hash is MurmurHash3's fmix32 over a Weyl sequence: the one of CounterDropout, so
// that CPU and GPU drop the same.
__device__ inline float through(float x, unsigned i, unsigned seed, unsigned threshold, float kept) {
    unsigned hash = i * 0x9E3779B9u + seed;
    hash = (hash ^ (hash >> 16)) * 0x85EBCA6Bu;
    hash = (hash ^ (hash >> 13)) * 0xC2B2AE35u;
    hash ^= hash >> 16;
    return hash >= threshold ? x * kept : 0.0f;
}

// The sum over a block of whole warps, 32 of them at most; every thread gets it. Two in a row need no barrier between them: what
// one of them writes before its first barrier was read before the last one of the other, and the sum is written behind the first.
__device__ inline float block_sum(float x) {
    __shared__ float sums[33];
    for (int lane = 16; lane > 0; lane >>= 1) x += __shfl_xor_sync(0xffffffffu, x, lane);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = x;
    __syncthreads();
    if (threadIdx.x < 32) {
        float y = threadIdx.x < (blockDim.x >> 5) ? sums[threadIdx.x] : 0.0f;
        for (int lane = 16; lane > 0; lane >>= 1) y += __shfl_xor_sync(0xffffffffu, y, lane);
        if (threadIdx.x == 0) sums[32] = y;
    }
    __syncthreads();
    return sums[32];
}

// The largest over a block, likewise.
__device__ inline float block_max(float x) {
    __shared__ float most[33];
    for (int lane = 16; lane > 0; lane >>= 1) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, lane));
    if ((threadIdx.x & 31) == 0) most[threadIdx.x >> 5] = x;
    __syncthreads();
    if (threadIdx.x < 32) {
        float y = threadIdx.x < (blockDim.x >> 5) ? most[threadIdx.x] : most[0];
        for (int lane = 16; lane > 0; lane >>= 1) y = fmaxf(y, __shfl_xor_sync(0xffffffffu, y, lane));
        if (threadIdx.x == 0) most[32] = y;
    }
    __syncthreads();
    return most[32];
}
