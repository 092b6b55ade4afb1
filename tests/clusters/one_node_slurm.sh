#!/usr/bin/env bash
# A real Slurm of one node on this machine, and a study that `unbraid sweep --slurm --submit` hands to it: tasks reach the
# end of their time and go on by themselves. As root, with Debian's packages (apt install slurmctld slurmd slurm-client munge):
#
#     bash tests/clusters/one_node_slurm.sh [STEPS]
#
# All that it starts ends with it; its files lie in a temporary folder.
set -euo pipefail
PATH=$PATH:/usr/sbin
steps=${1:-1200}
for program in slurmctld slurmd sbatch munged; do
    command -v $program >/dev/null || { echo "there is no $program; apt install slurmctld slurmd slurm-client munge" >&2; exit 2; }
done
here=$(mktemp -d "${TMPDIR:-/tmp}/unbraid-slurm.XXXXXX")
chmod 755 "$here"
started=()
end() { kill "${started[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$here"; }
trap end EXIT

# -- Slurm ------------------------------------------------------------------------------------------------------------
mkdir -p "$here"/{munge,state,spool}
chmod 711 "$here/munge"
dd if=/dev/urandom of="$here/munge/key" bs=1 count=1024 status=none
chmod 400 "$here/munge/key"
munged --foreground --force --key-file="$here/munge/key" --socket="$here/munge/socket" --pid-file="$here/munge/pid" \
    --log-file="$here/munge/log" --seed-file="$here/munge/seed" 2>"$here/munge.log" &
started+=($!)
node=$(hostname -s)
export SLURM_CONF="$here/slurm.conf"
cat >"$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$here/munge/socket
CredType=cred/munge
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.pid
SlurmdPidFile=$here/slurmd.pid
SlurmctldLogFile=$here/slurmctld.log
SlurmdLogFile=$here/slurmd.log
SlurmctldPort=16817
SlurmdPort=16818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_interval=2
ReturnToService=2
KillWait=30
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(getconf _NPROCESSORS_ONLN) RealMemory=4000
PartitionName=all Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
sleep 1
slurmctld -D 2>"$here/slurmctld.out" & started+=($!)
slurmd -D 2>"$here/slurmd.out" & started+=($!)
for _ in $(seq 60); do sinfo --noheader --format=%T 2>/dev/null | grep -q idle && break; sleep 1; done
sinfo

# -- the study --------------------------------------------------------------------------------------------------------
cd "$here"
cat >small.yaml <<RECIPE
base: beta-vae-shapes
title: A study for Slurm
data: {source: {type: sprites, size: 32, count: 500}, workers: 0, batch: 32}
train: {steps: $steps, log_every: 50, checkpoint_every: 100000, picture_every: 100000, tensorboard: false}
RECIPE
unbraid sweep small.yaml seed=0..1 --no-evaluate --out study --jobs 1 --slurm "--time=2 --signal=TERM@30 --mem=2000" --submit
for _ in $(seq 240); do
    unbraid sweep --watch --out study | tee course.txt | tail -n 1
    grep -q "^2 runs: 2 done" course.txt && break
    sleep 15
done
echo "-- the log of the first task"
cat study/logs/slurm-*_1.log
echo "-- what Slurm did"
grep -E "Requeuing|Allocate|time limit" "$here/slurmctld.log" | cut -d ' ' -f 2-
echo "-- the sessions of the runs"
python3 - <<'PYTHON'
import json
from pathlib import Path
for run in sorted(Path("study/runs").iterdir()):
    for session in json.loads((run / "run.json").read_text())["sessions"]:
        print(f"{run.name}  steps {session['from_step']:>5} to {session['to_step']:>5}  {session['exit']}")
PYTHON
echo "-- nothing is left, and a second array is not needed"
unbraid sweep --resume --no-evaluate --out study --slurm "" --submit
unbraid sweep --watch --out study
