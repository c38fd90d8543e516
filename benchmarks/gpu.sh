#!/usr/bin/env bash
# Times everything that a CUDA device can carry, in at most eight minutes.
#
#   bash benchmarks/gpu.sh                  on the first CUDA device
#   bash benchmarks/gpu.sh --tiny           the same steps in miniature on the processor: shows that they run
#   bash benchmarks/gpu.sh --out FOLDER     default: out/gpu
#
# FOLDER/gpu.md is the table; FOLDER/NAME.log is what a step said. A step that fails or runs out of time has a line there that
# says so, and the others go on. Exit status: 0, every step went well; 1, one did not; 2, a wrong flag.
# PYTHON names the interpreter (default: python); GPU_SECONDS is the limit in seconds (default: 480; 1800 with --tiny).
set -u

tiny=0
out=out/gpu
while (($#)); do
  case $1 in
    --tiny) tiny=1 ;;
    --out)
      [[ $# -ge 2 ]] || { echo "error: --out needs a folder" >&2; exit 2; }
      out=$2
      shift
      ;;
    *)
      echo "error: $1: expected --tiny or --out FOLDER" >&2
      exit 2
      ;;
  esac
  shift
done

mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
python=${PYTHON:-python}
table=$out/gpu.md
failed=0
if ((tiny)); then limit=${GPU_SECONDS:-1800}; else limit=${GPU_SECONDS:-480}; fi

# step NAME MOST COMMAND...: run it for at most MOST seconds, and put the lines of its table into ours
step() {
  local name=$1 most=$2 left=$((limit - SECONDS)) status why
  shift 2
  ((most > left)) && most=$left
  if ((most < 1)); then
    echo "| $name | not started | the time was up |" >>"$table"
    failed=1
    return
  fi
  timeout --kill-after=5 "$most" "$@" >"$out/$name.txt" 2>"$out/$name.log"
  status=$?
  grep '^|' "$out/$name.txt" >>"$table"
  ((status == 0)) && return
  failed=1
  if ((status == 124 || status == 137)); then
    why="stopped after $most s"
  else
    why="exit status $status: $(tail -n 1 "$out/$name.log" | tr '|' '/')"
  fi
  echo "| $name | failed | $why |" >>"$table"
}

card=$("$python" -c 'import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device")')
((tiny)) && card="the processor, in miniature: shows that the steps run, and no speed"
printf '%s\n\n| what | figure | besides |\n| --- | --- | --- |\n' "Run on: $card." >"$table"

if ((tiny)); then
  step downsample-200k 600 "$python" benchmarks/downsample_cuda.py 3000 --width 64 --device cpu --against-processor
  step downsample-700k 600 "$python" benchmarks/downsample_cuda.py 4000 --width 64 --device cpu
  step encode-resnet50 600 "$python" benchmarks/encode.py resnet50 --device cpu --images 2 --batch 2
  step encode-clip 600 "$python" benchmarks/encode.py clip-vit-b-16 --device cpu --images 2 --batch 2
  step denoise 600 "$python" benchmarks/denoise.py --device cpu --pictures 1 --batch 1
  step domains 600 "$python" benchmarks/domains_resnet.py --device cpu --steps 1 --batch 4 --references 2 --epochs 1
  step finetune 900 "$python" benchmarks/finetune_device.py --tiny --seconds 900 --out "$out/real-photos"
else
  step downsample-200k 90 "$python" benchmarks/downsample_cuda.py 200000 --device cuda --against-processor
  step downsample-700k 100 "$python" benchmarks/downsample_cuda.py 700000 --device cuda
  step encode-resnet50 50 "$python" benchmarks/encode.py resnet50 --device cuda
  step encode-clip 50 "$python" benchmarks/encode.py clip-vit-b-16 --device cuda
  step denoise 30 "$python" benchmarks/denoise.py --device cuda
  step domains 60 "$python" benchmarks/domains_resnet.py --device cuda
  # it starts nothing new half a minute before the end, and writes its report then
  left=$((limit - SECONDS))
  step finetune "$left" "$python" benchmarks/finetune_device.py --device cuda --out "$out/real-photos" \
    --seconds "$((left > 60 ? left - 30 : 30))"
fi

cat "$table"
exit "$failed"
