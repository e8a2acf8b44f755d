// Runs CUDA kernels on the host: each thread of a block is a fiber, blocks come one after the other. Barriers and shuffles mean
// what they mean on the device; a barrier that some threads never reach ends the program. Kernels without any run thread after
// thread. What a device leaves open is drawn anew each time, so that nothing can lean on it: the order of blocks and of threads,
// how far one warp runs ahead of another, and what stands in a block's shared memory when it begins (here no number).
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
#define __device__ static
#define __shared__ static __attribute__((section("host_shared")))
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

extern "C" char __start_host_shared[] __attribute__((weak)), __stop_host_shared[] __attribute__((weak));

// Numbers below `end`, from a counter (Marsaglia's xorshift).
static unsigned host_drawn = 2463534242u;
static unsigned host_draw(unsigned end) {
    host_drawn ^= host_drawn << 13;
    host_drawn ^= host_drawn >> 17;
    host_drawn ^= host_drawn << 5;
    return host_drawn % end;
}

// The numbers below `end` from anywhere, upwards or downwards: of any two, each comes first half of the times.
struct host_order {
    unsigned end, start;
    bool down;
    explicit host_order(unsigned count) : end(count), start(host_draw(count)), down(host_draw(2) == 1) {}
    unsigned operator[](unsigned i) const { return down ? (start + end - i) % end : (start + i) % end; }
};

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
    if (__start_host_shared) memset(__start_host_shared, 0xff, (size_t)(__stop_host_shared - __start_host_shared));
    for (unsigned i = 0; i < blockDim.x; i++) fibers[i].state = running;
    for (;;) {
        host_order order(blockDim.x);
        unsigned left = 0;
        for (unsigned i = 0; i < blockDim.x; i++) {
            host_fiber& fiber = fibers[order[i]];
            if (fiber.state == running) host_resume(order[i]);
            left += fiber.state != ended;
        }
        if (left == 0) return;
        bool waits = false, released = false; // a warp that could go on may be left waiting, as long as another one goes
        for (unsigned warp = 0; warp < blockDim.x; warp += 32) {
            unsigned end = warp + 32 < blockDim.x ? warp + 32 : blockDim.x;
            if (host_draw(2) == 1) released |= host_release(warp, end, at_warp);
            waits |= fibers[warp].state == at_warp;
        }
        for (unsigned warp = 0; waits && !released && warp < blockDim.x; warp += 32) released = host_release(warp, warp + 32 < blockDim.x ? warp + 32 : blockDim.x, at_warp);
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
    for (unsigned y = 0; y < grid_y; y++) {
        host_order blocks(grid_x);
        for (unsigned x = 0; x < grid_x; x++) {
            blockIdx = { blocks[x], y, 0 };
            if (barriers) {
                host_block();
            } else {
                host_order order(block);
                for (unsigned i = 0; i < block; i++) {
                    threadIdx.x = order[i];
                    body(body_arguments);
                }
            }
        }
    }
}
