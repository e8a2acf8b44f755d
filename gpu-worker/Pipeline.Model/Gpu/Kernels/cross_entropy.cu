// Next-token cross-entropy of rows of logits, log sum exp(x) - x[target], and its derivative (softmax(x) - 1[target]) weight,
// which takes the logits' place. One block a row; rows of `stride` numbers, a multiple of eight, of which `vocabulary` count.
extern "C" __global__ void cross_entropy(real* logits, const int* __restrict__ targets, float* __restrict__ losses, int vocabulary, long long stride, float weight) {
    real* row = logits + blockIdx.x * stride;
    pack* packs = (pack*)row;
    int whole = vocabulary / 8;
    int target = targets[blockIdx.x];
    float x[8];
    float most = -3.402823466e38f, sum = 0.0f; // of this thread: the largest, and the sum of exp(x - largest)
    for (int i = threadIdx.x; i < whole; i += blockDim.x) {
        unpack(packs[i], x);
        float high = most;
#pragma unroll
        for (int k = 0; k < 8; k++) high = fmaxf(high, x[k]);
        sum *= __expf(most - high);
        most = high;
#pragma unroll
        for (int k = 0; k < 8; k++) sum += __expf(x[k] - most);
    }
    for (int i = 8 * whole + threadIdx.x; i < vocabulary; i += blockDim.x) {
        float one = get(row[i]), high = fmaxf(most, one);
        sum = sum * __expf(most - high) + __expf(one - high);
        most = high;
    }
    float largest = block_max(most);
    sum = block_sum(sum == 0.0f ? 0.0f : sum * __expf(most - largest));
    if (threadIdx.x == 0) losses[blockIdx.x] = largest + logf(sum) - get(row[target]);
    __syncthreads(); // the target's logit is read before it is written over
    float factor = weight / sum;
    for (int i = threadIdx.x; i < whole; i += blockDim.x) {
        unpack(packs[i], x);
#pragma unroll
        for (int k = 0; k < 8; k++) x[k] = __expf(x[k] - largest) * factor - (8 * i + k == target ? weight : 0.0f);
        packs[i] = packed(x);
    }
    for (int i = 8 * whole + threadIdx.x; i < vocabulary; i += blockDim.x) {
        row[i] = put(__expf(get(row[i]) - largest) * factor - (i == target ? weight : 0.0f));
    }
}
