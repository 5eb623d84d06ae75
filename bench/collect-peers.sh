#!/bin/sh
# collect-peers.sh BUILD [SECONDS]: our Modbus client beside libmodbus's on the same servers, both
# ends on one CPU, alternating, medians of five slices. Prints one JSON object with the ratios that
# docs/PERFORMANCE.md sets as goals. Exit 77 without libmodbus.
set -eu
build=$1
seconds=${2:-1}
here=$(dirname "$0")/../tests/interop
[ -x "$build/modbus-peer" ] || { echo "libmodbus is not installed" >&2; exit 77; }
work=$(mktemp -d)
servers=
trap 'for s in $servers; do kill "$s" 2>/dev/null || true; done; rm -rf "$work"' EXIT INT TERM

wait_ready() { # file
    for _ in $(seq 100); do
        sed -n 's/^ready //p' "$1" | grep . && return 0
        sleep 0.1
    done
    return 1
}
pin="taskset -c 0"

$pin "$build/modbus-peer" server 0 >"$work/libmodbus" &
servers="$servers $!"
libmodbus=$(wait_ready "$work/libmodbus")
pymodbus=
if [ -x /usr/bin/python3 ]; then
    $pin /usr/bin/python3 "$here/modbus_pymodbus.py" tcp >"$work/pymodbus" 2>/dev/null &
    servers="$servers $!"
    pymodbus=$(wait_ready "$work/pymodbus" || true)
fi

median() { sort -n "$1" | sed -n 3p; }
theirs() { $pin "$build/modbus-peer" client "$1" "$seconds"; }
ours() { $pin "$build/modbus-client" rate "127.0.0.1:$1" "$seconds" "$2"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf("%.2f", (b > 0) ? a / b : 0) }'; }

for _ in 1 2 3 4 5; do
    theirs "$libmodbus" >>"$work/a"
    ours "$libmodbus" "unit=1 timeout_ms=5000" >>"$work/b"
    ours "$libmodbus" "unit=1 timeout_ms=5000 max_registers=100 pipeline=8" >>"$work/c"
    if [ -n "$pymodbus" ]; then
        theirs "$pymodbus" >>"$work/d"
        ours "$pymodbus" "unit=1 timeout_ms=5000" >>"$work/e"
    fi
done
a=$(median "$work/a") b=$(median "$work/b") c=$(median "$work/c")
printf '{"libmodbus_client_rps":%s,"our_client_rps":%s,"our_pipelined_rps":%s' "$a" "$b" "$c"
printf ',"modbus_ratio":%s,"modbus_pipelined_ratio":%s' "$(ratio "$b" "$a")" "$(ratio "$c" "$a")"
if [ -n "$pymodbus" ]; then
    d=$(median "$work/d") e=$(median "$work/e")
    printf ',"libmodbus_client_on_pymodbus_rps":%s,"our_client_on_pymodbus_rps":%s' "$d" "$e"
    printf ',"pymodbus_ratio":%s' "$(ratio "$e" "$d")"
fi
echo '}'
