#!/usr/bin/env bash
# All that is to be measured on an NVIDIA GPU, in one run of under 8 minutes.
#
#   gpu-worker/measure.sh pack [KIT]       here: worker without libtorch, .NET runtime, reference vectors -> KIT (default .gpu, ignored by git)
#   KIT/measure.sh run [KIT] [OUT]         there: needs the driver, python3 with PyTorch for CUDA (its libtorch is used), nothing else
#   gpu-worker/measure.sh smoke [KIT]      here, without a GPU: each step starts from the kit and says that there is no GPU, parity runs on the CPU
#
# OUT/figures.jsonl gets the lines, each with the card's name; OUT/log.txt all that was printed. Exit code: the number of steps that failed.
# What they are compared with stands in gpu-worker/EXPERIMENTS.md; predictions and outcomes go there.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

pack() {
  local kit=${1:-$here/../.gpu} runtime dotnet
  set -e
  rm -rf "${kit:?}/worker" "$kit/smoke"
  mkdir -p "$kit"; kit=$(cd "$kit" && pwd)
  dotnet publish "$here/Pipeline.Worker" -c Release -p:TorchDevice=none -o "$kit/worker" >"$kit/publish.txt" 2>&1 || { tail -5 "$kit/publish.txt"; return 1; }
  rm -f "$kit/publish.txt"; find "$kit/worker" -name '*.pdb' -delete; find "$kit/worker" -name '*.xml' -delete
  runtime=$(dotnet --list-runtimes | awk '$1=="Microsoft.NETCore.App" && $2 ~ /^10\./ {v=$2} END {print v}')
  dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
  tar -C "$dotnet" -cJf "$kit/dotnet.tar.xz" dotnet host "shared/Microsoft.NETCore.App/$runtime"
  rm -rf "$kit/golden"; cp -r "$here/../tests/Golden" "$kit/golden"; rm -f "$kit/golden/official-api.json"
  mkdir -p "$kit/tokenizer"; cp "$here/models/tiny-llama-chat/tokenizer.json" "$here/models/tiny-llama-chat/tokenizer_config.json" "$kit/tokenizer/"
  for peer in "$here/../../shared/bench/peer_hf_qlora.py"; do [ -f "$peer" ] && cp "$peer" "$kit/peer.py"; done
  cp "${BASH_SOURCE[0]}" "$kit/measure.sh"
  du -sm "$kit" | awk '{print "packed " $1 " MiB in " $2}'
}

# line NAME: each JSON line that a step prints, with the card's name in it; other lines go to the log alone.
line() { sed -n 's/^{\(.*\)}$/\1/p' | while IFS= read -r body; do printf '{"card":"%s","step":"%s",%s}\n' "$card" "$1" "$body"; done >>"$out/figures.jsonl"; }

# step NAME SECONDS COMMAND...: runs it, keeps what it says, counts it when it fails, goes on.
step() {
  local name=$1 limit=$2 began=$SECONDS rc; shift 2
  echo "== $name: $*" | tee -a "$out/log.txt"
  timeout "$limit" "$@" >"$out/step.txt" 2>&1; rc=$?
  tee -a "$out/log.txt" <"$out/step.txt" | tail -n 40
  line "$name" <"$out/step.txt"
  printf '{"card":"%s","step":"%s","seconds":%d,"exit":%d}\n' "$card" "$name" $((SECONDS - began)) $rc >>"$out/figures.jsonl"
  [ $rc -eq 0 ] || { failed=$((failed + 1)); echo "-- $name ended with exit code $rc"; }
}

worker() { "$DOTNET_ROOT/dotnet" exec "$kit/worker/Pipeline.Worker.dll" "$@"; }

unpack() {
  DOTNET_ROOT=$(mktemp -d); trap 'rm -rf "$DOTNET_ROOT"' EXIT # not in the kit: that may have to travel again
  tar -C "$DOTNET_ROOT" -xJf "$kit/dotnet.tar.xz"
  export DOTNET_ROOT DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
  : >"$out/log.txt"; : >"$out/figures.jsonl"; failed=0
  export -f worker; export kit
}

steps() { # on a GPU, or (smoke) as far as they go
  step symbols 30 bash -c 'ldd -r "$kit/worker/libLibTorchSharp.so" 2>&1 | grep -v "weak version" | grep -E "undefined|not found" && exit 1 || exit 0'
  step selfcheck 60 bash -c 'worker selfcheck --device cuda'
  step parity 90 bash -c "worker parity '$kit/golden' --tokenizer '$kit/tokenizer' --device cuda --json '$out/parity.json'" # float32: its kernels are checked in that form too
  step kernels 45 bash -c 'worker bench kernels'
  step steps 210 bash -c 'worker bench gpu --cases 4x1024:selective 4x1024:full 4x1024:offload 8x1024:selective 8x1024:full 4x512:selective 4x512:full packed200x4096:selective 4x1024:selective:0 4x1024:full:0'
  step decode 45 bash -c 'worker bench decode'
  if [ -f "$kit/peer.py" ]; then # bfloat16 LoRA where bitsandbytes is absent
    cases=lora:4x1024:none,lora:4x1024:ckpt
    python3 -c 'import bitsandbytes' 2>/dev/null && cases=qlora:4x1024:none,qlora:4x1024:ckpt,qlora:4x512:ckpt
    step peer 90 python3 "$kit/peer.py" --dir "$out/peer-base" --cases "$cases"
    rm -rf "$out/peer-base"
  fi
  rm -f "$out/step.txt"
}

run() {
  kit=$(cd "${1:-$here}" && pwd); out=${2:-$kit/out}; mkdir -p "$out"; out=$(cd "$out" && pwd)
  card=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 | tr -d '"')
  [ -n "$card" ] || { echo "nvidia-smi names no GPU here"; exit 1; }
  unpack
  TORCH_LIB=${TORCH_LIB:-$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')} || { echo "python3 has no PyTorch: set TORCH_LIB to a folder torch/lib"; exit 1; }
  export TORCH_LIB LD_LIBRARY_PATH=$TORCH_LIB${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  steps
  echo "$failed steps failed; figures in $out/figures.jsonl"
  exit "$failed"
}

smoke() { # libtorch of the CPU build stands for PyTorch's: what needs a GPU must say so in one line and fail
  kit=$(cd "${1:-$here/../.gpu}" && pwd); out=$kit/smoke; rm -rf "$out"; mkdir -p "$out"; card=none
  unpack
  TORCH_LIB=$(dirname "$(find "$here" "${NUGET_PACKAGES:-$HOME/.nuget/packages}" -name libtorch_cpu.so 2>/dev/null | head -1)")
  export TORCH_LIB LD_LIBRARY_PATH=$TORCH_LIB
  step selfcheck-cpu 60 bash -c 'worker selfcheck --device cpu'
  step parity-cpu 300 bash -c "worker parity '$kit/golden' --tokenizer '$kit/tokenizer' --json '$out/parity.json'"
  [ "$failed" -eq 0 ] || exit 1
  steps
  said=$(grep -c '^cuda: ' "$out/log.txt")
  echo "on the CPU: all passed; of the steps on a GPU $failed ended as they must without one, $said said why"
  [ "$failed" -ge 5 ] && [ "$said" -ge 4 ]
}

case "${1:-}" in
  pack) shift; pack "$@" ;;
  run) shift; run "$@" ;;
  smoke) shift; smoke "$@" ;;
  *) sed -n '2,10p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
