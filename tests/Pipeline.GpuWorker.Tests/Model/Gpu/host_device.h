// Runs CUDA kernels on the host: each thread of a block is a fiber, blocks come one after the other. Barriers and shuffles mean
// what they mean on the device; a barrier that some threads never reach ends the
// program. Kernels without any run thread after thread.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <csetjmp>
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
struct host_fiber { jmp_buf here; host_state state; float shown; bool made; };
static host_fiber fibers[1024];
static std::vector<char> stacks[1024];
static jmp_buf scheduler;
static void (*body)(void*);
static void* body_arguments;

// A jump saves no signal mask: two of them cost no system call.
static void host_wait(host_state at) {
    host_fiber& fiber = fibers[threadIdx.x];
    fiber.state = at;
    if (_setjmp(fiber.here) == 0) _longjmp(scheduler, 1);
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

// A fiber lives on: when a thread has ended it is the same thread of the next block.
static void host_enter() {
    for (;;) {
        body(body_arguments);
        host_wait(ended);
    }
}

static void host_resume(unsigned i) {
    threadIdx.x = i;
    if (_setjmp(scheduler) != 0) return;
    if (fibers[i].made) _longjmp(fibers[i].here, 1);
    fibers[i].made = true;
    ucontext_t context;
    getcontext(&context);
    stacks[i].resize(64 * 1024);
    context.uc_stack.ss_sp = stacks[i].data();
    context.uc_stack.ss_size = stacks[i].size();
    context.uc_link = nullptr;
    makecontext(&context, host_enter, 0);
    setcontext(&context);
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
    for (unsigned i = 0; i < blockDim.x; i++) fibers[i].state = running;
    for (;;) {
        unsigned left = 0;
        for (unsigned i = 0; i < blockDim.x; i++) {
            if (fibers[i].state == running) host_resume(i);
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
static void host_launch(void (*kernel)(A...), void** arguments, unsigned grid_x, unsigned grid_y, unsigned block, bool barriers) {
    struct call { void (*kernel)(A...); void** arguments; } one = { kernel, arguments };
    body = [](void* p) { call* c = (call*)p; host_call(c->kernel, c->arguments, std::make_index_sequence<sizeof...(A)>()); };
    body_arguments = &one;
    gridDim = { grid_x, grid_y, 1 };
    blockDim = { block, 1, 1 };
    for (unsigned y = 0; y < grid_y; y++)
        for (unsigned x = 0; x < grid_x; x++) {
            blockIdx = { x, y, 0 };
            if (barriers) {
                host_block();
            } else {
                for (unsigned i = 0; i < block; i++) {
                    threadIdx.x = i;
                    body(body_arguments);
                }
            }
        }
}
