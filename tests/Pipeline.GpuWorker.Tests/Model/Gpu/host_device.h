// Runs CUDA kernels on the host: each thread of a block is a fiber, blocks come one after the other. Barriers and shuffles mean
// what they mean on the device; a barrier that some threads never reach ends the program.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>
#include <ucontext.h>

#define __global__
#define __device__
#define __shared__ static
#define __restrict__ __restrict

struct host_dimensions { unsigned x, y, z; };
static host_dimensions threadIdx, blockIdx, blockDim, gridDim;

static inline unsigned __float_as_uint(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }
static inline float __uint_as_float(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
#define __expf expf
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

enum host_state { running, at_warp, at_block, ended };
struct host_fiber { ucontext_t context; host_state state; float shown; };
static std::vector<host_fiber> fibers;
static std::vector<char> stacks;
static ucontext_t scheduler;
static void (*body)(void*);
static void* body_arguments;

static void host_wait(host_state at) {
    host_fiber& fiber = fibers[threadIdx.x];
    fiber.state = at;
    swapcontext(&fiber.context, &scheduler);
}

static inline void __syncthreads() { host_wait(at_block); }

static inline float __shfl_xor_sync(unsigned, float x, int lanes) {
    unsigned from = (threadIdx.x & ~31u) | ((threadIdx.x & 31u) ^ (unsigned)lanes);
    fibers[threadIdx.x].shown = x;
    host_wait(at_warp);
    float other = fibers[from].shown;
    host_wait(at_warp);
    return other;
}

static void host_enter() {
    body(body_arguments);
    fibers[threadIdx.x].state = ended;
}

static bool host_release(unsigned begin, unsigned end, host_state at) {
    bool any = false;
    for (unsigned i = begin; i < end; i++) {
        if (fibers[i].state == running || (fibers[i].state != ended && fibers[i].state != at)) return false;
        any |= fibers[i].state == at;
    }
    for (unsigned i = begin; i < end; i++) if (fibers[i].state == at) fibers[i].state = running;
    return any;
}

static void host_block() {
    const size_t stack = 64 * 1024;
    fibers.resize(blockDim.x);
    stacks.resize(stack * blockDim.x);
    for (unsigned i = 0; i < blockDim.x; i++) {
        getcontext(&fibers[i].context);
        fibers[i].context.uc_stack.ss_sp = &stacks[stack * i];
        fibers[i].context.uc_stack.ss_size = stack;
        fibers[i].context.uc_link = &scheduler;
        fibers[i].state = running;
        makecontext(&fibers[i].context, host_enter, 0);
    }
    for (;;) {
        unsigned left = 0;
        for (unsigned i = 0; i < blockDim.x; i++) {
            if (fibers[i].state == running) {
                threadIdx.x = i;
                swapcontext(&scheduler, &fibers[i].context);
            }
            left += fibers[i].state != ended;
        }
        if (left == 0) return;
        bool released = false;
        for (unsigned warp = 0; warp < blockDim.x; warp += 32) released |= host_release(warp, warp + 32 < blockDim.x ? warp + 32 : blockDim.x, at_warp);
        if (!released && !host_release(0, blockDim.x, at_block)) {
            fprintf(stderr, "threads wait at different barriers\n");
            abort();
        }
    }
}

template <typename... A, size_t... I>
static void host_call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) { kernel(*(typename std::remove_const<A>::type*)arguments[I]...); }

template <typename... A>
static void host_launch(void (*kernel)(A...), void** arguments, unsigned grid_x, unsigned grid_y, unsigned block) {
    struct call { void (*kernel)(A...); void** arguments; } one = { kernel, arguments };
    body = [](void* p) { call* c = (call*)p; host_call(c->kernel, c->arguments, std::make_index_sequence<sizeof...(A)>()); };
    body_arguments = &one;
    gridDim = { grid_x, grid_y, 1 };
    blockDim = { block, 1, 1 };
    for (unsigned y = 0; y < grid_y; y++)
        for (unsigned x = 0; x < grid_x; x++) {
            blockIdx = { x, y, 0 };
            host_block();
        }
}
