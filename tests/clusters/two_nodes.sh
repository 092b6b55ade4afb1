#!/usr/bin/env bash
# One training on two machines by torchrun, one of which is lost: two network namespaces with a cable between them. The
# other machine says what is gone, both go on from the checkpoint, and the weights are those of two processes that nothing
# disturbed, bit for bit. As root, with Debian's iproute2:
#
#     bash tests/clusters/two_nodes.sh
#
# All that it makes ends with it; its files lie in a temporary folder.
set -euo pipefail
here=$(mktemp -d "${TMPDIR:-/tmp}/unbraid-nodes.XXXXXX")
one=unbraid-one-$$ two=unbraid-two-$$
end() {
    for node in $one $two; do
        ip netns pids $node 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
        ip netns delete $node 2>/dev/null || true
    done
    rm -rf "$here"
}
trap end EXIT

# -- two machines and a cable -----------------------------------------------------------------------------------------
ip netns add $one
ip netns add $two
ip link add cable netns $one type veth peer name cable netns $two
ip -n $one address add 192.0.2.1/24 dev cable      # addresses that are for documentation
ip -n $two address add 192.0.2.2/24 dev cable
for node in $one $two; do
    ip -n $node link set cable up
    ip -n $node link set lo up
done

# node NAME RANK WORDS ...: a machine's part of the training
node() {
    ip netns exec "$1" env GLOO_SOCKET_IFNAME=cable OMP_NUM_THREADS=1 torchrun --nnodes 2 --nproc-per-node 1 --node-rank "$2" \
        --master-addr 192.0.2.1 --master-port 29517 --no-python unbraid train "${@:3}"
}

cd "$here"
cat >small.yaml <<RECIPE
base: beta-vae-shapes
title: A training on two machines
data: {source: {type: sprites, size: 16, count: 400}, workers: 0, batch: 8}
train: {steps: 400, log_every: 10, checkpoint_every: 50, picture_every: 100000, tensorboard: false, device: cpu}
RECIPE
logged() { [ -f run/metrics.jsonl ] && tail -n 1 run/metrics.jsonl | grep -o '"step": *[0-9]*' | grep -o '[0-9]*$' || echo 0; }

echo "-- both machines train; the second is lost"
node $one 0 small.yaml --yes --out run >one.txt 2>&1 & first=$!
node $two 1 small.yaml --yes --out run >two.txt 2>&1 & second=$!
until [ "$(logged)" -ge 120 ]; do
    kill -0 $first 2>/dev/null || { cat one.txt two.txt; exit 1; }
    sleep 0.2
done
ip netns pids $two | xargs kill -KILL
wait $second || true
code=0
wait $first || code=$?
grep -A 1 "Error: " one.txt
echo "torchrun of the first machine ended with $code; the last checkpoint: $(ls run/checkpoints | tail -n 1)"

echo "-- both go on"
node $one 0 --resume --out run --yes >one.txt 2>&1 & first=$!
node $two 1 --resume --out run --yes >two.txt 2>&1 & second=$!
wait $first || { cat one.txt; exit 1; }
wait $second || { cat two.txt; exit 1; }
tail -n 2 one.txt

echo "-- two processes of one machine that nothing disturbs"
OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 --master-port 29518 --no-python unbraid train small.yaml --yes --out undisturbed >whole.txt 2>&1
"$(head -n 1 "$(command -v torchrun)" | cut -c 3-)" - <<'PYTHON'
import json
from pathlib import Path
from safetensors.torch import load_file

for session in json.loads(Path("run/run.json").read_text())["sessions"]:
    print(f"steps {session['from_step']:>3} to {session['to_step']:>3}  {session['exit']}")
last = sorted(Path("run/checkpoints").iterdir())[-1].name
for file in sorted(Path("run/checkpoints", last).glob("*.safetensors")):
    ours, theirs = load_file(file), load_file(Path("undisturbed/checkpoints", last, file.name))
    assert ours.keys() == theirs.keys() and all((ours[k] == theirs[k]).all() for k in ours), file
    print(f"{last}/{file.name}: {len(ours)} tensors, all equal to the undisturbed run's")
PYTHON
